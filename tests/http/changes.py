"""The feed of changes, part by part. The stream needs a real server: see tests/integration/test_streams.py."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.service import HttpTests, Person, as_object, code, flaws


async def changes(person: Person, **parameters: Any) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    answer = await person.get(f"{person.home}/changes" + (f"?{query}" if query else ""))
    assert answer.status_code == 200, answer.text
    return as_object(answer)


class Feeding(HttpTests):
    async def test_without_a_cursor_it_tells_everything(self, through_both: Person) -> None:
        assert await changes(through_both) == {"changes": [], "cursor": "0", "has_more": False}
        first, second = await through_both.add(), await through_both.add()
        await through_both.delete(through_both.path(first))
        removed = {"id": first["id"], "revision": 3, "deleted": True}
        assert await changes(through_both) == {"changes": [second, removed], "cursor": "3", "has_more": False}

    async def test_with_one_what_came_after_it(self, ada: Person) -> None:
        await ada.add()
        cursor = (await changes(ada))["cursor"]
        assert await changes(ada, since=cursor) == {"changes": [], "cursor": cursor, "has_more": False}
        task = await ada.add()
        assert (await changes(ada, since=cursor))["changes"] == [task]

    async def test_it_goes_on_part_by_part(self, ada: Person) -> None:
        tasks = [await ada.add() for _ in range(5)]
        seen, cursor, more = [], "0", True
        while more:
            part = await changes(ada, since=cursor, limit=2)
            seen += part["changes"]
            cursor, more = part["cursor"], part["has_more"]
        assert seen == tasks

    async def test_a_restored_task_comes_back(self, ada: Person) -> None:
        task = await ada.add()
        await ada.delete(ada.path(task))
        restored = as_object(await ada.post(f"/api/trash/{task['id']}/restore"))
        assert (await changes(ada, since=2))["changes"] == [restored]

    async def test_a_cursor_that_missed_a_purge_is_gone(self, through_both: Person) -> None:
        task, kept = await through_both.add(), await through_both.add()
        await through_both.delete(through_both.path(task))
        await through_both.delete(through_both.home.removesuffix("tasks") + "trash")
        for since in (1, 2):
            refused = await through_both.get(f"{through_both.home}/changes?since={since}")
            assert code(refused) == (410, "cursor_expired")
        assert await changes(through_both) == {"changes": [kept], "cursor": "3", "has_more": False}

    async def test_who_begins_after_a_purge_reads_to_the_end(self, ada: Person) -> None:
        first, task, last = await ada.add(), await ada.add(), await ada.add()
        await ada.delete(ada.path(task))
        await ada.delete("/api/trash")
        part = await changes(ada, limit=1)
        assert part["changes"] == [first]
        assert part["has_more"]
        assert await changes(ada, limit=1, since=part["cursor"]) == {
            "changes": [last],
            "cursor": "4",
            "has_more": False,
        }

    async def test_a_cursor_from_the_future_is_gone(self, ada: Person) -> None:
        assert code(await ada.get(f"{ada.home}/changes?since=1")) == (410, "cursor_expired")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("since=", {"since": "empty"}),
            ("since=-1", {"since": "not_a_cursor"}),
            ("since=1.5", {"since": "not_a_cursor"}),
            ("since=%D9%A1", {"since": "not_a_cursor"}),
            ("since=" + "9" * 19, {"since": "not_a_cursor"}),
            ("since=0&since=1", {"since": "repeated"}),
            ("limit=0", {"limit": "out_of_range"}),
            ("limit=1001", {"limit": "out_of_range"}),
            ("limit=ten", {"limit": "out_of_range"}),
            ("cursor=1&limit=0", {"cursor": "unknown_parameter", "limit": "out_of_range"}),
        ],
    )
    async def test_other_parameters_are_refused(self, ada: Person, query: str, expected: dict[str, str]) -> None:
        assert flaws(await ada.get(f"{ada.home}/changes?{query}")) == expected

    @pytest.mark.parametrize("query", ["since=x", "limit=1", "since=0&since=0"])
    async def test_the_stream_refuses_them_before_it_begins(self, ada: Person, query: str) -> None:
        assert (await ada.get(f"{ada.home}/events?{query}")).status_code == 422

    async def test_the_stream_refuses_another_last_event_id(self, ada: Person) -> None:
        refused = await ada.get(f"{ada.home}/events", headers={"Last-Event-ID": "x"})
        assert flaws(refused) == {"Last-Event-ID": "not_a_cursor"}

    async def test_head_does_not_wait_for_the_end_of_the_stream(self, ada: Person) -> None:
        answer = await ada.request("HEAD", f"{ada.home}/events")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Content-Type"].startswith("text/event-stream")
