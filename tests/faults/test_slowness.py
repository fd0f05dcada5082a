"""A database that is slow, out of reach or held by somebody else: bounded waits, 503, and a service that is there."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.faults.audit import audit
from tests.faults.load import Load
from tests.faults.processes import PATIENCE, until
from tests.faults.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.conftest import Report, Serve
    from tests.faults.load import Person
    from tests.faults.processes import Postgres, Service

pytestmark = pytest.mark.slow

SOME = 40
POOL = 8
"""Connections that a process opens at most."""


@pytest.fixture(scope="module")
async def proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    async with Proxy(postgres.socket).listening() as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def service(proxy: Proxy, serve: Serve) -> AsyncIterator[Service]:
    """A service behind the proxy."""
    async with serve(proxy.url()) as service:
        yield service


@asynccontextmanager
async def living(service: Service) -> AsyncIterator[list[float]]:
    """Meanwhile the service says that it lives, each time at once; in how many seconds."""
    took: list[float] = []

    async def ask() -> None:
        async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=PATIENCE) as http:
            while True:
                begun = time.monotonic()
                answer = await http.get("/livez")
                took.append(time.monotonic() - begun)
                assert answer.status_code == 200
                await asyncio.sleep(0.1)

    asking = asyncio.create_task(ask())
    try:
        yield took
    finally:
        asking.cancel()
        ended = await asyncio.gather(asking, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError), ended
    assert took
    assert max(took) < 2  # far less than anything waits for the database


async def assert_turned_away(load: Load, person: Person) -> None:
    """Whoever asks while all connections are held is told so, after a wait that is bounded."""
    begun = time.monotonic()
    others = [load.http.get("/api/tasks", headers=person.headers) for _ in range(20)]
    for answer in await asyncio.gather(*others):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert time.monotonic() - begun < 15  # two seconds, on a machine that has nothing else to do


@pytest.mark.prove
async def test_slow_answers(postgres: Postgres, proxy: Proxy, service: Service, seed: int, report: Report) -> None:
    async with Load(service.url, seed=seed) as load:
        await load.progress(SOME)
        async with living(service):
            proxy.delay = 0.2
            await load.progress(SOME)
            proxy.delay = 0.0
        recovered = await load.progress(SOME)
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


async def test_rows_that_somebody_else_holds(postgres: Postgres, service: Service, seed: int, report: Report) -> None:
    """As many writers as there are connections wait for a lock: the pool is empty, and nobody waits for long."""
    async with Load(service.url, seed=seed, people=POOL + 1) as load, living(service):
        await load.progress(SOME)
        await load.stop()  # whoever holds the rows would hold up the load as well
        *held, free = load.people
        async with postgres.admin() as stranger:
            async with stranger.transaction():
                await stranger.execute("SELECT FROM users WHERE id = ANY($1) FOR UPDATE", [one.id for one in held])
                stuck = [
                    asyncio.create_task(load.http.post("/api/tasks", json={"title": "Stuck"}, headers=one.headers))
                    for one in held
                ]
                query = "SELECT count(*) = 8 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                await until(partial(stranger.fetchval, query))
                # those that wait for a lock give up after five seconds, the others after two
                others = [load.http.get("/api/tasks", headers=free.headers) for _ in range(20)]
                assert {answer.status_code for answer in await asyncio.gather(*others)} <= {200, 503}
                for answer in await asyncio.gather(*stuck):
                    assert answer.status_code == 503
            assert (await load.http.get("/readyz")).status_code == 200
        begun = time.monotonic()
        assert (await load.http.get("/api/tasks", headers=free.headers)).status_code == 200
        async with postgres.admin() as admin:
            report(await audit(load, admin), time.monotonic() - begun)


@pytest.mark.parametrize("seconds", [2, pytest.param(25, marks=pytest.mark.prove)])
async def test_a_partition(
    postgres: Postgres, proxy: Proxy, service: Service, seed: int, report: Report, seconds: int
) -> None:
    """Nothing gets through and nobody is told; what was held up arrives afterwards, some of it unwanted by then."""
    async with Load(service.url, seed=seed) as load:
        await load.progress(SOME)
        async with living(service):
            proxy.part()
            begun = time.monotonic()
            await load.trouble(1)
            assert (await load.http.get("/readyz")).status_code == 503
            await assert_turned_away(load, load.people[0])
            await asyncio.sleep(max(0.0, seconds - (time.monotonic() - begun)))
            proxy.heal()
            recovered = await load.progress(SOME)
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


async def test_all_connections_are_cut_again_and_again(
    postgres: Postgres, proxy: Proxy, service: Service, seed: int, report: Report
) -> None:
    async with Load(service.url, seed=seed) as load:
        for _ in range(10):
            await load.progress(10)
            proxy.cut_all()
        recovered = await load.progress(SOME)
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


@pytest.mark.prove
async def test_a_statement_that_takes_too_long(postgres: Postgres, service: Service, seed: int) -> None:
    """PostgreSQL ends it after ten seconds."""
    async with Load(service.url, seed=seed, people=1) as load:
        await load.progress(SOME)
        await load.stop()
        headers = load.people[0].headers
        async with postgres.admin() as stranger:
            await stranger.execute(
                "CREATE FUNCTION witness.dawdle() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;"
                " CREATE TRIGGER dawdle BEFORE INSERT ON tasks FOR EACH ROW"
                " WHEN (new.title = 'Take your time') EXECUTE FUNCTION witness.dawdle()"
            )
            try:
                async with living(service):
                    body = {"title": "Take your time"}
                    slow = await load.http.post("/api/tasks", json=body, headers=headers)
            finally:
                await stranger.execute("DROP FUNCTION witness.dawdle() CASCADE")
            assert slow.status_code == 503
            await audit(load, stranger)
