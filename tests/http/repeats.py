"""Writes that may be repeated: the Idempotency-Key header."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_task_id
from tests.http.service import HttpTests, Person, code, flaws

if TYPE_CHECKING:
    import httpx

AT_ONCE = 20
KEY = {"Idempotency-Key": "a key"}


def is_replayed(answer: httpx.Response) -> bool:
    assert answer.headers.get("Idempotency-Replayed") in {None, "true"}
    return "Idempotency-Replayed" in answer.headers


def same(first: httpx.Response, again: httpx.Response) -> bool:
    """Whether the second is the first one's repeat, and the first none."""
    shown = [
        (one.status_code, one.content, one.headers.get("Location"), one.headers.get("ETag")) for one in (first, again)
    ]
    return shown[0] == shown[1] and (is_replayed(first), is_replayed(again)) == (False, True)


async def count(person: Person) -> int:
    return int((await person.get(person.home)).json()["total"])


class Repeating(HttpTests):
    async def test_a_repeat_answers_as_the_first_did(self, through_both: Person) -> None:
        first, again = [
            await through_both.post(through_both.home, body={"title": "Buy milk", "due": "2026-12-01"}, headers=KEY)
            for _ in range(2)
        ]
        assert first.status_code == 201
        assert same(first, again)
        assert await count(through_both) == 1

    async def test_blanks_behind_the_key_are_no_part_of_it(self, ada: Person) -> None:
        keys = ("a key", "a key \t")
        first, again = [
            await ada.post(ada.home, body={"title": "Buy milk"}, headers={"Idempotency-Key": key}) for key in keys
        ]
        assert same(first, again)

    async def test_it_answers_with_the_task_as_it_was_then(self, ada: Person) -> None:
        first = await ada.post(ada.home, body={"title": "Buy milk"}, headers=KEY)
        await ada.patch(ada.path(first.json()), body={"title": "Changed"})
        assert same(first, await ada.post(ada.home, body={"title": "Buy milk"}, headers=KEY))
        await ada.delete(ada.path(first.json()))
        assert same(first, await ada.post(ada.home, body={"title": "Buy milk"}, headers=KEY))
        assert await count(ada) == 0

    async def test_an_answer_with_what_was_there_stays_one(self, ada: Person) -> None:
        task = await ada.add(id=str(a_task_id()))
        first, again = [
            await ada.post(ada.home, body={"title": "Again", "id": task["id"]}, headers=KEY) for _ in range(2)
        ]
        assert (first.status_code, first.json()) == (200, task)
        assert same(first, again)

    async def test_twenty_at_once_make_one_task(self, ada: Person) -> None:
        body = {"title": "Buy milk"}
        answers = await asyncio.gather(*(ada.post(ada.home, body=body, headers=KEY) for _ in range(AT_ONCE)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum(is_replayed(answer) for answer in answers) == AT_ONCE - 1
        assert await count(ada) == 1

    @pytest.mark.parametrize(("action", "completed"), [("/complete", False), ("/reopen", True)])
    async def test_completing_and_reopening(self, through_both: Person, action: str, completed: bool) -> None:
        task = await through_both.add(completed=completed)
        path = through_both.path(task, action)
        first = await through_both.post(path, headers=KEY)
        await through_both.patch(through_both.path(task), body={"completed": completed})
        assert same(first, await through_both.post(path, headers=KEY))
        assert (await through_both.at(task))["completed"] is completed

    async def test_restoring(self, through_both: Person) -> None:
        task = await through_both.add()
        await through_both.delete(through_both.path(task))
        path = through_both.home.removesuffix("tasks") + f"trash/{task['id']}/restore"
        first = await through_both.post(path, headers=KEY)
        assert first.status_code == 200
        await through_both.delete(through_both.path(task))
        assert same(first, await through_both.post(path, headers=KEY))
        assert await count(through_both) == 0

    async def test_a_batch(self, through_both: Person) -> None:
        gone = await through_both.add()
        body = {"operations": [{"op": "create", "task": {"title": "A"}}, {"op": "delete", "id": gone["id"]}]}
        first, again = [await through_both.post(f"{through_both.home}/batch", body=body, headers=KEY) for _ in range(2)]
        assert first.status_code == 200
        assert same(first, again)
        assert await count(through_both) == 1

    async def test_a_condition_is_not_looked_at_again(self, ada: Person) -> None:
        task = await ada.add()
        headers = {**KEY, "If-Match": f'"{task["revision"]}"'}
        first, again = [await ada.post(ada.path(task, "/complete"), headers=headers) for _ in range(2)]
        assert same(first, again)


class NotRepeating(HttpTests):
    @pytest.mark.parametrize(
        "body", [{"title": "Buy milk "}, {"title": "Buy oat milk"}, {"title": "Buy milk", "tags": []}]
    )
    async def test_another_body_is_refused(self, ada: Person, body: dict[str, Any]) -> None:
        await ada.post(ada.home, body={"title": "Buy milk"}, headers=KEY)
        assert code(await ada.post(ada.home, body=body, headers=KEY)) == (422, "idempotency_mismatch")
        assert await count(ada) == 1

    async def test_another_path_is_refused(self, ada: Person) -> None:
        task = await ada.add()
        await ada.post(ada.path(task, "/complete"), headers=KEY)
        for path in (ada.path(task, "/reopen"), f"/api/{ada.id}/tasks/{task['id']}/complete"):
            assert code(await ada.post(path, headers=KEY)) == (422, "idempotency_mismatch")
        assert (await ada.at(task))["completed"] is True

    async def test_a_refused_request_uses_up_no_key(self, ada: Person) -> None:
        task = await ada.add()
        stale = {**KEY, "If-Match": '"0"'}
        assert (await ada.post(ada.path(task, "/complete"), headers=stale)).status_code == 412
        assert (await ada.post(ada.home, body={"title": ""}, headers=KEY)).status_code == 422
        assert (await ada.post(f"{ada.home}/{a_task_id()}/complete", headers=KEY)).status_code == 404
        assert (await ada.post(ada.home, body={"title": "Buy milk"}, headers=KEY)).status_code == 201

    async def test_the_key_of_one_person_is_free_for_another(self, ada: Person, bob: Person) -> None:
        hers, his = [await one.post(one.home, body={"title": "Buy milk"}, headers=KEY) for one in (ada, bob)]
        assert (his.status_code, is_replayed(his)) == (201, False)
        assert hers.json()["id"] != his.json()["id"]

    async def test_without_a_key_each_request_counts(self, ada: Person) -> None:
        for _ in range(2):
            assert (await ada.post(ada.home, body={"title": "Buy milk"})).status_code == 201
        assert await count(ada) == 2

    @pytest.mark.parametrize("key", ["", "k" * 256, "a\x7fb", "a\tb"])
    async def test_other_keys_are_refused(self, ada: Person, key: str) -> None:
        headers = [("Idempotency-Key", key)]
        refused = await ada.post(ada.home, body={"title": "Buy milk"}, headers=headers)
        assert flaws(refused) == {"Idempotency-Key": "not_a_key"}

    async def test_two_keys_are_none(self, ada: Person) -> None:
        headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
        refused = await ada.post(ada.home, body={"title": "Buy milk"}, headers=headers)
        assert flaws(refused) == {"Idempotency-Key": "not_a_key"}

    async def test_a_body_that_is_not_asked_for_is_bounded_with_a_key_and_without(self, ada: Person) -> None:
        task = await ada.add()
        for headers in (KEY, {}):
            answer = await ada.post(ada.path(task, "/complete"), content=b" " * (2**20 + 1), headers=headers)
            assert code(answer) == (413, "too_large")
        assert (await ada.at(task))["completed"] is False

    @pytest.mark.parametrize("key", ["k" * 255, "a b", "~"])
    async def test_any_printable_key_will_do(self, ada: Person, key: str) -> None:
        headers = {"Idempotency-Key": key}
        first, again = [await ada.post(ada.home, body={"title": "Buy milk"}, headers=headers) for _ in range(2)]
        assert same(first, again)
