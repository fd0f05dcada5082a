"""Show that the tests notice what they are there for."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import subprocess
import sys
from typing import NamedTuple

import pytest

from tests.conftest import GIVEN_SERVER, GIVEN_TEMPLATE
from tests.integration.servers import new_database
from tests.sabotage.mutants import MUTANTS, UNTOUCHED
from tests.sabotage.run import ROOT
from todo.adapters.postgres.migrate import migrate

pytestmark = [pytest.mark.sabotage, pytest.mark.slow]

TIME_LIMIT = 240
"""Seconds for all of them; a quarter of that is usual."""


class Result(NamedTuple):
    exit: int
    output: str


async def run_all(server_url: str, *which: str, time_limit: float) -> dict[str, Result]:
    """What came of each mutant, by its name."""
    async with new_database(server_url) as template:
        await migrate(template)
        given = {GIVEN_SERVER: server_url, GIVEN_TEMPLATE: template.partition("?")[0].rpartition("/")[2]}
        command = [sys.executable, "-m", "tests.sabotage.run", *which]
        run = functools.partial(subprocess.run, cwd=ROOT, env=os.environ | given, capture_output=True, text=True)
        done = await asyncio.to_thread(run, command, timeout=time_limit)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: Result(line["exit"], line["output"]) for line in lines}


@pytest.fixture(scope="session")
async def results(server_url: str) -> dict[str, Result]:
    """What came of each mutant."""
    return await run_all(server_url, time_limit=TIME_LIMIT)


def test_without_sabotage_they_are_green(results: dict[str, Result]) -> None:
    result = results[UNTOUCHED.name]
    assert result.exit == pytest.ExitCode.OK, result.output


@pytest.mark.parametrize("name", [mutant.name for mutant in MUTANTS])
def test_they_turn_red_if(results: dict[str, Result], name: str) -> None:
    result = results[name]
    assert result.exit == pytest.ExitCode.TESTS_FAILED, result.output
