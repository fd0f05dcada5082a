"""Entity tags, and the conditions that can be made with them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.service import HttpTests, Options, Person, code

WRITES: dict[str, tuple[str, str, Options]] = {
    "PATCH": ("PATCH", "", {"body": {"title": "Changed"}}),
    "PUT": ("PUT", "", {"body": {"title": "Changed"}}),
    "DELETE": ("DELETE", "", {}),
    "toggle": ("PATCH", "/complete", {}),
    "set": ("PATCH", "/complete", {"body": {"completed": True}}),
    "complete": ("POST", "/complete", {}),
    "reopen": ("POST", "/reopen", {}),
}

NO_MATCHES = [
    '"0"',
    'W/"{}"',
    'w/"{}"',
    "{}",
    "'{}'",
    '"{}',
    '{}"',
    '"{}.0"',
    '" {}"',
    '"+{}"',
    '"0{}"',
    '"0{}0"',
    '"' + "9" * 30 + '"',
    '""',
    "",
    ",",
    '"x"',
    'x"{}"',
    '"{}"x',
    '"{}" "{}"',
]


class WritingIfUnchanged(HttpTests):
    @pytest.fixture(params=WRITES)
    async def write(self, request: pytest.FixtureRequest) -> Any:
        """Each of the writes that can have a condition."""
        method, action, options = WRITES[request.param]

        async def write(person: Person, task: dict[str, Any], *conditions: str, unless: str = "") -> Any:
            headers = [("If-Match", condition) for condition in conditions]
            sent: Options = {**options, "headers": [*headers, *([("If-None-Match", unless)] if unless else [])]}
            return await person.request(method, person.path(task, action), **sent)

        return write

    async def test_it_is_done_if_the_tag_is_among_those_named(self, through_both: Person, write: Any) -> None:
        for condition in ('"{}"', '"0", "{}"', '"{}","x"', 'W/"9",  "{}" ', "*", "* \t", '"", "{}"'):
            task = await through_both.add()
            answer = await write(through_both, task, condition.format(task["revision"]))
            assert answer.is_success, condition

    async def test_it_is_done_if_the_tag_stands_in_a_second_header(self, ada: Person, write: Any) -> None:
        task = await ada.add()
        assert (await write(ada, task, '"0"', f'"{task["revision"]}"')).is_success

    async def test_it_is_refused_if_no_tag_is_the_current_one(self, ada: Person, write: Any) -> None:
        task = await ada.add()
        for condition in NO_MATCHES:
            answer = await write(ada, task, condition.format(*[task["revision"]] * 2))
            assert code(answer) == (412, "stale"), condition
            assert answer.json()["current"] == task
            assert answer.headers["ETag"] == f'"{task["revision"]}"'
        assert await ada.at(task) == task

    async def test_it_is_refused_once_the_task_has_changed(self, through_both: Person, write: Any) -> None:
        seen = await through_both.add()
        current = (await through_both.patch(through_both.path(seen), body={"priority": "low"})).json()
        answer = await write(through_both, seen, f'"{seen["revision"]}"')
        assert code(answer) == (412, "stale")
        assert answer.json()["current"] == current

    async def test_without_a_condition_it_is_done_to_whatever_is_there(self, ada: Person, write: Any) -> None:
        seen = await ada.add()
        await ada.patch(ada.path(seen), body={"priority": "low"})
        assert (await write(ada, seen)).is_success

    @pytest.mark.parametrize("condition", ["*", '"1"'])
    async def test_what_is_not_there_is_not_found(self, ada: Person, write: Any, condition: str) -> None:
        task = await ada.add()
        await ada.delete(ada.path(task))
        assert code(await write(ada, task, condition)) == (404, "not_found")

    @pytest.mark.parametrize("unless", ["*", '"1"', '"0"'])
    async def test_what_is_only_to_be_made_anew_is_not_written_over(self, ada: Person, write: Any, unless: str) -> None:
        task = await ada.add()
        answer = await write(ada, task, unless=unless)
        assert code(answer) == (412, "stale")
        assert answer.json()["current"] == task
        assert await ada.at(task) == task

    async def test_the_new_tag_can_be_used_for_the_next_write(self, ada: Person) -> None:
        task = await ada.add()
        tag = f'"{task["revision"]}"'
        for title in ("one", "two", "three"):
            answer = await ada.patch(ada.path(task), body={"title": title}, headers={"If-Match": tag})
            assert answer.status_code == 200
            tag = answer.headers["ETag"]


class ReadingIfChanged(HttpTests):
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_a_state_that_the_client_has_is_not_sent_again(self, through_both: Person, method: str) -> None:
        task = await through_both.add()
        for condition in ('"{}"', 'W/"{}"', '"0", "{}"', 'W/"x",W/"{}"', "*", " *"):
            headers = {"If-None-Match": condition.format(task["revision"])}
            answer = await through_both.request(method, through_both.path(task), headers=headers)
            assert (answer.status_code, answer.content) == (304, b""), condition
            assert answer.headers["ETag"] == f'"{task["revision"]}"'
            assert "Authorization" in answer.headers["Vary"].split(", ")

    async def test_a_state_is_kept_for_whoever_asked(self, ada: Person) -> None:
        answer = await ada.get(ada.path(await ada.add()))
        assert "Authorization" in answer.headers["Vary"].split(", ")

    async def test_any_other_is(self, ada: Person) -> None:
        task = await ada.add()
        for condition in ('"0"', 'W/"0"', "{}", '"{}', "", '"x"'):
            answer = await ada.get(ada.path(task), headers={"If-None-Match": condition.format(task["revision"])})
            assert (answer.status_code, answer.json()) == (200, task), condition

    async def test_a_changed_task_is_sent(self, ada: Person) -> None:
        seen = await ada.add()
        changed = (await ada.patch(ada.path(seen), body={"title": "Changed"})).json()
        answer = await ada.get(ada.path(seen), headers={"If-None-Match": f'"{seen["revision"]}"'})
        assert (answer.status_code, answer.json()) == (200, changed)
