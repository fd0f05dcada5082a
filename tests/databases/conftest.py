from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.databases.debian import older_postgres, postgres
from tests.databases.pgbouncer import Bouncer, pgbouncer
from tests.integration.servers import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import asyncpg
    from asyncpg import Record


@pytest.fixture(scope="module")
async def bouncer(server_url: str) -> AsyncIterator[Bouncer]:
    """A PgBouncer before the server of the run."""
    async with pgbouncer(server_url) as bouncer:
        yield bouncer


@pytest.fixture(scope="module")
def older_server() -> Iterator[str]:
    """The URL of a database on a server that is older than that of the run."""
    programs = older_postgres()
    assert programs
    with postgres(programs) as url:
        yield url


@pytest.fixture(scope="session")
async def admin(database_url: str) -> AsyncIterator[asyncpg.Connection[Record]]:
    """A connection to look at what is really there."""
    async with connected(database_url) as connection:
        yield connection
