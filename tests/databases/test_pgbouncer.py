"""Behind PgBouncer in transaction mode, with TLS and SCRAM: everything holds that holds without it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from sqlalchemy import text

from tests.builders import NOON, a_task, keep, sign_up
from tests.containers import SECRET
from tests.databases.debian import needs_pgbouncer
from tests.databases.pgbouncer import SESSIONS, Bouncer, pgbouncer
from tests.databases.runs import BRIEFLY, CONTRACTS, HTTP, ISOLATION, run
from tests.databases.through_pgbouncer import PLUGIN, environ
from tests.e2e.test_command import serving
from tests.integration.servers import connected, new_database
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.migrate import is_current, migrate
from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.store import PostgresStore
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = needs_pgbouncer


@pytest.mark.slow
async def test_the_contracts_hold_and_nobody_sees_what_is_not_theirs(server_url: str, bouncer: Bouncer) -> None:
    await run(server_url, *BRIEFLY, *CONTRACTS, *ISOLATION, plugin=PLUGIN, environ=environ(bouncer))


@pytest.mark.prove
@pytest.mark.parametrize(
    ("settings", "query"),
    [
        ({"default_pool_size": SESSIONS}, ""),
        ({"default_pool_size": 20, "max_prepared_statements": 0}, "sslmode=require"),
    ],
)
async def test_the_full_suites_pass(server_url: str, settings: dict[str, int], query: str) -> None:
    async with pgbouncer(server_url, settings) as bouncer:
        await run(server_url, *CONTRACTS, *ISOLATION, *HTTP, plugin=PLUGIN, environ=environ(bouncer, query))


class TestAPoolerThatNobodyToldUsAbout:
    """Neither its name nor its port tells."""

    @pytest.fixture
    async def database(self, database_url: str, bouncer: Bouncer) -> AsyncIterator[Database]:
        database = Database(bouncer.url(database_url, hints=False))
        yield database
        await database.close()

    async def test_is_found_out(self, database: Database) -> None:
        await database.check()
        assert not database.can_listen

    async def test_and_the_policies_bind(self, database: Database) -> None:
        who = Statement(text("SELECT rolsuper OR rolbypassrls AS is_free FROM pg_roles WHERE rolname = current_user"))
        assert [row["is_free"] for row in await database.fetch(who, {})] == [False]

    async def test_and_the_limits_are_in_force(self, database: Database) -> None:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "enable_seqscan", "jit")
        show = ", ".join(f"current_setting('{name}')" for name in names)
        rows = await database.fetch(Statement(text(f"SELECT {show}")), {})
        assert [tuple(row) for row in rows] == [("10s", "5s", "10s", "off", "off")]

    async def test_even_if_it_drops_what_it_does_not_know(self, server_url: str, database_url: str) -> None:
        dropped = "statement_timeout, lock_timeout, idle_in_transaction_session_timeout, enable_seqscan, jit, role"
        async with pgbouncer(server_url, {"ignore_startup_parameters": dropped}) as bouncer:
            database = Database(bouncer.url(database_url, hints=False))
            await self.test_and_the_policies_bind(database)
            await self.test_and_the_limits_are_in_force(database)
            assert not database.can_listen
            await database.close()

    async def test_but_not_if_it_is_said_that_there_is_none(
        self, server_url: str, database_url: str, bouncer: Bouncer
    ) -> None:
        dropped = "statement_timeout, lock_timeout, idle_in_transaction_session_timeout, enable_seqscan, jit, role"
        async with pgbouncer(server_url, {"ignore_startup_parameters": dropped}) as forgetful:
            for each in (bouncer, forgetful):
                database = Database(each.url(database_url, hints=False), pooler="none")
                with pytest.raises(UnavailableError):
                    await database.check()
                await database.close()


class TestSharedSessions:
    @pytest.fixture
    async def store(self, database_url: str, bouncer: Bouncer) -> AsyncIterator[PostgresStore]:
        store = PostgresStore(Database(bouncer.url(database_url), size=24))
        yield store
        await store.close()

    async def test_serve_more_than_there_are(self, store: PostgresStore) -> None:
        users = [await sign_up(store) for _ in range(6)]

        async def work(number: int) -> None:
            owner = users[number % len(users)].id
            task = await keep(store, a_task(owner))
            assert (await store.tasks.get(owner, task.id)).owner == owner
            async with store.unit_of_work(owner) as unit:
                await unit.tasks.update(task.deleted(NOON))
                await unit.commit()

        await asyncio.gather(*(work(number) for number in range(60)))

    async def test_keep_nothing_of_who_was_there(
        self, store: PostgresStore, database_url: str, bouncer: Bouncer
    ) -> None:
        user = await sign_up(store)
        task = await keep(store, a_task(user.id))
        await asyncio.gather(*(store.tasks.get(user.id, task.id) for _ in range(30)))
        async with connected(bouncer.url(database_url)) as other:  # as another application would come
            async with other.transaction():
                left = "SELECT current_setting('todo.owner', true), current_user = session_user, current_setting('jit')"
                row = await other.fetchrow(left)
                prepared = await other.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'todo%'")
            assert row is not None
            assert not row[0]
            assert row[1]
            assert prepared == 0

    async def test_are_given_back_after_a_refusal(self, store: PostgresStore) -> None:
        wrong = Statement(text("SELECT 1 / 0"))
        for _ in range(2 * SESSIONS):
            with pytest.raises(asyncpg.DivisionByZeroError):
                await store._database.fetch(wrong, {})
        await store.check()


async def test_a_migration_goes_through_it(server_url: str, bouncer: Bouncer) -> None:
    async with new_database(server_url) as url:
        pooled = bouncer.url(url, hints=False)
        await asyncio.gather(*(migrate(pooled) for _ in range(3)))
        async with connected(url) as straight:
            assert await is_current(straight)


@pytest.mark.slow
@pytest.mark.parametrize("pooler", ["auto", "transaction"])
def test_the_command_serves_from_it(database_url: str, bouncer: Bouncer, tmp_path: Path, pooler: str) -> None:
    url = bouncer.url(database_url, hints=False)
    settings = {"TODO_DATABASE_URL": url, "TODO_DATABASE_POOLER": pooler, "TODO_JWT_SECRET": SECRET}
    with serving(tmp_path / "data", **settings) as service, service.signed_up() as client:
        made = {client.post("/api/tasks", json={"title": f"{n}"}).json()["revision"] for n in range(5)}
        assert made == set(range(1, 6))
        assert client.get("/api/tasks").json()["total"] == 5
        assert client.get("/readyz").status_code == 200


class TestEncryption:
    @pytest.mark.parametrize(
        "query", ["{verified}", "sslmode=require", "sslmode=prefer", "sslmode=no-verify", "ssl=require", ""]
    )
    async def test_is_had_as_asked_for(self, database_url: str, bouncer: Bouncer, query: str) -> None:
        database = Database(bouncer.url(database_url, query.format(verified=bouncer.verified) or "application_name=x"))
        await database.check()
        await database.close()

    @pytest.mark.parametrize("query", ["sslmode=verify-full", "sslmode=verify-ca", "ssl=true", "sslmode=disable"])
    async def test_is_refused_where_it_cannot_be_as_asked_for(
        self, database_url: str, bouncer: Bouncer, query: str
    ) -> None:
        database = Database(bouncer.url(database_url, query))
        with pytest.raises(UnavailableError):
            await database.check()
        await database.close()

    async def test_a_wrong_name_is_not_let_pass(self, database_url: str, bouncer: Bouncer) -> None:
        elsewhere = bouncer.url(database_url).replace("@localhost:", "@127.0.0.1:")
        database = Database(elsewhere)
        with pytest.raises(UnavailableError):
            await database.check()
        await database.close()
        by_authority = Database(elsewhere.replace("verify-full", "verify-ca"))
        await by_authority.check()
        await by_authority.close()
