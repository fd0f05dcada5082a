"""One task of the real service on PostgreSQL, used by many at once through several processes: is it one object?"""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from tests.faults.processes import Service
from tests.integration.servers import connected, new_database
from tests.linearizability.checker import check
from tests.linearizability.histories import history, sign_up
from tests.linearizability.task_model import OneTask
from todo.adapters.postgres.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.linearizability.checker import Operation
    from tests.linearizability.task_model import Asked

pytestmark = pytest.mark.slow

CLIENTS = 6


@pytest.fixture(scope="module")
async def own_url(server_url: str) -> AsyncIterator[str]:
    """A database of these tests' own: other tests need their connections."""
    async with new_database(server_url) as url:
        await migrate(url)
        yield url


@pytest.fixture(scope="module")
async def urls(own_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[str]]:
    """Two services on one database, one of them with two workers."""
    logs = tmp_path_factory.mktemp("services")
    services = [Service(logs / f"{n}.log", workers=n, TODO_DATABASE_URL=own_url) for n in (1, 2)]
    try:
        await asyncio.gather(*(service.start() for service in services))
        yield [service.url for service in services]
    finally:
        for service in services:
            await service.stop()
    assert not [fault for service in services for fault in service.faults()]


@asynccontextmanager
async def connections_that_die(database_url: str, seed: int) -> AsyncIterator[None]:
    """Meanwhile one connection of a service after another is cut off by the server."""
    chance = random.Random(seed)  # noqa: S311

    async def cut() -> None:
        async with connected(database_url) as admin:
            while True:
                await asyncio.sleep(chance.random() * 0.2)
                await admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY random() LIMIT 1"
                )

    cutting = asyncio.create_task(cut())
    try:
        yield
    finally:
        cutting.cancel()
        await asyncio.gather(cutting, return_exceptions=True)


class Tally:
    """What was executed, and judged."""

    def __init__(self) -> None:
        self.histories = self.operations = self.unknown = self.conflicts = self.places = 0

    def judge(self, seed: int, happened: list[Operation[Asked]]) -> None:
        verdict = check(happened, OneTask())
        self.histories += 1
        self.operations += len(happened)
        self.unknown += sum(not one.is_known for one in happened)
        self.conflicts += sum(one.asked.status == 412 for one in happened)
        self.places += verdict.places
        if not verdict.is_linearizable:
            told = sorted(happened, key=lambda one: one.invoked)
            placed = [happened[step] for step in verdict.order]
            rest = [one for one in told if one not in placed and one.is_known]
            shown = "\n".join([f"seed {seed}", *map(str, placed[-10:]), "and then none of", *map(str, rest[:10])])
            pytest.fail(shown)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in vars(self).items())


async def judged(
    urls: list[str],
    database_url: str,
    rounds: int,
    operations: int,
    *,
    with_cuts: bool,
    tell: Callable[[str, object], None],
) -> Tally:
    tally = Tally()
    for _ in range(rounds):
        seed = random.SystemRandom().getrandbits(32)
        token = await sign_up(urls[0])
        async with connections_that_die(database_url, seed) if with_cuts else nullcontext():
            happened = await history(urls, token, seed=seed, clients=CLIENTS, operations=operations)
        tally.judge(seed, happened)
        print(f"seed {seed}: {tally} so far")  # noqa: T201
    tell("tally", str(tally))
    return tally


@pytest.mark.parametrize("with_cuts", [False, True], ids=["in peace", "while connections die"])
async def test_one_task_is_one_object(
    urls: list[str], own_url: str, with_cuts: bool, record_property: Callable[[str, object], None]
) -> None:
    tally = await judged(urls, own_url, 6, 25, with_cuts=with_cuts, tell=record_property)
    assert tally.conflicts > 0


@pytest.mark.prove
@pytest.mark.parametrize("with_cuts", [False, True], ids=["in peace", "while connections die"])
async def test_for_a_long_time(
    urls: list[str], own_url: str, with_cuts: bool, record_property: Callable[[str, object], None]
) -> None:
    await judged(urls, own_url, 200, 40, with_cuts=with_cuts, tell=record_property)
