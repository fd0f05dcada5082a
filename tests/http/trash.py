"""The trash, through both doors."""

from __future__ import annotations

import pytest

from tests.http.service import HttpTests, Person, as_object, code, flaws


def _trash(person: Person) -> str:
    return person.home.removesuffix("tasks") + "trash"


class Trash(HttpTests):
    async def test_it_lists_what_was_deleted_the_last_first(self, through_both: Person) -> None:
        tasks = [await through_both.add(title=str(number)) for number in range(3)]
        for number in (1, 0, 2):
            await through_both.delete(through_both.path(tasks[number]))
        answer = await through_both.get(_trash(through_both))
        listed = as_object(answer)
        assert [task["title"] for task in listed["tasks"]] == ["2", "0", "1"]
        assert (listed["total"], listed["limit"], listed["next_cursor"]) == (3, 1000, None)
        first = listed["tasks"][0]
        assert first == {**tasks[2], **{name: first[name] for name in ("revision", "updated_at", "deleted_at")}}
        assert first["deleted_at"] == first["updated_at"]
        assert "ETag" not in answer.headers

    async def test_links_lead_through_all_of_it(self, through_both: Person) -> None:
        tasks = [await through_both.add() for _ in range(5)]
        for task in tasks:
            await through_both.delete(through_both.path(task))
        path: str | None = f"{_trash(through_both)}?limit=2"
        found: list[str] = []
        while path:
            answer = await through_both.get(path)
            found += [task["id"] for task in as_object(answer)["tasks"]]
            path = answer.links.get("next", {}).get("url")
        assert found == [task["id"] for task in tasks[::-1]]

    async def test_a_cursor_of_the_tasks_is_none_of_the_trash(self, ada: Person) -> None:
        tasks = [await ada.add() for _ in range(4)]
        for task in tasks[:2]:
            await ada.delete(ada.path(task))
        of_tasks = as_object(await ada.get("/api/tasks?limit=1"))["next_cursor"]
        of_trash = as_object(await ada.get("/api/trash?limit=1"))["next_cursor"]
        assert code(await ada.get(f"/api/trash?cursor={of_tasks}")) == (422, "cursor_mismatch")
        assert code(await ada.get(f"/api/tasks?cursor={of_trash}")) == (422, "cursor_mismatch")

    @pytest.mark.parametrize("query", ["status=open", "sort=title", "q=", "limt=1"])
    async def test_it_knows_no_other_parameters_than_those_of_paging(self, ada: Person, query: str) -> None:
        assert flaws(await ada.get(f"/api/trash?{query}")) == {query.partition("=")[0]: "unknown_parameter"}

    async def test_what_is_restored_is_as_it_was(self, through_both: Person) -> None:
        task = await through_both.add(title="Back", completed=True, tags=["home"], due="2026-12-01")
        await through_both.delete(through_both.path(task))
        answer = await through_both.post(f"{_trash(through_both)}/{task['id']}/restore")
        restored = as_object(answer)
        assert restored == {**task, "revision": 3, "updated_at": restored["updated_at"]}
        assert answer.headers["ETag"] == '"3"'
        assert await through_both.at(task) == restored
        assert as_object(await through_both.get(_trash(through_both)))["total"] == 0

    async def test_what_is_purged_is_gone_for_good(self, through_both: Person) -> None:
        task = await through_both.add()
        await through_both.delete(through_both.path(task))
        path = f"{_trash(through_both)}/{task['id']}"
        assert (await through_both.delete(path)).status_code == 204
        assert code(await through_both.delete(path)) == (404, "not_found")
        assert code(await through_both.post(f"{path}/restore")) == (404, "not_found")

    async def test_all_of_it_can_be_purged(self, through_both: Person) -> None:
        kept = await through_both.add()
        for _ in range(3):
            await through_both.delete(through_both.path(await through_both.add()))
        for _ in range(2):
            assert (await through_both.delete(_trash(through_both))).status_code == 204
        assert as_object(await through_both.get(_trash(through_both)))["total"] == 0
        assert await through_both.at(kept) == kept

    async def test_what_is_not_in_the_trash_is_not_found_there(self, ada: Person, bob: Person) -> None:
        kept, theirs = await ada.add(), await bob.add()
        await bob.delete(bob.path(theirs))
        for task_id in (kept["id"], theirs["id"], "x", "0199e1b2-7c3d-7000-8000-000000000000"):
            assert code(await ada.post(f"/api/trash/{task_id}/restore")) == (404, "not_found")
            assert code(await ada.delete(f"/api/trash/{task_id}")) == (404, "not_found")
        assert as_object(await bob.get("/api/trash"))["total"] == 1

    async def test_a_stranger_stays_outside_of_the_second_door(self, ada: Person, bob: Person) -> None:
        home = f"/api/{ada.id}/trash"
        task_id = "0199e1b2-7c3d-7000-8000-000000000000"
        for method, path in [
            ("GET", home),
            ("DELETE", home),
            ("DELETE", f"{home}/{task_id}"),
            ("POST", f"{home}/{task_id}/restore"),
        ]:
            assert code(await bob.request(method, path)) == (403, "not_your_user")

    async def test_only_the_state_that_was_seen_is_written_over(self, ada: Person) -> None:
        task = await ada.add()
        await ada.delete(ada.path(task))
        path, stale = f"/api/trash/{task['id']}", {"If-Match": '"1"'}
        assert code(await ada.post(f"{path}/restore", headers=stale)) == (412, "stale")
        assert code(await ada.delete(path, headers=stale)) == (412, "stale")
        assert (await ada.post(f"{path}/restore", headers={"If-Match": '"2"'})).status_code == 200

    async def test_what_is_told_of_a_task_in_the_trash_is_since_when_it_lies_there(self, ada: Person) -> None:
        task = await ada.add()
        await ada.delete(ada.path(task))
        (there,) = as_object(await ada.get("/api/trash"))["tasks"]
        refused = await ada.delete(f"/api/trash/{task['id']}", headers={"If-Match": '"1"'})
        assert as_object(refused)["current"] == there
        assert there["deleted_at"]

    async def test_the_trash_itself_has_no_state_that_could_be_named(self, through_both: Person) -> None:
        await through_both.delete(through_both.path(await through_both.add()))
        for condition in ('"1"', '"2"', 'W/"2"', "", "x"):
            refused = await through_both.delete(_trash(through_both), headers={"If-Match": condition})
            assert code(refused) == (412, "untagged"), condition
        assert as_object(await through_both.get(_trash(through_both)))["total"] == 1
        assert (await through_both.delete(_trash(through_both), headers={"If-Match": "*"})).status_code == 204
        assert as_object(await through_both.get(_trash(through_both)))["total"] == 0

    async def test_restoring_can_be_repeated_under_a_key(self, ada: Person) -> None:
        task = await ada.add()
        await ada.delete(ada.path(task))
        path, key = f"/api/trash/{task['id']}/restore", {"Idempotency-Key": "once"}
        first, second = [await ada.post(path, headers=key) for _ in range(2)]
        assert first.json() == second.json()
        assert second.headers["Idempotency-Replayed"] == "true"
