"""Migrating a database of its own for each test."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from tests.integration.servers import elsewhere, new_login
from todo.adapters.postgres.migrate import MigrationError, head, is_current, migrate
from todo.adapters.postgres.url import connect_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def url(server_url: str) -> AsyncIterator[str]:
    """The URL of an empty database."""
    name = f"empty_{uuid4().hex}"
    server = await asyncpg.connect(**connect_arguments(server_url))
    await server.execute(f"CREATE DATABASE {name}")
    yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def test_an_empty_database_gets_the_schema_and_a_second_time_nothing_happens(url: str) -> None:
    connection = await asyncpg.connect(**connect_arguments(url))
    assert not await is_current(connection)
    await migrate(url)
    assert await is_current(connection)
    await migrate(url)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == head()
    await connection.close()


async def test_of_several_that_migrate_at_once_all_succeed(url: str) -> None:
    await asyncio.gather(*(migrate(url) for _ in range(5)))


async def test_a_migration_happens_all_or_not_at_all(url: str) -> None:
    connection = await asyncpg.connect(**connect_arguments(url))
    await connection.execute("CREATE TABLE tasks (in_the_way int)")
    with pytest.raises(MigrationError, match=r"refuses the migration: .*already exists"):
        await migrate(url)
    tables = "SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = 'public'"
    assert await connection.fetchval(tables) == ["tasks"]
    await connection.close()


async def test_the_schema_of_a_newer_version_is_left_alone(url: str) -> None:
    await migrate(url)
    connection = await asyncpg.connect(**connect_arguments(url))
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(MigrationError, match="another version of todo"):
        await migrate(url)
    await connection.close()


async def test_a_login_that_may_not_look_is_told(server_url: str, url: str) -> None:
    await migrate(url)
    async with new_login(server_url, "") as login:
        stranger = elsewhere(server_url, database=urlsplit(url).path[1:], user=login)
        with pytest.raises(MigrationError, match=r"permission denied for table alembic_version\. GRANT SELECT"):
            await migrate(stranger)


async def test_a_database_that_is_not_there_is_waited_for_and_then_named_without_the_password() -> None:
    said: list[str] = []
    with pytest.raises(MigrationError) as refused:
        await migrate("postgresql://me:hunter2@127.0.0.1:1/todo", patience=0.5, on_wait=said.append)
    assert str(refused.value) == "The database at 127.0.0.1:1/todo cannot be used: nothing listens there."
    assert said == [str(refused.value)]


async def test_what_waiting_does_not_mend_is_said_at_once(url: str) -> None:
    nowhere = urlsplit(url)._replace(path="/no_such_database").geturl()
    with pytest.raises(MigrationError, match=r"no_such_database.* does not exist"):
        await migrate(nowhere, patience=30)
