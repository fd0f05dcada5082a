"""Many requests at once, for the same tasks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.builders import a_task_id
from tests.http.service import HttpTests, Person, as_object

if TYPE_CHECKING:
    from collections.abc import Awaitable

AT_ONCE = 12


async def together(*requests: Awaitable[Any]) -> list[Any]:
    """The answers to requests that all wait for the last of them before they go off."""
    barrier = asyncio.Barrier(len(requests))

    async def one(request: Awaitable[Any]) -> Any:
        async with barrier:
            return await request

    return await asyncio.gather(*(one(request) for request in requests))


class Races(HttpTests):
    async def test_changes_of_different_fields_all_survive(self, through_both: Person) -> None:
        changes: dict[str, Any] = {
            "title": "Changed",
            "description": "Changed",
            "completed": True,
            "priority": "urgent",
            "tags": ["changed"],
            "due": "2026-12-01",
        }
        for _ in range(3):
            task = await through_both.add()
            path = through_both.path(task)
            answers = await together(*(through_both.patch(path, body={name: changes[name]}) for name in changes))
            assert {answer.status_code for answer in answers} == {200}
            after = await through_both.at(task)
            assert {name: after[name] for name in changes} == changes
            assert len({answer.json()["revision"] for answer in answers}) == len(changes)
            assert after["revision"] == max(answer.json()["revision"] for answer in answers)

    async def test_one_tag_has_one_winner(self, through_both: Person) -> None:
        for _ in range(3):
            task = await through_both.add()
            headers = {"If-Match": f'"{task["revision"]}"'}
            answers = await together(
                *(
                    through_both.patch(through_both.path(task), body={"title": str(number)}, headers=headers)
                    for number in range(AT_ONCE)
                )
            )
            assert sorted(answer.status_code for answer in answers) == [200] + [412] * (AT_ONCE - 1)
            winner = next(answer.json() for answer in answers if answer.status_code == 200)
            assert await through_both.at(task) == winner
            assert all(answer.json()["current"] == winner for answer in answers if answer.status_code == 412)

    async def test_a_change_and_a_deletion_with_one_tag_do_not_both_win(self, ada: Person) -> None:
        for _ in range(5):
            task = await ada.add()
            headers = {"If-Match": f'"{task["revision"]}"'}
            changed, deleted = await together(
                ada.patch(ada.path(task), body={"title": "Changed"}, headers=headers),
                ada.delete(ada.path(task), headers=headers),
            )
            assert (changed.status_code, deleted.status_code) in {(200, 412), (404, 204)}

    async def test_every_toggle_counts(self, ada: Person) -> None:
        task = await ada.add()
        answers = await together(*(ada.patch(ada.path(task, "/complete")) for _ in range(AT_ONCE)))
        states = [
            answer.json()["completed"] for answer in sorted(answers, key=lambda answer: answer.json()["revision"])
        ]
        assert states == [True, False] * (AT_ONCE // 2)

    async def test_completing_at_once_completes_once(self, ada: Person) -> None:
        task = await ada.add()
        answers = await together(*(ada.post(ada.path(task, "/complete")) for _ in range(AT_ONCE)))
        assert len({answer.text for answer in answers}) == 1
        assert answers[0].json()["revision"] == task["revision"] + 1

    async def test_an_own_id_makes_one_task(self, ada: Person) -> None:
        body = {"title": "Buy milk", "id": str(a_task_id())}
        answers = await together(*(ada.post(ada.home, body=body) for _ in range(AT_ONCE)))
        assert sorted(answer.status_code for answer in answers) == [200] * (AT_ONCE - 1) + [201]
        assert len({answer.text for answer in answers}) == 1

    async def test_every_new_task_takes_a_number_of_its_own(self, ada: Person, bob: Person) -> None:
        await together(*(person.add() for person in (ada, bob) for _ in range(AT_ONCE)))
        for person in (ada, bob):
            listed = as_object(await person.get(person.home))
            revisions = {task["revision"] for task in listed["tasks"]}
            assert (len(revisions), max(revisions) - min(revisions), listed["total"]) == (AT_ONCE, AT_ONCE - 1, AT_ONCE)
