"""What goes wrong with the database, and that the service says so, and gets over it by itself."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.builders import NOON, a_task, keep, sign_up
from tests.integration.servers import new_database
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.migrate import migrate
from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.store import PostgresStore
from todo.application.queries import TaskQuery
from todo.domain.errors import NotFoundError, UnavailableError
from todo.domain.values import UserId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    from asyncpg import Record

    from todo.domain.task import Task

SIZE = 2
WHO = Statement(text("SELECT pg_backend_pid() AS number"))
SLEEP = Statement(text("SELECT pg_backend_pid() AS number, pg_sleep(8)"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool of its own, because it will suffer."""
    database = Database(database_url, size=SIZE)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return PostgresStore(database)


@pytest.fixture
async def task(store: PostgresStore) -> Task:
    return await keep(store, a_task((await sign_up(store)).id))


async def number_of(database: Database) -> int:
    """The process that serves the connection which is used next."""
    number: int = (await database.fetch(WHO, {}))[0]["number"]
    return number


async def is_running(admin: asyncpg.Connection[Record], query: str) -> int:
    """The process that runs a statement, as soon as there is one."""
    for _ in range(500):
        number: int | None = await admin.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()",
            f"%{query}%",
        )
        if number:
            return number
        await asyncio.sleep(0.01)
    pytest.fail(f"nobody runs {query}")


async def is_idle_in_transaction(admin: asyncpg.Connection[Record]) -> int:
    number: int = await admin.fetchval(
        "SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND usename = current_user"
    )
    return number


async def kill(admin: asyncpg.Connection[Record], number: int) -> None:
    assert await admin.fetchval("SELECT pg_terminate_backend($1, 5000)", number)


async def assert_whole(database: Database) -> None:
    """The pool lends all of its connections, each works, and none has anything left to do."""
    left = Statement(
        text("SELECT pg_backend_pid() AS number, current_setting('todo.owner', true) AS owner, pg_sleep(0.05)")
    )
    rows = [rows[0] for rows in await asyncio.gather(*(database.fetch(left, {}) for _ in range(SIZE)))]
    assert len({row["number"] for row in rows}) == SIZE
    assert not any(row["owner"] for row in rows)


class TestAConnectionThatDies:
    async def test_while_it_rests_is_replaced(
        self, database: Database, store: PostgresStore, task: Task, admin: asyncpg.Connection[Record]
    ) -> None:
        await kill(admin, await number_of(database))
        await asyncio.sleep(0.05)  # the news has to travel
        assert await store.tasks.get(task.owner, task.id) == task
        await assert_whole(database)

    async def test_while_it_works_is_unavailable_once(
        self, database: Database, store: PostgresStore, task: Task, admin: asyncpg.Connection[Record]
    ) -> None:
        working = asyncio.create_task(database.fetch(SLEEP, {}))
        await kill(admin, await is_running(admin, "pg_sleep(8)"))
        with pytest.raises(UnavailableError):
            await working
        assert await store.tasks.get(task.owner, task.id) == task
        await assert_whole(database)

    @pytest.mark.parametrize("step", ["write", "commit", "nothing"])
    async def test_inside_a_unit_of_work_undoes_it(
        self, database: Database, store: PostgresStore, task: Task, admin: asyncpg.Connection[Record], step: str
    ) -> None:
        async def write() -> None:
            async with store.unit_of_work(task.owner) as work:
                await work.tasks.update(task.deleted(NOON))
                await kill(admin, await is_idle_in_transaction(admin))
                if step == "write":
                    await work.tasks.add(a_task(task.owner))
                if step == "commit":
                    await work.commit()

        with pytest.raises(UnavailableError):
            await write()
        assert await store.tasks.get(task.owner, task.id) == task
        await assert_whole(database)

    async def test_after_the_commit_is_no_news(
        self, database: Database, store: PostgresStore, task: Task, admin: asyncpg.Connection[Record]
    ) -> None:
        async with store.unit_of_work(task.owner) as work:
            await work.tasks.update(task.deleted(NOON))
            number = await is_idle_in_transaction(admin)
            await work.commit()
            await kill(admin, number)
        with pytest.raises(NotFoundError):
            await store.tasks.get(task.owner, task.id)
        await assert_whole(database)


