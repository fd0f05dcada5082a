"""The list of tasks, and how it goes on."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import pytest

from tests.http.service import HttpTests, Person, as_object, code, flaws

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def pages(person: Person, limit: int) -> AsyncIterator[dict[str, Any]]:
    """The pages of the person's list, by following its links."""
    path: str | None = f"{person.home}?limit={limit}"
    while path:
        answer = await person.get(path)
        assert answer.status_code == 200, answer.text
        page = as_object(answer)
        link = answer.links.get("next", {}).get("url")
        assert (link is None) == (page["next_cursor"] is None)
        yield page
        path = link


class Lists(HttpTests):
    async def test_an_empty_list_is_one_too(self, through_both: Person) -> None:
        answer = await through_both.get(through_both.home)
        assert answer.json() == {"tasks": [], "total": 0, "limit": 1000, "next_cursor": None}
        assert "Link" not in answer.headers

    async def test_the_newest_comes_first(self, through_both: Person) -> None:
        tasks = [await through_both.add(title=str(number)) for number in range(5)]
        listed = as_object(await through_both.get(through_both.home))
        assert listed["tasks"] == tasks[::-1]
        assert (listed["total"], listed["next_cursor"]) == (5, None)

    async def test_a_change_does_not_move_a_task(self, ada: Person) -> None:
        tasks = [await ada.add() for _ in range(3)]
        await ada.post(ada.path(tasks[0], "/complete"))
        listed = as_object(await ada.get(ada.home))
        assert [task["id"] for task in listed["tasks"]] == [task["id"] for task in tasks[::-1]]

    async def test_nobody_elses_tasks_are_in_it(self, ada: Person, bob: Person) -> None:
        hers, his = await ada.add(), await bob.add()
        assert [task["id"] for task in as_object(await ada.get(ada.home))["tasks"]] == [hers["id"]]
        assert [task["id"] for task in as_object(await bob.get(bob.home))["tasks"]] == [his["id"]]


class Pages(HttpTests):
    async def test_links_lead_through_the_whole_list_once(self, through_both: Person) -> None:
        tasks = [await through_both.add() for _ in range(7)]
        for limit in (1, 2, 3, 6, 7, 8, 1000):
            found = [page async for page in pages(through_both, limit)]
            assert [task for page in found for task in page["tasks"]] == tasks[::-1]
            assert {(page["total"], page["limit"]) for page in found} == {(7, limit)}
            assert all(len(page["tasks"]) == limit for page in found[:-1])

    async def test_a_link_keeps_the_door_and_the_limit(self, through_both: Person) -> None:
        for _ in range(3):
            await through_both.add()
        answer = await through_both.get(f"{through_both.home}?limit=2")
        cursor = answer.json()["next_cursor"]
        assert answer.headers["Link"] == f'<{through_both.home}?limit=2&cursor={cursor}>; rel="next"'

    async def test_a_cursor_may_go_on_with_another_limit(self, ada: Person) -> None:
        tasks = [await ada.add() for _ in range(4)]
        cursor = (await ada.get(f"{ada.home}?limit=1")).json()["next_cursor"]
        listed = as_object(await ada.get(f"{ada.home}?cursor={cursor}&limit=2"))
        assert listed["tasks"] == tasks[2:0:-1]

    async def test_what_happens_meanwhile_neither_repeats_nor_hides_a_task(self, ada: Person) -> None:
        tasks = [await ada.add() for _ in range(6)]
        seen = []
        async for page in pages(ada, 2):
            seen += [task["id"] for task in page["tasks"]]
            await ada.add(title="Newer than all")
            await ada.delete(ada.path({"id": seen[-1]}))
        assert seen == [task["id"] for task in tasks[::-1]]


class Parameters(HttpTests):
    @pytest.mark.parametrize("limit", ["1", "1000"])
    async def test_a_limit_goes_from_1_to_1000(self, through_both: Person, limit: str) -> None:
        assert (await through_both.get(f"{through_both.home}?limit={limit}")).json()["limit"] == int(limit)

    async def test_other_limits_are_refused_not_cut(self, through_both: Person) -> None:
        for limit in (
            "0",
            "1001",
            "-1",
            "",
            "%20",
            "a",
            "1.5",
            "1e2",
            "%2B1",
            "0x10",
            "%EF%BC%91",
            "1_0",
            "9" * 5_000,
            "null",
            "%00",
        ):
            assert list(flaws(await through_both.get(f"{through_both.home}?limit={limit}"))) == ["limit"], limit

    @pytest.mark.parametrize(("name", "meant"), [("limt", "limit"), ("Limit", "limit"), ("curser", "cursor")])
    async def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(
        self, through_both: Person, name: str, meant: str
    ) -> None:
        answer = await through_both.get(f"{through_both.home}?{name}=1")
        assert flaws(answer) == {name: "unknown_parameter"}
        assert answer.json()["detail"].endswith(f"Did you mean {meant}?")

    @pytest.mark.parametrize("query", ["zzz=1", "zzz", "zzz=", "%00=1", "%FF=1", "=1", "limit=1&zzz=1"])
    async def test_no_parameter_is_silently_ignored(self, ada: Person, query: str) -> None:
        assert code(await ada.get(f"{ada.home}?{query}")) == (422, "invalid")


class TamperedCursors(HttpTests):
    async def test_a_cursor_with_any_character_changed_is_refused(self, ada: Person) -> None:
        await ada.add()
        await ada.add()
        cursor: str = (await ada.get(f"{ada.home}?limit=1")).json()["next_cursor"]
        others = str.maketrans(
            string.ascii_letters + string.digits + "-_", string.ascii_letters[1:] + string.digits + "-_a"
        )
        for place, character in enumerate(cursor):
            changed = cursor[:place] + character.translate(others) + cursor[place + 1 :]
            assert code(await ada.get(f"{ada.home}?cursor={changed}")) == (422, "cursor_mismatch")

    async def test_what_is_no_cursor_is_refused(self, ada: Person) -> None:
        await ada.add()
        await ada.add()
        real = (await ada.get(f"{ada.home}?limit=1")).json()["next_cursor"]
        for cursor in (
            "",
            "1",
            "a",
            "AAAA",
            "A" * 56,
            "{}A",
            "{}=",
            "{}%3D%3D",
            "%20{}",
            "{}%0A",
            "{}{}",
            "%C3%A9",
            "%00",
            "A" * 9_000,
        ):
            answer = await ada.get(f"{ada.home}?cursor={cursor.format(real, real)}")
            assert code(answer) == (422, "cursor_mismatch"), cursor

    async def test_a_cursor_tells_nothing_and_opens_nothing_of_others(self, ada: Person, bob: Person) -> None:
        for person in (bob, ada, ada, bob):
            await person.add()
        cursor = (await ada.get(f"{ada.home}?limit=1")).json()["next_cursor"]
        listed = as_object(await bob.get(f"{bob.home}?cursor={cursor}"))
        assert {task["user_id"] for task in listed["tasks"]} <= {bob.id}
