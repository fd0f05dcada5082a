"""Making, reading, changing, completing and deleting tasks, through both doors."""

from __future__ import annotations

import uuid

import pytest

from tests.builders import a_task_id
from tests.http.service import HttpTests, Person, as_object, code, flaws

FIELDS = {
    "title": "Buy milk",
    "description": "Two litres.",
    "completed": True,
    "priority": "high",
    "tags": ["home", "shop"],
    "due": "2026-12-01",
}


class Making(HttpTests):
    async def test_a_task_needs_only_a_title(self, through_both: Person) -> None:
        answer = await through_both.post(through_both.home, body={"title": "Buy milk"})
        task = as_object(answer)
        assert answer.status_code == 201
        assert task == {
            "id": task["id"],
            "user_id": through_both.id,
            "title": "Buy milk",
            "description": None,
            "completed": False,
            "completed_at": None,
            "priority": "none",
            "tags": [],
            "due": None,
            "created_at": task["created_at"],
            "updated_at": task["created_at"],
            "revision": task["revision"],
        }

    async def test_a_task_takes_all_its_fields(self, ada: Person) -> None:
        task = await ada.add(**FIELDS)
        assert {name: task[name] for name in FIELDS} == FIELDS

    async def test_ids_are_uuids_of_version_7(self, ada: Person) -> None:
        assert uuid.UUID((await ada.add())["id"]).version == 7

    async def test_location_leads_to_the_task_through_the_same_door(self, through_both: Person) -> None:
        answer = await through_both.post(f"{through_both.home}/", body={"title": "Buy milk"})
        assert answer.headers["Location"] == through_both.path(answer.json())
        assert (await through_both.get(answer.headers["Location"])).json() == answer.json()

    async def test_the_entity_tag_is_the_revision(self, ada: Person) -> None:
        answer = await ada.post(ada.home, body={"title": "Buy milk"})
        assert answer.headers["ETag"] == f'"{answer.json()["revision"]}"'

    async def test_a_task_can_be_made_done(self, ada: Person) -> None:
        task = await ada.add(completed=True)
        assert task["completed_at"] == task["created_at"]

    async def test_times_are_in_utc_with_z(self, ada: Person) -> None:
        task = await ada.add(completed=True)
        assert all(task[name].endswith("Z") for name in ("created_at", "updated_at", "completed_at"))


class MakingWithAnId(HttpTests):
    async def test_the_client_may_choose_the_id(self, through_both: Person) -> None:
        task_id = str(a_task_id())
        answer = await through_both.post(through_both.home, body={"title": "Buy milk", "id": task_id})
        assert (answer.status_code, answer.json()["id"]) == (201, task_id)

    async def test_the_id_may_be_written_in_capitals(self, ada: Person) -> None:
        task_id = str(a_task_id())
        assert (await ada.add(id=task_id.upper()))["id"] == task_id

    async def test_null_asks_for_an_id(self, ada: Person) -> None:
        assert uuid.UUID((await ada.add(id=None))["id"]).version == 7

    async def test_sent_again_it_is_answered_as_it_is_unchanged(self, ada: Person) -> None:
        task = await ada.add(id=str(a_task_id()))
        again = await ada.post(ada.home, body={"title": "Something else", "id": task["id"]})
        assert (again.status_code, again.json()) == (200, task)
        assert "Location" not in again.headers
        assert await ada.at(task) == task

    async def test_an_id_in_the_trash_is_refused(self, ada: Person) -> None:
        task = await ada.add(id=str(a_task_id()))
        await ada.delete(ada.path(task))
        again = await ada.post(ada.home, body={"title": "Buy milk", "id": task["id"]})
        assert code(again) == (409, "in_trash")

    async def test_someone_elses_id_is_free(self, ada: Person, bob: Person) -> None:
        hers = await ada.add(title="Hers")
        his = await bob.add(title="His", id=hers["id"])
        assert (his["id"], his["user_id"]) == (hers["id"], bob.id)
        assert await ada.at(hers) == hers
        assert await bob.at(his) == his

    @pytest.mark.parametrize(
        ("task_id", "flaw"),
        [
            ("6f1c0d2e-9d5b-4c39-8a55-0123456789ab", "not_version_7"),
            ("71c55412-e57a-11f1-ac5d-0123456789ab", "not_version_7"),
            ("00000000-0000-0000-0000-000000000000", "not_version_7"),
            ("0199e1b27c3d700080000123456789ab", "not_a_uuid"),
            ("{0199e1b2-7c3d-7000-8000-0123456789ab}", "not_a_uuid"),
            ("urn:uuid:0199e1b2-7c3d-7000-8000-0123456789ab", "not_a_uuid"),
            (" 0199e1b2-7c3d-7000-8000-0123456789ab", "not_a_uuid"),
            ("", "not_a_uuid"),
            ("1", "not_a_uuid"),
            (1, "wrong_type"),
            (True, "wrong_type"),
            ([], "wrong_type"),
        ],
    )
    async def test_other_ids_are_refused(self, ada: Person, task_id: object, flaw: str) -> None:
        assert flaws(await ada.post(ada.home, body={"title": "Buy milk", "id": task_id})) == {"id": flaw}


