"""Processes that are killed, stopped and started again under load."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.faults.audit import audit
from tests.faults.load import Load
from tests.faults.processes import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.conftest import Report, Serve
    from tests.faults.processes import Postgres, Service

pytestmark = pytest.mark.slow

SOME = 40
"""Writes between two events."""


@pytest.fixture(scope="module")
async def service(serve: Serve) -> AsyncIterator[Service]:
    """One process, which every test leaves running."""
    async with serve() as service:
        yield service


async def test_postgres_is_killed(postgres: Postgres, service: Service, seed: int, report: Report) -> None:
    async with Load(service.url, seed=seed) as load:
        await load.progress(SOME)
        await postgres.kill()
        await load.trouble(5)
        await postgres.start()
        recovered = await load.progress(SOME)
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


async def test_one_backend_is_killed(postgres: Postgres, service: Service, seed: int, report: Report) -> None:
    """The server then ends all others, and recovers as after a crash."""
    async with Load(service.url, seed=seed) as load:
        await load.progress(SOME)
        await postgres.kill_backend()
        recovered = await load.progress(SOME)
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


async def test_postgres_is_stopped_and_started(postgres: Postgres, service: Service, seed: int, report: Report) -> None:
    async with Load(service.url, seed=seed) as load:
        await load.progress(SOME)
        await postgres.stop()
        assert [(await load.http.get(path)).status_code for path in ("/livez", "/readyz")] == [200, 503]
        refused = await load.http.get("/api/tasks", headers=load.people[0].headers)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        await postgres.start()
        recovered = await load.progress(SOME)
        assert (await load.http.get("/readyz")).status_code == 200
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


async def test_the_service_is_killed(postgres: Postgres, service: Service, seed: int, report: Report) -> None:
    async with Load(service.url, seed=seed) as load:
        await load.progress(SOME)
        await service.kill()
        await service.start()
        recovered = await load.progress(SOME)
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


async def test_the_service_is_told_to_stop(postgres: Postgres, service: Service, seed: int, report: Report) -> None:
    """Whoever repeats what was not accepted sees nothing of it: what was carried out was answered."""
    async with Load(service.url, seed=seed) as load:
        await load.progress(SOME)
        assert await service.terminate() == 0
        await service.start()
        recovered = await load.progress(SOME)
        async with postgres.admin() as admin:
            figures = await audit(load, admin)
        report(figures, recovered)
        assert figures.unknown_but_kept == 0


async def test_one_worker_is_killed(postgres: Postgres, serve: Serve, seed: int, report: Report) -> None:
    async with serve(workers=2) as service, Load(service.url, seed=seed) as load:
        await _two_workers(service)
        await load.progress(SOME)
        victim, survivor = service.workers()
        os.kill(victim, signal.SIGKILL)
        recovered = await load.progress(SOME)
        assert survivor in await _two_workers(service, without=victim)
        await load.progress(SOME)
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


@pytest.mark.prove
@pytest.mark.parametrize("round_", range(20))
async def test_again_and_again(postgres: Postgres, serve: Serve, seed: int, report: Report, round_: int) -> None:
    """Ten kills of all kinds in one load."""
    async with serve(workers=1 + round_ % 2) as service, Load(service.url, seed=seed, people=3) as load:
        for kill in range(10):
            await load.progress(2 * SOME)
            match (round_ + kill) % 5:
                case 0:
                    await postgres.kill()
                    await postgres.start()
                case 1:
                    await postgres.kill_backend()
                case 2:
                    await service.kill()
                    await service.start()
                case 3:
                    await postgres.stop()
                    await postgres.start()
                case _:
                    assert await service.terminate() == 0
                    await service.start()
        recovered = await load.progress(SOME)
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


async def _two_workers(service: Service, without: int = 0) -> set[int]:
    """Wait until there are two, and neither is this one."""

    async def two() -> set[int] | None:
        found = service.workers() - {without}
        return found if len(found) == 2 else None

    return await until(two)
