"""A PostgreSQL server that may be killed, and the service on it."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.faults import witness
from tests.faults.processes import Postgres, Service
from todo.adapters.postgres.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.faults.audit import Figures

    Serve = Callable[..., AbstractAsyncContextManager[Service]]
    Report = Callable[[Figures, float], None]


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A server of these tests' own, with the schema and the witness in it."""
    server = Postgres(tmp_path_factory.mktemp("faults"))
    await server.start()
    await migrate(server.url)
    async with server.admin() as admin:
        await witness.install(admin)
    yield server
    await server.stop()


@pytest.fixture(scope="session")
def serve(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Starts services; whose log tells of a fault, fails."""

    @asynccontextmanager
    async def start(url: str | None = None, *, workers: int = 1, **settings: str) -> AsyncIterator[Service]:
        log = tmp_path_factory.mktemp("service") / "log"
        service = Service(log, workers=workers, TODO_DATABASE_URL=url or postgres.url, **settings)
        await service.start()
        try:
            yield service
        finally:
            await service.stop()
        assert not service.faults()

    return start


@pytest.fixture
def seed(record_property: Callable[[str, object], None]) -> int:
    """Where chance begins; a failing test shows it."""
    seed = random.SystemRandom().getrandbits(32)
    record_property("seed", seed)
    print(f"seed {seed}")  # noqa: T201
    return seed


@pytest.fixture
def report(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Report:
    """Keeps and prints what a test has really done."""

    def tell(figures: Figures, recovered: float) -> None:
        record_property("figures", str(figures))
        record_property("recovered", round(recovered, 2))
        print(f"{request.node.name}: {figures}; first write after {recovered:.2f} s")  # noqa: T201

    return tell