class TestAPoolThatIsExhausted:
    async def test_is_unavailable_until_it_is_not(self, database: Database, store: PostgresStore, task: Task) -> None:
        database._pool._patience = 0.05
        others = [(await sign_up(store)).id for _ in range(SIZE)]
        async with store.unit_of_work(others[0]), store.unit_of_work(others[1]):
            with pytest.raises(UnavailableError):
                await store.tasks.get(task.owner, task.id)
            with pytest.raises(UnavailableError):
                await keep(store, a_task(task.owner))
        assert await store.tasks.get(task.owner, task.id) == task
        await assert_whole(database)

    async def test_not_by_those_who_ask_whether_it_is_ready(self, database: Database, store: PostgresStore) -> None:
        async with database.transaction(UserId("ada")), database.transaction(UserId("bob")):
            asking = [asyncio.create_task(store.check()) for _ in range(5)]
            for _ in range(20):  # turns of the loop, in which each would have begun to wait
                await asyncio.sleep(0)
            assert database.use.waiting == 1
            asking.pop(0).cancel()  # which takes the answer from nobody else
            await asyncio.sleep(0)
        await asyncio.gather(*asking)
        await store.check()
        await assert_whole(database)


class TestARequestThatIsCancelled:
    async def test_while_it_reads_leaves_the_pool_whole(
        self, database: Database, admin: asyncpg.Connection[Record]
    ) -> None:
        for _ in range(SIZE + 1):
            reading = asyncio.create_task(database.fetch(SLEEP, {}))
            number = await is_running(admin, "pg_sleep(8)")
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            # Nobody told the server, which goes on for as long as a statement may. Here it need not.
            await admin.execute(f"SELECT pg_terminate_backend({number})")
        await assert_whole(database)

    async def test_while_it_writes_leaves_nothing_behind(
        self, database: Database, store: PostgresStore, task: Task
    ) -> None:
        for steps in range(12):
            writing = asyncio.create_task(keep(store, a_task(task.owner)))
            for _ in range(steps):
                await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait([writing])
        kept = await keep(store, a_task(task.owner))
        page = await store.tasks.page(task.owner, TaskQuery())
        assert sorted(one.revision for one in page.tasks) == list(range(1, kept.revision + 1))
        await assert_whole(database)

    async def test_while_its_change_waits_for_its_turn_leaves_the_pool_whole(
        self, database: Database, store: PostgresStore, task: Task, admin: asyncpg.Connection[Record]
    ) -> None:
        async with store.unit_of_work(task.owner):
            changing = asyncio.create_task(store.change_task(task.owner, task.id, lambda seen: seen.toggled(NOON)))
            number = await is_running(admin, "before AS")
            changing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await changing
            # Nobody told the server, which would make the change when its turn comes. Here it need not.
            await admin.execute(f"SELECT pg_terminate_backend({number}, 5000)")
        assert await store.change_task(task.owner, task.id, lambda seen: seen) == task
        await assert_whole(database)

    async def test_while_it_waits_for_its_turn_lets_the_next_one_in(self, store: PostgresStore, task: Task) -> None:
        async with store.unit_of_work(task.owner):
            waiting = asyncio.create_task(keep(store, a_task(task.owner)))
            await asyncio.sleep(0.05)
            waiting.cancel()
            await asyncio.wait([waiting])
        assert (await keep(store, a_task(task.owner))).revision == task.revision + 1


class TestALease:
    async def test_has_one_connection_for_all_its_statements(self, database: Database) -> None:
        async with database.lease() as lease, database.lease() as other:
            numbers = [(await each.fetch(WHO, {}))[0]["number"] for each in (lease, other, other, lease)]
        assert numbers[0] == numbers[3] != numbers[1] == numbers[2]
        await assert_whole(database)

    @pytest.mark.parametrize(("error", "is_kept"), [(NotFoundError, True), (asyncio.CancelledError, False)])
    async def test_gives_its_connection_back_unless_it_is_cancelled_in_mid_statement(
        self, database: Database, error: type[BaseException], is_kept: bool
    ) -> None:
        numbers = []

        async def fail() -> None:
            async with database.lease() as lease:
                numbers.append((await lease.fetch(WHO, {}))[0]["number"])
                raise error

        with pytest.raises(error):
            await fail()
        assert (await number_of(database) in numbers) == is_kept
        await assert_whole(database)


class TestADatabaseThatIsNotThere:
    async def test_is_unavailable(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            store = PostgresStore(Database(f"postgresql://nobody@127.0.0.1:{taken.getsockname()[1]}/nothing"))
            for attempt in (store.check(), sign_up(store)):
                with pytest.raises(UnavailableError):
                    await attempt
            await store.close()

    async def test_or_has_no_schema_fails_its_check(self, server_url: str) -> None:
        async with new_database(server_url) as url:
            store = PostgresStore(Database(url))
            with pytest.raises(UnavailableError):
                await store.check()
            await migrate(url)
            await store.check()
            await store.close()
