"""The audit on evidence made by hand: what it is there to find, it finds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.audit import flaws_of_state, flaws_of_writes
from tests.faults.load import Outcome, Write
from tests.faults.witness import Evidence, Line

MADE: dict[str, Any] = {
    "id": "1", "title": "A", "description": None, "completed_at": None, "deleted_at": None, "tags": [], "revision": 1,
}  # fmt: skip
CHANGED = {**MADE, "description": "B", "revision": 2}
TRASHED = {**CHANGED, "deleted_at": "now", "revision": 3}
OTHER = {**MADE, "id": "2", "title": "C", "revision": 3}
ACCOUNT = {"revision": 3, "purged_revision": 0, "open_tasks": 2, "completed_tasks": 0}
LINES = [Line(None, MADE), Line(MADE, CHANGED), Line(None, OTHER)]
GOOD = Evidence(ACCOUNT, [CHANGED, OTHER], LINES)


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "completed": False}


def write(effect: str, of: str, outcome: Outcome, *rows: dict[str, Any]) -> Write:
    return Write(((effect, of),), outcome=outcome, shown=[shown(row) for row in rows])


WRITES = [
    write("create", "A", Outcome.KEPT, MADE),
    write("change", "B", Outcome.KEPT, CHANGED),
    write("create", "C", Outcome.UNKNOWN),
    write("create", "D", Outcome.UNKNOWN),
    write("create", "E", Outcome.REFUSED),
]


def test_what_is_right_passes() -> None:
    assert not list(flaws_of_writes(WRITES, GOOD))
    assert not list(flaws_of_state(GOOD))


@pytest.mark.parametrize(
    "writes",
    [
        pytest.param([*WRITES, write("create", "F", Outcome.KEPT)], id="an acknowledged write that is lost"),
        pytest.param([*WRITES[:2], write("create", "C", Outcome.REFUSED)], id="a refused write that is there"),
        pytest.param(WRITES[:2], id="a write of nobody's"),
        pytest.param([*WRITES, write("create", "F", Outcome.FAULT)], id="an answer that is a fault"),
        pytest.param([write("create", "A", Outcome.KEPT, CHANGED), *WRITES[1:]], id="the wrong revision"),
        pytest.param(
            [write("create", "A", Outcome.KEPT, {**MADE, "tags": ["home"]}), *WRITES[1:]], id="the wrong content"
        ),
        pytest.param(
            [*WRITES[:2], Write((("create", "C"), ("create", "G")), outcome=Outcome.UNKNOWN)], id="half of a batch"
        ),
    ],
)
def test_what_clients_were_told_wrongly_is_found(writes: list[Write]) -> None:
    assert list(flaws_of_writes(writes, GOOD))


def test_a_write_that_is_there_twice_is_found() -> None:
    twice = [*LINES, Line(None, {**OTHER, "id": "3", "revision": 4})]
    assert list(flaws_of_writes(WRITES, Evidence(ACCOUNT, [], twice)))


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(Evidence({**ACCOUNT, "revision": 4}, GOOD.tasks, LINES), id="a number without a write"),
        pytest.param(
            Evidence(ACCOUNT, [CHANGED, {**OTHER, "revision": 4}], [*LINES[:2], Line(None, {**OTHER, "revision": 4})]),
            id="a gap",
        ),
        pytest.param(
            Evidence(ACCOUNT, [CHANGED, {**OTHER, "revision": 2}], [*LINES[:2], Line(None, {**OTHER, "revision": 2})]),
            id="a number that is used twice",
        ),
        pytest.param(Evidence(ACCOUNT, [CHANGED], LINES), id="a row that is lost"),
        pytest.param(Evidence(ACCOUNT, [MADE, OTHER], LINES), id="a row that is old"),
        pytest.param(
            Evidence(ACCOUNT, [CHANGED, OTHER], [LINES[0], Line({**MADE, "title": "Z"}, CHANGED), LINES[2]]),
            id="a lost update",
        ),
        pytest.param(Evidence({**ACCOUNT, "open_tasks": 3}, GOOD.tasks, LINES), id="a wrong counter"),
        pytest.param(
            Evidence({**ACCOUNT, "open_tasks": 0}, [], [*LINES[:2], Line(CHANGED, TRASHED), Line(TRASHED, None)]),
            id="a purge without a horizon",
        ),
    ],
)
def test_what_is_kept_wrongly_is_found(told: Evidence) -> None:
    assert list(flaws_of_state(told))
