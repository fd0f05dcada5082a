"""The schema that the migrations make is the one that the code declares, however they were started."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.builders import a_task, keep, sign_up
from tests.integration.servers import connected, new_database, new_login
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.migrate import head, migrate
from todo.adapters.postgres.store import PostgresStore
from todo.adapters.postgres.tables import metadata
from todo.adapters.postgres.url import connect_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

CATALOG = {
    "columns": """
        SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), collname
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        LEFT JOIN pg_collation ON pg_collation.oid = attcollation
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
        """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "options": """
        SELECT relname, reloptions
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        """,
}


@pytest.fixture
async def url(server_url: str) -> AsyncIterator[str]:
    """An empty database."""
    async with new_database(server_url) as url:
        yield url


@pytest.fixture(scope="module")
async def migrated_url(server_url: str) -> AsyncIterator[str]:
    """A database with the tables as the migrations make them."""
    async with new_database(server_url) as url:
        await migrate(url)
        yield url


@pytest.fixture(scope="module")
async def declared_url(server_url: str) -> AsyncIterator[str]:
    """A database with the tables as the code declares them."""
    async with new_database(server_url) as url:
        engine = _engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await engine.dispose()
        yield url


def _engine(url: str) -> AsyncEngine:
    arguments = connect_arguments(url)
    return create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(**arguments), poolclass=NullPool
    )


async def _catalog(url: str, query: str) -> set[tuple[object, ...]]:
    async with connected(url) as connection:
        rows = await connection.fetch(query)
    return {
        tuple(tuple(value) if isinstance(value, list) else value for value in row)
        for row in rows
        if row[0] != "alembic_version"
    }


async def _versions(url: str) -> list[str]:
    async with connected(url) as connection:
        return [row["version_num"] for row in await connection.fetch("SELECT version_num FROM alembic_version")]


class TestTheSchema:
    async def test_is_the_declared_one_as_alembic_sees_it(self, migrated_url: str) -> None:
        def differences(connection: Connection) -> object:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            return compare_metadata(context, metadata)

        engine = _engine(migrated_url)
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
        await engine.dispose()

    @pytest.mark.parametrize("query", CATALOG.values(), ids=CATALOG.keys())
    async def test_is_the_declared_one_to_the_last_name(self, migrated_url: str, declared_url: str, query: str) -> None:
        migrated, declared = await _catalog(migrated_url, query), await _catalog(declared_url, query)
        assert migrated - declared == set()
        assert declared - migrated == set()
        assert migrated

    async def test_names_every_constraint_by_the_convention(self, migrated_url: str) -> None:
        for table, name, _ in await _catalog(migrated_url, CATALOG["constraints"]):
            assert str(name).startswith(f"{table}_"), name
            assert str(name).endswith(("_pkey", "_fkey", "_key", "_check", "_not_null")), name

    async def test_keeps_every_time_with_its_zone(self, migrated_url: str) -> None:
        types = {kind for _, _, kind, *_ in await _catalog(migrated_url, CATALOG["columns"])}
        assert "timestamp with time zone" in types
        assert not types & {"timestamp without time zone", "time without time zone", "character varying", "json"}


class TestMigrating:
    async def test_brings_an_empty_database_to_the_newest_revision(self, url: str) -> None:
        await migrate(url)
        assert await _versions(url) == [head()]

    async def test_again_changes_nothing(self, url: str) -> None:
        await migrate(url)
        before = {name: await _catalog(url, query) for name, query in CATALOG.items()}
        store = PostgresStore(Database(url))
        task = await keep(store, a_task((await sign_up(store)).id))
        await migrate(url)
        assert {name: await _catalog(url, query) for name, query in CATALOG.items()} == before
        assert await store.tasks.get(task.owner, task.id) == task
        await store.close()

    async def test_by_several_at_once_is_done_once(self, url: str) -> None:
        await asyncio.gather(*(migrate(url) for _ in range(4)))
        assert await _versions(url) == [head()]

    async def test_needs_no_more_rights_than_those_of_the_databases_owner(self, server_url: str) -> None:
        async with new_login(server_url, "NOSUPERUSER") as login, new_database(server_url, login) as url:
            await migrate(url)
            assert await _versions(url) == [head()]

    async def test_lets_go_of_the_database(self, url: str) -> None:
        await migrate(url)
        async with connected(url) as connection:
            others = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert await connection.fetchval(others) == 0
