"""Whatever JSON is sent, it is refused properly, or kept and read back as it is."""

from __future__ import annotations

import unicodedata
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import a_task_id
from tests.http.service import HttpTests, Person, as_object

texts = (
    st.text(st.characters(codec=None))
    | st.text(st.sampled_from("aé\x00\n\r\t \u2028\ud800\u0301"))
    | st.just("a" * 501)
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=10
)
good_texts = st.text(min_size=1, max_size=60)
nearly_good = st.fixed_dictionaries(
    {"title": good_texts | texts},
    optional={
        "id": st.builds(lambda: str(a_task_id())) | json_values,
        "description": st.none() | good_texts | texts,
        "completed": st.booleans(),
        "priority": st.sampled_from([None, "none", "low", "medium", "high", "urgent"]) | texts,
        "tags": st.lists(good_texts, max_size=22),
        "due": st.dates().map(str) | st.datetimes().map(lambda due: f"{due.isoformat()}Z") | texts,
        "user_id": json_values,
        "revision": json_values,
        "completed_at": json_values,
    },
)
bodies = json_values | nearly_good
unhurried = settings(
    suppress_health_check=[
        HealthCheck.differing_executors,
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ]
)


class Anything(HttpTests):
    @unhurried
    @given(body=bodies)
    async def test_what_is_made_of_it_reads_back_equal(self, ada: Person, body: Any) -> None:
        answer = await ada.post(ada.home, body=body)
        assert answer.status_code in {201, 400, 422}
        if answer.status_code == 201:
            await self._is_kept(ada, body, as_object(answer))

    @unhurried
    @given(body=bodies)
    async def test_what_it_changes_reads_back_equal(self, ada: Person, body: Any) -> None:
        task = await ada.add(tags=["home"], priority="low")
        answer = await ada.patch(ada.path(task), body=body)
        assert answer.status_code in {200, 400, 422}
        if answer.status_code == 200:
            await self._is_kept(ada, body, as_object(answer))
        else:
            assert await ada.at(task) == task

    async def _is_kept(self, ada: Person, sent: dict[str, Any], task: dict[str, Any]) -> None:
        assert await ada.at(task) == task
        if "title" in sent:
            assert task["title"] == unicodedata.normalize("NFC", sent["title"]).strip()
        if "completed" in sent:
            assert task["completed"] is sent["completed"]
        # what comes out may go in again, and changes nothing
        assert (await ada.put(ada.path(task), body=task)).json() == task
