"""The state machine on both stores: a bounded part always, thousands of runs when asked to prove it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from typing import TYPE_CHECKING

import hypothesis
import pytest
import structlog
from hypothesis.stateful import run_state_machine_as_test

from tests.builders import StoppedClock
from tests.containers import memory_container, postgres_container
from tests.generated.machine import PATHS, Machine
from tests.http.service import Service
from tests.integration.servers import new_database
from todo.adapters.postgres.migrate import migrate
from todo.entrypoints.http.app import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from todo.entrypoints.container import Container


@pytest.fixture(scope="module")
async def own_database(server_url: str) -> AsyncIterator[str]:
    """One of its own: time passes here, and old trash is emptied, whosesoever it is."""
    async with new_database(server_url) as url:
        await migrate(url)
        yield url


@pytest.fixture(scope="module", params=["memory", "postgres"])
def machine(request: pytest.FixtureRequest) -> Iterator[type[Machine]]:
    clock = StoppedClock()
    if request.param == "memory":
        container = memory_container(clock)
    else:
        container = postgres_container(request.getfixturevalue("own_database"), clock)
    yield from _on(container, clock)


def _on(container: Container, clock: StoppedClock) -> Iterator[type[Machine]]:
    loop = asyncio.new_event_loop()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

    class MachineHere(Machine):
        service = Service(create_app(container))

    MachineHere.container, MachineHere.clock, MachineHere.loop = container, clock, loop
    MachineHere.answers = Counter()
    yield MachineHere
    loop.run_until_complete(container.store().close())
    loop.close()
    structlog.reset_defaults()


def test_the_service_does_what_the_model_does(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=hypothesis.settings(max_examples=20, stateful_step_count=30))
    done = {kind for kind, status in (answer.split(" ")[:2] for answer in machine.answers) if status.startswith("2")}
    assert len(done & PATHS.keys()) >= len(PATHS) - 3, "most of it was never done: the run says little"


@pytest.mark.prove
def test_the_service_does_what_the_model_does_for_long(machine: type[Machine]) -> None:
    many = hypothesis.settings(max_examples=1000, stateful_step_count=50, derandomize=False, print_blob=True)
    run_state_machine_as_test(machine, settings=many)
    print(json.dumps(machine.answers, indent=1, sort_keys=True))  # noqa: T201  # what was tried, and how often
