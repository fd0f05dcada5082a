"""Show that the tests notice what nobody thought of: nine of ten changes made blindly, and every one that matters."""

from __future__ import annotations

import pytest

from tests.sabotage.generated import generated
from tests.sabotage.mutants import UNTOUCHED
from tests.sabotage.survivors import JUDGED
from tests.sabotage.test_sabotage import Result, run_all

pytestmark = [pytest.mark.sabotage, pytest.mark.prove]

TIME_LIMIT = 4 * 3600
"""Seconds for all of them; on two cores that have nothing else to do, a run of eight a file takes a quarter of one."""


@pytest.fixture(scope="session")
async def results(server_url: str) -> dict[str, Result]:
    """What came of each mutant."""
    return await run_all(server_url, "generated", time_limit=TIME_LIMIT)


def test_without_sabotage_they_are_green(results: dict[str, Result]) -> None:
    result = results[UNTOUCHED.name]
    assert result.exit == pytest.ExitCode.OK, result.output


def test_nine_of_ten_turn_something_red(results: dict[str, Result]) -> None:
    names = [mutant.name for mutant in generated()]
    survivors = [name for name in names if results[name].exit == pytest.ExitCode.OK]
    print(f"{len(names)} mutants, {len(survivors)} survived", *survivors, sep="\n")  # noqa: T201 - the figures are the point
    meaningful = [name for name in names if name not in JUDGED]
    missed = [name for name in survivors if name not in JUDGED]
    assert len(missed) <= len(meaningful) / 10, "\n".join(missed)
