"""What all tests share: the PostgreSQL server of this run, and how hard Hypothesis tries."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.builders import StoppedClock
from tests.integration.servers import new_database
from todo.adapters.postgres.migrate import migrate
from todo.application import purging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

GIVEN_SERVER = "PYTEST_POSTGRES_URL"
"""A variable with which a run that starts others (tests/sabotage) hands them its own server …"""
GIVEN_TEMPLATE = "PYTEST_POSTGRES_TEMPLATE"
"""… and another for the name of a migrated database, of which each makes a copy."""

# The same examples in every run: a red test stays red until it is mended.
# `pytest --hypothesis-profile=search` looks for new ones.
# A contract is run by the tests of several adapters, and what it is given is made once for all examples.
_MEANT_SO = [hypothesis.HealthCheck.differing_executors, hypothesis.HealthCheck.function_scoped_fixture]
_ALWAYS = hypothesis.settings(deadline=None, database=None, suppress_health_check=_MEANT_SO)
hypothesis.settings.register_profile("steady", _ALWAYS, derandomize=True, max_examples=60)
hypothesis.settings.register_profile("search", _ALWAYS, max_examples=5_000)
hypothesis.settings.load_profile("steady")


# A run in the background of a shell (`… &`) ignores Ctrl-C, and so would the services that it starts and stops with it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)  # runs that others start may do without xdist
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, because some tests wait for something else."""
    return (os.cpu_count() or 1) + 1


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Where several processes share the work, this one collects nothing, and tells it for them."""
    server = [f"PostgreSQL: {_server()}"] if config.getoption("numprocesses", None) else []
    without_slow = "not slow" in config.getoption("markexpr")
    return server + ["slow tests: left out; `make test ALL=1` runs them too"] * without_slow


# A service purges for the first time at some moment of its first two minutes. A test that turns the clock, and looks at
# what has been purged, must not meet it: where rounds are wanted, tests say when.
purging.START_WITHIN = 1e9


def pytest_collection_finish() -> None:
    """What is there now stays. Looking through thousands of tests for garbage takes 7 % of their time."""
    gc.collect()
    gc.freeze()


def pytest_report_collectionfinish(items: Sequence[pytest.Item]) -> str | None:
    if GIVEN_SERVER in os.environ or not any("server_url" in getattr(item, "fixturenames", ()) for item in items):
        return None
    return f"PostgreSQL: {_server()}"


def _server() -> str:
    from tests import throwaway  # noqa: PLC0415  # takes a second that unit tests do not need

    return throwaway.description()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of the run's server and its first database, as whoever administers it."""
    if given := os.environ.get(GIVEN_SERVER):
        yield given
        return
    from tests import throwaway  # noqa: PLC0415

    with throwaway.server() as url:
        yield url


@pytest.fixture(scope="session")
async def database_url(server_url: str) -> AsyncIterator[str]:
    """The URL of a migrated database that all tests share; each has users of its own."""
    if template := os.environ.get(GIVEN_TEMPLATE):
        async with new_database(server_url, template=template) as url:
            yield url
    else:
        await migrate(server_url)
        yield server_url
