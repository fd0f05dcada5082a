"""What may be asked of the list of tasks, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.http.service import HttpTests, Person, as_object, code, flaws
from todo.entrypoints.http.parameters import MOST_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLES = ["Milk for the café", "Zebra", "åse", "100% sure", "Äpfel"]


async def _titles(person: Person, query: str) -> list[str]:
    answer = await person.get(f"{person.home}?{query}")
    assert answer.status_code == 200, answer.text
    listed = as_object(answer)
    assert listed["total"] == len(listed["tasks"])
    return [task["title"] for task in listed["tasks"]]


class Filters(HttpTests):
    @pytest.fixture
    async def person(self, ada: Person) -> Person:
        """Whose tasks are, from the oldest to the newest, those of `TITLES`."""
        fields: Sequence[dict[str, Any]] = [
            {"priority": "urgent", "tags": ["Home", "shop"], "due": "2020-02-29"},
            {"completed": True, "due": "2020-01-01T00:00:00Z", "tags": ["home"]},
            {"priority": "low", "description": "Two\nlitres of MILK", "due": "2999-01-01"},
            {"priority": "high", "due": "2020-02-29T23:30:00Z"},
            {},
        ]
        for title, rest in zip(TITLES, fields, strict=True):
            await ada.add(title=title, **rest)
        return ada

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", [4, 3, 2, 1, 0]),
            *((f"status={name}", [4, 3, 2, 0]) for name in ("open", "pending", "incomplete", "todo")),
            ("status=completed", [1]),
            ("status=all", [4, 3, 2, 1, 0]),
            ("completed=true", [1]),
            ("completed=false", [4, 3, 2, 0]),
            ("status=open&completed=true", []),
            ("status=open&completed=false", [4, 3, 2, 0]),
            ("priority=urgent", [0]),
            ("priority=urgent&priority=none", [4, 1, 0]),
            ("tag=home", [1, 0]),
            ("tag=HOME&tag=Shop", [0]),
            ("tag=%20home%20", [1, 0]),
            ("q=milk", [2, 0]),
            ("search=MILK%20cafe", [0]),
            ("q=", [4, 3, 2, 1, 0]),
            ("search=%20", [4, 3, 2, 1, 0]),
            ("q=%25", [3]),
            ("q=100%25", [3]),
            ("q=_", []),
            ("q=%5C", []),
            ("q=apfel", [4]),
            ("q=two%20milk", [2]),
            ("q=litres+two", [2]),
            ("due_after=2020-02-29", [3, 2, 0]),
            ("due_before=2020-02-29", [3, 1, 0]),
            ("due_after=2020-02-29&due_before=2020-02-29", [3, 0]),
            ("due_before=2020-02-29T12:00:00Z", [1, 0]),
            ("due_after=2020-02-29T23:30:00Z", [3, 2, 0]),
            ("due_after=2020-03-01&tz=Europe/Berlin", [3, 2]),
            ("due_before=2020-02-29&tz=Europe/Berlin", [1, 0]),
            ("due_after=2020-03-01T00:30:00%2B01:00", [3, 2, 0]),
            ("due_after=2020-03-01T00:30:00+01:00", [3, 2, 0]),
            ("overdue=true", [3, 0]),
            ("overdue=false", [4, 2, 1]),
            ("overdue=true&tz=Pacific/Auckland&priority=high", [3]),
            ("sort=title", [3, 4, 2, 0, 1]),
            ("sort_by=title&sort_order=desc", [1, 0, 2, 4, 3]),
            ("sort=priority", [0, 3, 2, 4, 1]),
            ("sort=priority&order=asc", [2, 3, 0, 1, 4]),
            ("sort=due", [1, 0, 3, 2, 4]),
            ("sort=due&order=desc", [2, 3, 0, 1, 4]),
            ("sort=created_at&order=asc", [0, 1, 2, 3, 4]),
            ("sort=updated_at", [4, 3, 2, 1, 0]),
            ("status=open&priority=low&priority=high&q=e&sort=title", [3, 2]),
        ],
    )
    async def test_a_list_holds_what_is_asked_for(self, person: Person, query: str, expected: list[int]) -> None:
        assert await _titles(person, query) == [TITLES[number] for number in expected]

    @pytest.mark.parametrize(
        "query", ["sort=due", "sort=priority&order=asc", "sort=title", "tag=home", "q=e", "status=open"]
    )
    async def test_links_keep_what_was_asked_for(self, person: Person, query: str) -> None:
        expected, walked = await _titles(person, query), []
        path: str | None = f"{person.home}?{query}&limit=1"
        while path:
            answer = await person.get(path)
            walked += [task["title"] for task in as_object(answer)["tasks"]]
            assert as_object(answer)["total"] == len(expected)
            path = answer.links.get("next", {}).get("url")
        assert walked == expected

    async def test_a_link_says_again_what_needs_to_be_escaped(self, ada: Person) -> None:
        for _ in range(2):
            await ada.add(title="a&b=c d%41 é")
        query = quote("a&b=c d%41 é")
        answer = await ada.get(f"{ada.home}?q={query}&limit=1")
        following = await ada.get(answer.links["next"]["url"])
        assert as_object(following)["total"] == 2
        assert len(as_object(following)["tasks"]) == 1


class RefusedParameters(HttpTests):
    async def test_more_than_anybody_needs_are_refused_without_a_look_at_them(self, ada: Person) -> None:
        tags = "&".join(f"tag={number}" for number in range(MOST_PARAMETERS))
        assert (await ada.get(f"{ada.home}?{tags}")).status_code == 200
        for path in (ada.home, "/api/trash", f"{ada.home}/changes", f"{ada.home}/stats"):
            assert flaws(await ada.get(f"{path}?{tags}&a")) == {"query": "too_many"}

    @pytest.mark.parametrize(
        ("query", "field", "flaw", "hint"),
        [
            ("stauts=open", "stauts", "unknown_parameter", "status"),
            ("due_befor=2026-01-01", "due_befor", "unknown_parameter", "due_before"),
            ("query=milk", "query", "unknown_parameter", "q"),
            ("q=%C2%B4", "q", "no_words", "letters"),
            ("q=%CC%81+%C2%A8", "q", "no_words", "letters"),
            ("page=2", "page", "unknown_parameter", "cursor"),
            ("status=done", "status", "unknown_value", "completed"),
            ("status=opne", "status", "unknown_value", "open"),
            ("status=OPEN", "status", "unknown_value", "open"),
            ("completed=yes", "completed", "unknown_value", "true"),
            ("completed=True", "completed", "unknown_value", "true"),
            ("overdue=1", "overdue", "unknown_value", "true"),
            ("priority=hihg", "priority", "unknown_value", "high"),
            ("priority=high&priority=1", "priority", "unknown_value", "urgent"),
            ("sort=creatd", "sort", "unknown_value", "created_at"),
            ("sort=deleted_at", "sort", "unknown_value", "created_at"),
            ("sort_by=-due", "sort_by", "unknown_value", "due"),
            ("order=descending", "order", "unknown_value", "desc"),
            ("sort_order=ASC", "sort_order", "unknown_value", "asc"),
            ("tz=Europe/Berln", "tz", "unknown_value", "Europe/Berlin"),
            ("tz=europe/berlin", "tz", "unknown_value", "Europe/Berlin"),
            ("tz=../../etc/passwd", "tz", "unknown_value", ""),
            ("tz=Europe", "tz", "unknown_value", ""),
            ("tz=%00", "tz", "unknown_value", ""),
            ("tz=localtime", "tz", "unknown_value", ""),
            ("due_after=tomorrow", "due_after", "not_a_date", ""),
            ("due_before=2026-02-30", "due_before", "not_a_date", ""),
            ("due_before=2026-02-03T10:00:00", "due_before", "no_offset", ""),
            ("tag=%00", "tag", "control_character", "NUL"),
            ("tag=" + "x" * 51, "tag", "too_long", ""),
            ("tag=%20", "tag", "empty", ""),
            ("q=a%00b", "q", "control_character", "NUL"),
            ("search=" + "x" * 501, "search", "too_long", ""),
            *((f"{name}=", name, "empty", "") for name in ("status", "completed", "priority", "tag", "sort", "order")),
            *((f"{name}", name, "empty", "") for name in ("due_after", "due_before", "overdue", "tz", "limit")),
            ("status=open&status=open", "status", "repeated", ""),
            ("q=a&search=b", "search", "repeated", ""),
            ("sort=due&sort_by=due", "sort_by", "repeated", ""),
            ("limit=1&limit=2", "limit", "repeated", ""),
        ],
    )
    async def test_what_is_misspelt_shows_nothing(
        self, ada: Person, query: str, field: str, flaw: str, hint: str
    ) -> None:
        answer = await ada.get(f"{ada.home}?{query}")
        assert flaws(answer) == {field: flaw}
        assert hint in answer.json()["details"][0]["message"]

    async def test_all_that_is_wrong_is_told_at_once(self, ada: Person) -> None:
        assert flaws(await ada.get(f"{ada.home}?stats=1&sort=x&limit=0&tag=")) == {
            "stats": "unknown_parameter",
            "sort": "unknown_value",
            "limit": "out_of_range",
            "tag": "empty",
        }


class CursorsOfOtherLists(HttpTests):
    async def test_a_cursor_opens_no_other_list(self, ada: Person) -> None:
        for title in ("one", "two", "three"):
            await ada.add(title=title, priority="high", tags=["home"], due="2026-12-01")
        lists = [
            "", "order=asc", "sort=title", "sort=updated_at", "sort=due", "sort=priority", "status=open",
            "priority=high", "tag=home", "q=e", "due_after=2026-12-01", "due_before=2026-12-02", "overdue=false",
            "overdue=false&tz=Asia/Tokyo",
        ]  # fmt: skip
        cursors = [as_object(await ada.get(f"{ada.home}?limit=1&{asked}"))["next_cursor"] for asked in lists]
        assert all(cursors)
        for asked in lists:
            for made_for, cursor in zip(lists, cursors, strict=True):
                answer = await ada.get(f"{ada.home}?cursor={cursor}&{asked}")
                if asked == made_for:
                    assert answer.status_code == 200
                else:
                    assert code(answer) == (422, "cursor_mismatch")

    @pytest.mark.parametrize(
        ("asked", "alike"),
        [
            ("q=e&sort=title", "search=E&sort_by=title&sort_order=asc"),
            ("status=open", "completed=false"),
            ("tag=home&priority=high&priority=low", "priority=low&tag=HOME&priority=high"),
        ],
    )
    async def test_a_cursor_opens_the_same_list_in_other_words(self, ada: Person, asked: str, alike: str) -> None:
        for title in ("one", "three"):
            await ada.add(title=title, priority="high", tags=["home"])
        cursor = as_object(await ada.get(f"{ada.home}?limit=1&{asked}"))["next_cursor"]
        assert len(as_object(await ada.get(f"{ada.home}?cursor={cursor}&{alike}"))["tasks"]) == 1

    async def test_the_longest_title_fits_into_a_cursor(self, ada: Person) -> None:
        for end in "ab":
            await ada.add(title="😀" * 499 + end)
        first = await ada.get(f"{ada.home}?limit=1&sort=title")
        assert [task["title"][-1] for task in as_object(await ada.get(first.links["next"]["url"]))["tasks"]] == ["b"]


class UnchangedLists(HttpTests):
    async def test_an_unchanged_list_is_not_sent_again(self, through_both: Person) -> None:
        await through_both.add()
        answer = await through_both.get(f"{through_both.home}?limit=5&sort=title")
        tag = answer.headers["ETag"]
        assert tag.startswith('W/"')
        assert "Authorization" in answer.headers["Vary"].split(", ")
        again = await through_both.get(f"{through_both.home}?limit=5&sort=title", headers={"If-None-Match": tag})
        assert again.status_code == 304
        assert (again.headers["ETag"], again.headers["Vary"]) == (tag, answer.headers["Vary"])

    async def test_any_write_changes_every_list(self, ada: Person) -> None:
        task = await ada.add()
        for write in (
            ada.add,
            lambda: ada.patch(ada.path(task), body={"title": "New"}),
            lambda: ada.delete(ada.path(task)),
            lambda: ada.post(f"/api/trash/{task['id']}/restore"),
        ):
            tag = (await ada.get(f"{ada.home}?q=milk")).headers["ETag"]
            await write()
            answer = await ada.get(f"{ada.home}?q=milk", headers={"If-None-Match": tag})
            assert answer.status_code == 200
            assert answer.headers["ETag"] != tag

    async def test_each_part_of_each_list_of_each_person_has_its_own_tag(self, ada: Person, bob: Person) -> None:
        for person in (ada, bob):
            await person.add()
            await person.add()
        cursor = as_object(await ada.get(f"{ada.home}?limit=1"))["next_cursor"]
        queries = ["", "limit=1", "limit=2", "limit=1&order=asc", "status=open", f"limit=1&cursor={cursor}"]
        tags = [
            (await person.get(f"{person.home}?{query}")).headers["ETag"] for person in (ada, bob) for query in queries
        ]
        assert len(set(tags)) == len(tags)

    async def test_what_the_clock_can_change_has_no_tag(self, ada: Person) -> None:
        await ada.add(due="2020-01-01")
        for path in (f"{ada.home}?overdue=true", f"{ada.home}?overdue=false", f"{ada.home}/stats"):
            answer = await ada.get(path, headers={"If-None-Match": "*"})
            assert (answer.status_code, "ETag" in answer.headers) == (200, False)


class Stats(HttpTests):
    async def test_tasks_are_counted(self, through_both: Person) -> None:
        await through_both.add(priority="high", tags=["Home", "shop"], due="2020-01-01")
        await through_both.add(priority="high", tags=["home"], due="2020-01-01T00:00:00Z", completed=True)
        gone = await through_both.add(tags=["gone"])
        await through_both.delete(through_both.path(gone))
        assert (await through_both.get(f"{through_both.home}/stats")).json() == {
            "total": 2,
            "open": 1,
            "completed": 1,
            "overdue": 1,
            "due_today": 0,
            "by_priority": {"none": 0, "urgent": 0, "high": 2, "medium": 0, "low": 0},
            "by_tag": {"Home": 2, "shop": 1},
        }

    async def test_a_time_zone_is_checked(self, ada: Person) -> None:
        assert (await ada.get(f"{ada.home}/stats?tz=Asia/Kathmandu")).status_code == 200
        assert flaws(await ada.get(f"{ada.home}/stats?tz=Asia/Katmandoo")) == {"tz": "unknown_value"}
        assert flaws(await ada.get(f"{ada.home}/stats?tz=")) == {"tz": "empty"}
        assert flaws(await ada.get(f"{ada.home}/stats?zone=UTC")) == {"zone": "unknown_parameter"}
