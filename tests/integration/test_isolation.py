"""Owners are kept apart twice: by every statement, and by row-level security where a statement forgot."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from sqlalchemy import text

from tests.builders import a_task, keep, sign_up
from tests.contracts.task_reader import TaskReaderContract
from tests.contracts.task_repository import TaskRepositoryContract
from tests.integration.servers import connected, new_database, new_login
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.migrate import migrate
from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.store import PostgresStore
from todo.adapters.postgres.tables import metadata, tasks
from todo.domain.values import Title

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg import Record

    from todo.domain.task import Task

LOGINS = {
    "a superuser": None,
    "the owner of the tables": "NOSUPERUSER NOBYPASSRLS",
    "a managed database's admin": "NOSUPERUSER BYPASSRLS CREATEROLE CREATEDB",
}


@pytest.fixture(scope="module", params=list(LOGINS))
async def database(request: pytest.FixtureRequest, server_url: str, database_url: str) -> AsyncIterator[Database]:
    """The database of the service, by each kind of login that people's URLs name."""
    rights = LOGINS[request.param]
    if rights is None:
        async with _open(database_url) as database:
            yield database
        return
    async with new_login(server_url, rights) as login, new_database(server_url, login) as url:
        if "CREATEROLE" in rights:
            # What PostgreSQL gives to the one who makes a role: the right to grant it, but not yet to take it.
            # Before version 16 it gives nothing, and whoever may make roles may grant any.
            async with connected(server_url) as admin:
                if admin.get_server_version().major >= 16:
                    await admin.execute(f"GRANT todo_app TO {login} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
        await migrate(url)
        async with _open(url) as database:
            yield database


@asynccontextmanager
async def _open(url: str) -> AsyncIterator[Database]:
    database = Database(url, size=1)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return PostgresStore(database)


@pytest.fixture
async def mine(store: PostgresStore) -> Task:
    return await keep(store, a_task((await sign_up(store)).id, title=Title("Mine")))


@pytest.fixture
async def theirs(store: PostgresStore) -> Task:
    return await keep(store, a_task((await sign_up(store)).id, title=Title("Theirs")))


def sql(forgetful: str) -> Statement:
    """A statement that somebody wrote who did not think of owners."""
    return Statement(text(forgetful))


async def title_of(store: PostgresStore, task: Task) -> str:
    return (await store.tasks.get(task.owner, task.id)).title


class TestAForgetfulStatement:
    async def test_runs_as_nobody_whom_the_policies_do_not_bind(self, database: Database) -> None:
        who = sql("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert [tuple(row) for row in await database.fetch(who, {})] == [(False, False)]

    async def test_sees_nothing_where_nobody_asks(self, database: Database, mine: Task) -> None:
        assert await database.fetch(sql("SELECT * FROM tasks"), {}) == []
        assert mine.revision

    async def test_sees_the_rows_of_who_asks_and_no_others(self, database: Database, mine: Task, theirs: Task) -> None:
        asking = (
            "WITH me AS MATERIALIZED (SELECT set_config('todo.owner', :owner, true) AS owner)"
            " SELECT task.id FROM me CROSS JOIN LATERAL (SELECT id FROM tasks WHERE me.owner IS NOT NULL) AS task"
        )
        rows = await database.fetch(sql(asking), {"owner": mine.owner})
        assert [row["id"] for row in rows] == [mine.id]
        assert theirs.owner != mine.owner

    async def test_sees_the_owners_rows_in_a_transaction(self, database: Database, mine: Task, theirs: Task) -> None:
        async with database.transaction(mine.owner) as transaction:
            rows = await transaction.fetch(sql("SELECT id FROM tasks"), {})
        assert [row["id"] for row in rows] == [mine.id]
        assert theirs.id != mine.id

    async def test_changes_the_owners_rows_only(
        self, database: Database, store: PostgresStore, mine: Task, theirs: Task
    ) -> None:
        async with database.transaction(mine.owner) as transaction:
            await transaction.fetch(sql("UPDATE tasks SET title = 'Changed'"), {})
            await transaction.commit()
        assert await title_of(store, mine) == "Changed"
        assert await title_of(store, theirs) == "Theirs"

    async def test_deletes_the_owners_rows_only(
        self, database: Database, store: PostgresStore, mine: Task, theirs: Task
    ) -> None:
        async with database.transaction(mine.owner) as transaction:
            gone = await transaction.fetch(sql("DELETE FROM tasks RETURNING id"), {})
            await transaction.commit()
        assert [row["id"] for row in gone] == [mine.id]
        assert await title_of(store, theirs) == "Theirs"

    async def test_gives_nothing_away(self, database: Database, store: PostgresStore, mine: Task, theirs: Task) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _run(database, mine, "UPDATE tasks SET owner_id = :other", {"other": theirs.owner})
        assert await title_of(store, mine) == "Mine"

    async def test_puts_nothing_under_someone_elses_name(self, database: Database, mine: Task, theirs: Task) -> None:
        columns = ", ".join(column.name for column in tasks.columns if column.name != "owner_id")
        copy = f"INSERT INTO tasks (owner_id, {columns}) SELECT CAST(:other AS text), {columns} FROM tasks"  # noqa: S608
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _run(database, mine, copy, {"other": theirs.owner})

    async def test_leaves_nobody_behind(self, database: Database, store: PostgresStore, mine: Task) -> None:
        who = sql("SELECT current_setting('todo.owner', true) AS owner, txid_current_if_assigned() AS transaction")
        await store.tasks.get(mine.owner, mine.id)
        async with store.unit_of_work(mine.owner) as work:
            await work.tasks.update(mine.toggled(mine.updated_at))
            await work.commit()
        async with store.unit_of_work(mine.owner):
            pass
        (row,) = await database.fetch(who, {})  # the pool has only this one connection
        assert not row["owner"]
        assert row["transaction"] is None


async def _run(database: Database, task: Task, statement: str, values: dict[str, Any]) -> None:
    async with database.transaction(task.owner) as transaction:
        await transaction.fetch(sql(statement), values)
        await transaction.commit()


async def test_every_table_whose_rows_belong_to_someone_is_guarded(admin: asyncpg.Connection[Record]) -> None:
    owned = {table.name: next(iter(table.primary_key)).name for table in metadata.sorted_tables}
    owned = {table: column for table, column in owned.items() if column in {"owner_id", "user_id"}}
    assert "tasks" in owned
    for table, column in owned.items():
        is_on = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = $1::regclass"
        assert await admin.fetchval(is_on, table), table
        policies = await admin.fetch("SELECT qual FROM pg_policies WHERE tablename = $1 AND cmd = 'ALL'", table)
        owner = "( SELECT current_setting('todo.owner'::text, true) AS current_setting)"
        assert [row["qual"] for row in policies] == [f"({column} = {owner})"], table


async def test_the_role_of_the_service_can_do_no_more_than_it_must(admin: asyncpg.Connection[Record]) -> None:
    role = await admin.fetchrow("SELECT * FROM pg_roles WHERE rolname = 'todo_app'")
    assert role is not None
    assert not any(role[f"rol{right}"] for right in ("super", "bypassrls", "canlogin", "createrole", "createdb"))
    rights = await admin.fetch(
        "SELECT DISTINCT privilege_type FROM information_schema.role_table_grants WHERE grantee = 'todo_app'"
    )
    assert {row["privilege_type"] for row in rights} == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert not await admin.fetchval("SELECT has_schema_privilege('todo_app', 'public', 'CREATE')")
    owned = await admin.fetch("SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = 'todo_app'")
    assert owned == []


class WithoutPolicies:
    """The other half: what the statements alone do, for a login that no policy binds."""

    @pytest.fixture
    def store(self, unbound_store: PostgresStore) -> PostgresStore:
        return unbound_store


@pytest.fixture(scope="module")
async def unbound_store(server_url: str) -> AsyncIterator[PostgresStore]:
    async with new_database(server_url) as url:
        await migrate(url)
        database = Database(url)
        database._connector.role = ""  # does not step down
        rows = await database.fetch(sql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"), {})
        assert [row["rolsuper"] for row in rows] == [True]
        yield PostgresStore(database)
        await database.close()


class TestReadingWithoutPolicies(WithoutPolicies, TaskReaderContract): ...


class TestWritingWithoutPolicies(WithoutPolicies, TaskRepositoryContract): ...
