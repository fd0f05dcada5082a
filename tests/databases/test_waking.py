"""Databases that start, sleep and drop connections: what can be ridden out is, and nothing is done twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from tests.builders import NOON, a_task, keep, sign_up
from tests.databases.gate import Gate, Loss, Way
from todo.adapters.postgres import connector
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.store import PostgresStore
from todo.application.queries import TaskQuery
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    from asyncpg import Record

    from todo.domain.task import Task

LONG_ENOUGH = 60.0
WHO = Statement(text("SELECT pg_backend_pid() AS number"))


@pytest.fixture
async def gate(database_url: str) -> AsyncIterator[Gate]:
    async with Gate(database_url).listening() as gate:
        yield gate


@pytest.fixture
async def database(gate: Gate, database_url: str) -> AsyncIterator[Database]:
    database = Database(gate.url(urlsplit(database_url).path[1:]), size=2)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return PostgresStore(database)


@pytest.fixture
async def task(store: PostgresStore) -> Task:
    task = await keep(store, a_task((await sign_up(store)).id))
    await hints_are_sent(store)
    return task


async def hints_are_sent(store: PostgresStore) -> None:
    """From now on the store sends nothing by itself."""
    if sending := store._signals._sending:
        await sending


async def open_later(gate: Gate, knocks: int) -> None:
    """Open it when so many have knocked."""
    until = gate.knocks + knocks
    for _ in range(round(LONG_ENOUGH / 0.01)):
        if gate.knocks >= until:
            break
        await asyncio.sleep(0.01)
    gate.way = Way.OPEN


@pytest.mark.usefixtures("task")
class TestConnecting:
    @pytest.fixture(autouse=True)
    def patience(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the machine is doing besides."""
        monkeypatch.setattr(connector, "RIDE_OUT", LONG_ENOUGH)

    @pytest.mark.parametrize("way", [Way.STARTING, Way.HUNG_UP])
    async def test_is_tried_again_while_the_database_starts(
        self, gate: Gate, database: Database, store: PostgresStore, task: Task, way: Way
    ) -> None:
        gate.way = way
        gate.cut()
        async with asyncio.timeout(LONG_ENOUGH):
            opened, found = await asyncio.gather(open_later(gate, 3), store.tasks.get(task.owner, task.id))
        assert opened is None
        assert found == task
        await database.check()

    async def test_is_tried_again_by_those_who_may_connect(self, gate: Gate, store: PostgresStore, task: Task) -> None:
        gate.way = Way.STARTING
        gate.cut()
        waiting = [asyncio.create_task(store.tasks.get(task.owner, task.id)) for _ in range(5)]
        async with asyncio.timeout(LONG_ENOUGH):
            await open_later(gate, 4)
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        # who waits for one of the two does so for as long as ever
        assert sum(outcome == task for outcome in outcomes) >= 2
        assert all(outcome == task or isinstance(outcome, UnavailableError) for outcome in outcomes)

    async def test_holds_back_no_check(self, gate: Gate, store: PostgresStore) -> None:
        gate.way = Way.STARTING
        gate.cut()
        async with asyncio.timeout(LONG_ENOUGH / 2):
            with pytest.raises(UnavailableError):
                await store.check()


