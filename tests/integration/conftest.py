"""The store in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.servers import connected
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    from asyncpg import Record


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def store(database: Database) -> PostgresStore:
    return PostgresStore(database)


@pytest.fixture
async def own_store(database_url: str) -> AsyncIterator[PostgresStore]:
    """One that a test may close, and that stands for another process on the same database."""
    store = PostgresStore(Database(database_url))
    yield store
    await store.close()


@pytest.fixture
async def closed_store(database_url: str) -> PostgresStore:
    store = PostgresStore(Database(database_url))
    await store.close()
    return store


@pytest.fixture(scope="session")
async def admin(database_url: str) -> AsyncIterator[asyncpg.Connection[Record]]:
    """A connection that no policy binds, to look at what is really there."""
    async with connected(database_url) as connection:
        yield connection