class Changing(HttpTests):
    @pytest.fixture(params=["PATCH", "PUT"])
    def method(self, request: pytest.FixtureRequest) -> str:
        """The contract gives both the same meaning."""
        return str(request.param)

    async def test_only_what_is_sent_changes(self, through_both: Person, method: str) -> None:
        task = await through_both.add(**FIELDS)
        answer = await through_both.request(method, through_both.path(task), body={"title": "Buy oat milk"})
        changed = as_object(answer)
        assert changed == {
            **task,
            "title": "Buy oat milk",
            "updated_at": changed["updated_at"],
            "revision": changed["revision"],
        }
        assert answer.headers["ETag"] == f'"{changed["revision"]}"'
        assert changed["revision"] > task["revision"]
        assert changed["updated_at"] > task["updated_at"]
        assert await through_both.at(task) == changed

    async def test_every_field_can_change(self, ada: Person, method: str) -> None:
        task = await ada.add()
        changed = as_object(await ada.request(method, ada.path(task), body=FIELDS))
        assert {name: changed[name] for name in FIELDS} == FIELDS

    async def test_null_clears(self, ada: Person, method: str) -> None:
        task = await ada.add(**FIELDS)
        body = {"description": None, "priority": None, "tags": None, "due": None}
        changed = as_object(await ada.request(method, ada.path(task), body=body))
        assert [changed[name] for name in body] == [None, "none", [], None]

    async def test_a_change_to_the_same_takes_no_revision(self, ada: Person, method: str) -> None:
        task = await ada.add(**FIELDS)
        assert (await ada.request(method, ada.path(task), body=FIELDS)).json() == task
        assert (await ada.request(method, ada.path(task), body={})).json() == task
        assert (await ada.add())["revision"] == task["revision"] + 1

    async def test_a_whole_task_can_be_sent_back(self, ada: Person, method: str) -> None:
        task = await ada.add(**FIELDS)
        assert (await ada.request(method, ada.path(task), body=task)).json() == task

    async def test_what_the_server_sets_is_ignored(self, ada: Person, method: str) -> None:
        task = await ada.add()
        lies = dict.fromkeys(("id", "user_id", "created_at", "updated_at", "completed_at", "revision"), "a lie")
        assert (await ada.request(method, ada.path(task), body=lies)).json() == task

    async def test_what_the_server_sets_is_ignored_in_a_new_task_too(self, ada: Person) -> None:
        lies = dict.fromkeys(("user_id", "created_at", "updated_at", "completed_at", "revision"), "a lie")
        task = await ada.add(**lies)
        assert (task["user_id"], task["completed_at"]) == (ada.id, None)


class Completing(HttpTests):
    async def test_without_a_body_it_toggles(self, through_both: Person) -> None:
        task = await through_both.add()
        done = as_object(await through_both.patch(through_both.path(task, "/complete")))
        assert (done["completed"], done["completed_at"]) == (True, done["updated_at"])
        open_again = as_object(await through_both.patch(through_both.path(task, "/complete")))
        assert (open_again["completed"], open_again["completed_at"]) == (False, None)
        assert task["revision"] < done["revision"] < open_again["revision"]

    async def test_an_empty_object_says_as_little_as_no_body(self, ada: Person) -> None:
        task = await ada.add()
        assert (await ada.patch(ada.path(task, "/complete"), body={})).json()["completed"] is True

    @pytest.mark.parametrize("completed", [True, False])
    async def test_a_body_sets_and_may_do_so_again(self, through_both: Person, completed: bool) -> None:
        task = await through_both.add(completed=not completed)
        path = through_both.path(task, "/complete")
        once = await through_both.patch(path, body={"completed": completed})
        twice = await through_both.patch(path, body={"completed": completed})
        assert once.json()["completed"] is completed
        assert once.json() == twice.json()

    @pytest.mark.parametrize(("action", "completed"), [("/complete", True), ("/reopen", False)])
    async def test_post_sets_and_may_do_so_again(self, through_both: Person, action: str, completed: bool) -> None:
        task = await through_both.add(completed=not completed)
        once = await through_both.post(through_both.path(task, action))
        twice = await through_both.post(through_both.path(task, action))
        assert once.json()["completed"] is completed
        assert once.json() == twice.json()
        assert once.headers["ETag"] == twice.headers["ETag"]

    async def test_the_moment_of_completion_stays_the_first(self, ada: Person) -> None:
        task = await ada.add(completed=True)
        changed = as_object(await ada.patch(ada.path(task), body={"completed": True, "title": "Buy oat milk"}))
        assert changed["completed_at"] == task["completed_at"]

    @pytest.mark.parametrize("completed", [None, "true", 1, 0, [], {}])
    async def test_completed_is_true_or_false_and_nothing_else(self, ada: Person, completed: object) -> None:
        task = await ada.add()
        answer = await ada.patch(ada.path(task, "/complete"), body={"completed": completed})
        assert flaws(answer) == {"completed": "wrong_type"}
        assert await ada.at(task) == task


class Deleting(HttpTests):
    async def test_a_deleted_task_is_gone_from_everywhere(self, through_both: Person) -> None:
        task, kept = await through_both.add(), await through_both.add()
        answer = await through_both.delete(through_both.path(task))
        assert (answer.status_code, answer.content) == (204, b"")
        listed = as_object(await through_both.get(through_both.home))
        assert ([one["id"] for one in listed["tasks"]], listed["total"]) == ([kept["id"]], 1)
        for method, action in [
            ("GET", ""),
            ("PATCH", ""),
            ("PUT", ""),
            ("DELETE", ""),
            ("PATCH", "/complete"),
            ("POST", "/complete"),
            ("POST", "/reopen"),
        ]:
            again = await through_both.request(method, through_both.path(task, action), body={})
            assert code(again) == (404, "not_found")

    @pytest.mark.parametrize(
        "task_id", ["1", "none", "6f1c0d2e-9d5b-4c39-8a55-0123456789ab", "a%00b", "%F0%9F%98%80", "'; DROP TABLE tasks"]
    )
    async def test_what_is_no_id_is_the_id_of_no_task(self, ada: Person, task_id: str) -> None:
        assert code(await ada.get(f"/api/tasks/{task_id}")) == (404, "not_found")