class TestAnOutageThatLasts:
    async def test_is_told_at_once(
        self, gate: Gate, store: PostgresStore, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connector, "RIDE_OUT", 0.2)
        gate.way = Way.STARTING
        gate.cut()
        with pytest.raises(UnavailableError):
            await store.tasks.get(task.owner, task.id)
        await asyncio.sleep(0.2)
        for attempt in (store.tasks.get(task.owner, task.id), store.add_task(a_task(task.owner)), store.check()):
            before = gate.knocks
            with pytest.raises(UnavailableError):
                await attempt
            assert gate.knocks == before + 1
        gate.way = Way.OPEN
        assert await store.tasks.get(task.owner, task.id) == task

    async def test_is_another_one_when_it_comes_back(
        self, gate: Gate, store: PostgresStore, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await self.test_is_told_at_once(gate, store, task, monkeypatch)
        monkeypatch.setattr(connector, "RIDE_OUT", LONG_ENOUGH)
        gate.way = Way.STARTING
        gate.cut()
        async with asyncio.timeout(LONG_ENOUGH):
            _, found = await asyncio.gather(open_later(gate, 3), store.tasks.get(task.owner, task.id))
        assert found == task


@pytest.mark.usefixtures("task")
class TestAConnectionThatIsLost:
    """The next message on it gets no answer."""

    @pytest.mark.parametrize("loss", list(Loss))
    async def test_is_replaced_for_a_read(self, gate: Gate, store: PostgresStore, task: Task, loss: Loss) -> None:
        gate.lose(loss)
        assert await store.tasks.get(task.owner, task.id) == task
        assert gate.has_lost()

    @pytest.mark.parametrize("loss", list(Loss))
    async def test_is_replaced_for_a_transaction_that_begins(
        self, gate: Gate, store: PostgresStore, task: Task, loss: Loss
    ) -> None:
        gate.lose(loss)
        async with store.unit_of_work(task.owner) as work:
            await work.tasks.update(task.deleted(NOON))
            await work.commit()
        assert gate.has_lost()
        assert await revisions(store, task) == []

    @pytest.mark.parametrize(("loss", "added"), [(Loss.BEFORE, []), (Loss.AFTER, [2])])
    async def test_is_not_for_a_write(
        self, gate: Gate, store: PostgresStore, task: Task, loss: Loss, added: list[int]
    ) -> None:
        await keep(store, a_task((await sign_up(store)).id))  # so the statement is prepared on the connection
        await hints_are_sent(store)
        gate.lose(loss)
        with pytest.raises(UnavailableError):
            await store.add_task(a_task(task.owner))
        assert sorted(await revisions(store, task)) == [1, *added]

    @pytest.mark.parametrize("loss", list(Loss))
    async def test_is_replaced_for_a_change_that_begins(
        self, gate: Gate, store: PostgresStore, task: Task, loss: Loss
    ) -> None:
        gate.lose(loss)
        changed = await store.change_task(task.owner, task.id, lambda seen: seen.toggled(NOON))
        assert gate.has_lost()
        assert (changed.completed, await revisions(store, task)) == (True, [2])

    @pytest.mark.parametrize(("loss", "left"), [(Loss.BEFORE, [1]), (Loss.AFTER, [2])])
    async def test_is_not_for_a_change_that_is_being_written(
        self, gate: Gate, store: PostgresStore, task: Task, loss: Loss, left: list[int]
    ) -> None:
        def losing(seen: Task) -> Task:
            gate.lose(loss)
            return seen.toggled(NOON)

        other = await keep(store, a_task((await sign_up(store)).id))
        await store.change_task(other.owner, other.id, lambda seen: seen.toggled(NOON))  # prepares the statement
        await hints_are_sent(store)
        with pytest.raises(UnavailableError):
            await store.change_task(task.owner, task.id, losing)
        assert gate.has_lost()
        assert await revisions(store, task) == left

    async def test_takes_no_place_if_there_is_no_other(
        self, gate: Gate, database: Database, store: PostgresStore, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connector, "RIDE_OUT", 0.0)
        gate.way = Way.HUNG_UP
        gate.lose(Loss.BEFORE)
        with pytest.raises(UnavailableError):
            await store.change_task(task.owner, task.id, lambda seen: seen.toggled(NOON))
        gate.way = Way.OPEN
        assert database.use.in_use == 0
        assert await revisions(store, task) == [1]

    async def test_is_not_for_a_commit(self, gate: Gate, store: PostgresStore, task: Task) -> None:
        async def write() -> None:
            async with store.unit_of_work(task.owner) as work:
                await work.tasks.add(a_task(task.owner))
                gate.lose(Loss.AFTER)
                await work.commit()

        with pytest.raises(UnavailableError):
            await write()
        assert sorted(await revisions(store, task)) == [1, 2]

    async def test_because_the_server_ended_it_is_replaced(
        self, database: Database, admin: asyncpg.Connection[Record], store: PostgresStore, task: Task
    ) -> None:
        for _ in range(5):
            number = (await database.fetch(WHO, {}))[0]["number"]
            assert await admin.fetchval("SELECT pg_terminate_backend($1, 5000)", number)
            assert await store.tasks.get(task.owner, task.id) == task  # whether the news has come or not


@pytest.mark.usefixtures("task")
class TestAConnectionThatRestedTooLong:
    """A firewall has forgotten it, and tells nobody."""

    async def test_is_found_out_before_anything_is_sent_on_it(
        self, gate: Gate, database: Database, store: PostgresStore, task: Task
    ) -> None:
        await asyncio.gather(*(store.tasks.get(task.owner, task.id) for _ in range(8)))
        database._pool._rest = 0.0
        gate.swallow()
        async with asyncio.timeout(LONG_ENOUGH):
            added = await store.add_task(a_task(task.owner))
        assert added.revision == 2
        assert database.use.idle == 1

    async def test_is_used_again_if_it_answers(self, gate: Gate, database: Database) -> None:
        database._pool._rest = 0.0
        before = gate.knocks
        first = (await database.fetch(WHO, {}))[0]["number"]
        assert (await database.fetch(WHO, {}))[0]["number"] == first
        assert gate.knocks == before


async def revisions(store: PostgresStore, task: Task) -> list[int]:
    return [one.revision for one in (await store.tasks.page(task.owner, TaskQuery())).tasks]
