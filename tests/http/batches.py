"""Several operations as one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import a_task_id
from tests.http.service import HttpTests, Person, as_object, code, flaws


async def batch(person: Person, *operations: dict[str, Any]) -> Any:
    return await person.post(f"{person.home}/batch", body={"operations": list(operations)})


async def titles(person: Person) -> list[str]:
    return sorted(task["title"] for task in (await person.get(person.home)).json()["tasks"])


def create(title: str = "New", **fields: Any) -> dict[str, Any]:
    return {"op": "create", "task": {"title": title, **fields}}


class Batches(HttpTests):
    async def test_operations_are_done_in_their_order(self, through_both: Person) -> None:
        first, second, third = [await through_both.add(title=title) for title in "abc"]
        answer = await batch(
            through_both,
            {"op": "update", "id": first["id"], "task": {"title": "A"}},
            {"op": "complete", "id": second["id"]},
            {"op": "delete", "id": third["id"]},
            create("d"),
            {"op": "reopen", "id": second["id"]},
        )
        results = as_object(answer)["results"]
        assert answer.status_code == 200
        assert [one["revision"] for one in results] == [4, 5, 6, 7, 8]
        assert results[2] == {"id": third["id"], "revision": 6, "deleted": True}
        assert [results[index].get("completed") for index in (0, 1, 3, 4)] == [False, True, False, False]
        assert await titles(through_both) == ["A", "b", "d"]

    async def test_one_that_fails_undoes_all(self, through_both: Person) -> None:
        task = await through_both.add(title="a")
        refused = await batch(
            through_both,
            {"op": "delete", "id": task["id"]},
            create(),
            {"op": "complete", "id": str(a_task_id())},
            create(),
        )
        assert code(refused) == (404, "not_found")
        assert refused.json()["index"] == 2
        assert await through_both.at(task) == task
        assert (await through_both.add())["revision"] == task["revision"] + 1

    async def test_a_condition_for_all_of_it_cannot_be_judged(self, ada: Person) -> None:
        task = await ada.add(title="a")
        operations = [{"op": "update", "id": task["id"], "task": {"title": "b"}}]
        refused = await ada.post(f"{ada.home}/batch", body={"operations": operations}, headers={"If-Match": '"9"'})
        assert code(refused) == (412, "untagged")
        assert await ada.at(task) == task

    async def test_an_operation_sees_what_those_before_it_did(self, ada: Person) -> None:
        task_id = str(a_task_id())
        answer = await batch(
            ada, {"op": "create", "id": task_id, "task": {"title": "a"}}, {"op": "complete", "id": task_id}
        )
        assert [one["completed"] for one in answer.json()["results"]] == [False, True]
        refused = await batch(ada, {"op": "delete", "id": task_id}, {"op": "complete", "id": task_id})
        assert (code(refused), refused.json()["index"]) == ((404, "not_found"), 1)

    async def test_an_operation_that_changes_nothing_takes_no_revision(self, ada: Person) -> None:
        task = await ada.add()
        answer = await batch(ada, {"op": "reopen", "id": task["id"]}, {"op": "update", "id": task["id"], "task": {}})
        assert answer.json()["results"] == [task, task]

    async def test_a_revision_that_is_named_must_be_the_current_one(self, ada: Person) -> None:
        task = await ada.add()
        changed = as_object(await ada.patch(ada.path(task), body={"title": "b"}))
        for operation in (
            {"op": "update", "task": {"title": "c"}},
            {"op": "complete"},
            {"op": "reopen"},
            {"op": "delete"},
        ):
            stale = operation | {"id": task["id"], "if_revision": task["revision"]}
            refused = await batch(ada, create(), stale)
            assert code(refused) == (412, "stale")
            assert (refused.json()["index"], refused.json()["current"]) == (1, changed)
        assert await titles(ada) == ["b"]
        done = await batch(ada, {"op": "complete", "id": task["id"], "if_revision": float(changed["revision"])})
        assert done.status_code == 200

    async def test_the_current_task_is_what_is_there_and_not_what_was_undone(self, ada: Person) -> None:
        task = await ada.add()
        change = {"op": "update", "id": task["id"], "if_revision": task["revision"]}
        refused = await batch(ada, change | {"task": {"title": "b"}}, change | {"task": {"title": "c"}})
        assert (code(refused), refused.json()["index"], refused.json()["current"]) == ((412, "stale"), 1, task)
        assert await ada.at(task) == task

    async def test_a_task_that_is_there_is_created_as_it_is(self, ada: Person) -> None:
        task = await ada.add(id=str(a_task_id()))
        answer = await batch(
            ada, create("Other", id=task["id"]), {"op": "create", "id": task["id"], "task": {"title": "x"}}
        )
        assert answer.json()["results"] == [task, task]

    async def test_an_id_in_the_trash_is_refused(self, ada: Person) -> None:
        task = await ada.add()
        await ada.delete(ada.path(task))
        refused = await batch(ada, create(), create(id=task["id"]))
        assert (code(refused), refused.json()["index"]) == ((409, "in_trash"), 1)

    async def test_a_strangers_task_is_not_there(self, ada: Person, bob: Person) -> None:
        task = await ada.add()
        refused = await batch(bob, {"op": "delete", "id": task["id"]})
        assert (code(refused), refused.json()["index"]) == ((404, "not_found"), 0)
        assert await ada.at(task) == task

    async def test_a_hundred_are_done_and_one_more_refused(self, ada: Person) -> None:
        answer = await batch(ada, *(create(str(number)) for number in range(100)))
        assert [task["title"] for task in answer.json()["results"]] == [str(number) for number in range(100)]
        assert flaws(await batch(ada, *(create() for _ in range(101)))) == {"operations": "too_many"}
        assert len(await titles(ada)) == 100

    async def test_parts_that_mean_nothing_may_be_null(self, ada: Person) -> None:
        task = await ada.add()
        answer = await batch(
            ada,
            {"op": "create", "id": None, "if_revision": None, "task": {"title": "a"}},
            {"op": "complete", "id": task["id"], "if_revision": None, "task": None},
        )
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("operation", "field", "flaw"),
        [
            ({"op": "create", "task": {"title": ""}}, "task.title", "empty"),
            ({"op": "create", "task": {}}, "task.title", "missing"),
            ({"op": "create"}, "task", "missing"),
            ({"op": "create", "id": "1", "task": {"title": "a"}}, "id", "not_a_uuid"),
            ({"op": "create", "if_revision": 1, "task": {"title": "a"}}, "if_revision", "not_allowed"),
            ({"op": "update", "id": str(a_task_id()), "task": {"titel": "a"}}, "task.titel", "unknown_field"),
            ({"op": "update", "task": {"title": "a"}}, "id", "missing"),
            ({"op": "update", "id": str(a_task_id())}, "task", "missing"),
            ({"op": "complete", "id": str(a_task_id()), "if_revision": -1}, "if_revision", "wrong_type"),
            ({"op": "reopen", "id": str(a_task_id()), "if_revision": "1"}, "if_revision", "wrong_type"),
            ({"op": "delete", "id": str(a_task_id()), "task": {}}, "task", "not_allowed"),
            ({"op": "toggle", "id": str(a_task_id())}, "op", "unknown_value"),
            ({"id": str(a_task_id())}, "op", "missing"),
        ],
    )
    async def test_what_is_no_operation_is_refused_by_its_place(
        self, ada: Person, operation: dict[str, Any], field: str, flaw: str
    ) -> None:
        refused = await batch(ada, create(), create(), create(), operation)
        assert flaws(refused) == {f"operations.3.{field}": flaw}
        assert refused.json()["index"] == 3
        assert await titles(ada) == []

    @pytest.mark.parametrize("operation", [None, 1, "create", []])
    async def test_an_operation_is_an_object(self, ada: Person, operation: object) -> None:
        refused = await ada.post(f"{ada.home}/batch", body={"operations": [create(), operation]})
        assert flaws(refused) == {"operations.1": "wrong_type"}
        assert refused.json()["index"] == 1

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"operations": []}, {"operations": "empty"}),
            ({"operations": None}, {"operations": "wrong_type"}),
            ({"operations": {}}, {"operations": "wrong_type"}),
            ({}, {"operations": "missing"}),
            ({"operation": []}, {"operations": "missing", "operation": "unknown_field"}),
        ],
    )
    async def test_a_batch_has_operations(self, ada: Person, body: object, expected: dict[str, str]) -> None:
        refused = await ada.post(f"{ada.home}/batch", body=body)
        assert flaws(refused) == expected
        assert "index" not in refused.json()
