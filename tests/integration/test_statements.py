"""What is sent to PostgreSQL: each statement names the owner, touches few rows, and there are few of them."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.builders import NOON, StoppedClock, a_task, a_task_id, keep, sign_up
from tests.integration.servers import connected, new_database
from todo.adapters import postgres
from todo.adapters.clock import new_id
from todo.adapters.postgres.connection import Connection
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.migrate import migrate
from todo.adapters.postgres.roles import APPLICATION_ROLE
from todo.adapters.postgres.statements import OWNER_SETTING, Statement
from todo.adapters.postgres.store import PostgresStore
from todo.adapters.postgres.tables import metadata, tasks
from todo.adapters.postgres.task_lists import Shape, page_statement
from todo.application.queries import Sort, TaskQuery
from todo.application.tasks import TaskService
from todo.domain.values import Revision, Title

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    import asyncpg
    from asyncpg import Record
    from sqlalchemy import Table

    from todo.domain.task import Task
    from todo.domain.user import User

OWNERS = 20
TASKS_EACH = 500
PAGE = 50


# Each statement names the owner


BOOLEANS = list(itertools.product([False, True], repeat=4))


def _statements() -> Iterator[tuple[str, Statement]]:
    """Every statement that the adapter can send, with a name."""
    for module in pkgutil.walk_packages(postgres.__path__, f"{postgres.__name__}."):
        if ".migrations" not in module.name:
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Statement):
                    yield f"{module.name.rpartition('.')[2]}.{name}", value
    for some, sort, rest in itertools.product(BOOLEANS, Sort, BOOLEANS):
        shape = Shape(*some, sort, *rest)  # type: ignore[arg-type, call-arg]  # product() forgets how many there are
        is_meant = shape.is_filtered >= shape.is_narrowed and not (shape.in_trash and shape.is_narrowed)
        is_list = (shape.open or shape.completed) and shape.goes_on >= shape.goes_on_without_key and shape.descending
        if is_meant and is_list:
            yield f"task_lists.{shape}", page_statement(shape)


def _owner_column(table: Table) -> str | None:
    """The column that says whose a row is, in a table whose rows belong to someone."""
    first = next(iter(table.primary_key)).name
    return first if first in {"owner_id", "user_id"} else None


OWNED = {table.name: column for table in metadata.sorted_tables if (column := _owner_column(table))}
NAMED_OTHERWISE = {
    "sessions._OWNER_OF": "who holds the secret id of a session is told whose it is",
}


def test_the_tables_that_belong_to_someone_are_known() -> None:
    assert {"tasks": "owner_id", "receipts": "owner_id", "sessions": "user_id"}.items() <= OWNED.items()


def test_every_statement_names_the_owner_for_each_table_that_has_one() -> None:
    seen: Counter[str] = Counter()
    for name, statement in _statements():
        for table, column in OWNED.items():
            aliases = re.findall(rf"\b(?:FROM|JOIN|UPDATE) {table}\b(?: AS (\w+))?", statement.sql)
            into = re.search(rf"INSERT INTO {table} \(([^)]*)\)", statement.sql)
            seen[table] += len(aliases) + bool(into)
            if name in NAMED_OTHERWISE:
                continue
            for place, uses in Counter(alias or table for alias in aliases).items():
                owner = rf"\b{place}\.{column} = (?:\$\d+::\w+|me\.owner|before\.owner|users\.id)"
                named = len(re.findall(rf"(?:WHERE|AND|ON) {owner}", statement.sql))
                assert named >= uses, f"{name} forgot the owner of {place}:\n{statement.sql}"
            assert not into or column in into[1].split(", "), f"{name} forgot the owner of {table}"
    assert all(seen[table] for table in OWNED)
    assert seen["tasks"] > 100


def test_every_exception_is_a_statement_that_there_is() -> None:
    assert set(NAMED_OTHERWISE) <= {name for name, _ in _statements()}


# What is sent


@dataclass
class Wire:
    """What went to the server."""

    sent: list[tuple[str, list[Any]]]
    messages: int = 0

    def clear(self) -> None:
        self.sent.clear()
        self.messages = 0


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire([])
    fetch, execute = Connection.fetch, Connection.execute

    async def fetch_and_note(self: Connection, statement: Statement, values: Mapping[str, Any]) -> Any:
        if "pg_notify" not in statement.sql:
            wire.messages += 1
            wire.sent.append((statement.sql, list(statement.arguments(values))))
        return await fetch(self, statement, values)

    async def execute_and_note(self: Connection, script: str) -> None:
        wire.messages += 1
        await execute(self, script)

    monkeypatch.setattr(Connection, "fetch", fetch_and_note)
    monkeypatch.setattr(Connection, "fetch_alone", fetch_and_note)
    monkeypatch.setattr(Connection, "execute", execute_and_note)
    return wire


@dataclass(frozen=True)
class Crowd:
    """A store in which there is more than anyone should ever touch at once."""

    url: str
    store: PostgresStore
    user: User
    task: Task

    @property
    def tasks(self) -> TaskService:
        return TaskService(self.store, StoppedClock(), new_id)


@pytest.fixture(scope="module")
async def crowd(server_url: str) -> AsyncIterator[Crowd]:
    """Twenty owners with five hundred tasks each."""
    async with new_database(server_url) as url:
        await migrate(url)
        database = Database(url)
        store = PostgresStore(database)
        users = [await sign_up(store) for _ in range(OWNERS)]
        task = await keep(store, a_task(users[7].id, created_at=NOON - timedelta(days=1)))
        changed = {
            "owner_id": "users.id",
            "id": "gen_random_uuid()",
            "created_at": "created_at - number * interval '1 minute'",
            "revision": "number",
        }
        names = [column.name for column in tasks.columns]
        values = [
            changed.get(name, f"template.{name}").replace("created_at -", "template.created_at -") for name in names
        ]
        async with connected(url) as admin:
            await admin.execute(
                f"INSERT INTO tasks ({', '.join(names)}) SELECT {', '.join(values)}"  # noqa: S608
                f" FROM tasks AS template, users, generate_series(2, {TASKS_EACH}) AS number"
            )
            await admin.execute("UPDATE users SET revision = $1", TASKS_EACH)
            await admin.execute(
                "INSERT INTO users (id, created_at) SELECT 'user ' || number, now()"
                " FROM generate_series(1, 5000) AS number"
            )
            await admin.execute("VACUUM ANALYZE")
        yield Crowd(url, store, users[7], task)
        await store.close()


async def _next_page(crowd: Crowd) -> object:
    behind = TaskQuery(limit=PAGE).position(crowd.task)
    return await crowd.tasks.page(crowd.user.id, TaskQuery(limit=PAGE, after=behind))


class Operation(NamedTuple):
    """Something to do in a crowd, and what it may cost: in messages, and in rows for the dearest of them."""

    operate: Callable[[Crowd], Awaitable[object]]
    messages: int
    rows: int


OPERATIONS = {
    "get": Operation(lambda crowd: crowd.tasks.get(crowd.user.id, crowd.task.id), 1, 2),
    "first page": Operation(lambda crowd: crowd.tasks.page(crowd.user.id, TaskQuery(limit=PAGE)), 1, 2 + PAGE),
    "next page": Operation(_next_page, 1, 2 + PAGE),
    "changes": Operation(
        lambda crowd: crowd.store.feed.changes(crowd.user.id, Revision(TASKS_EACH // 2), PAGE), 1, 2 + PAGE
    ),
    "create": Operation(lambda crowd: crowd.tasks.create(crowd.user.id, Title("New"), {}), 1, 4),
    "create with an id": Operation(
        lambda crowd: crowd.tasks.create(crowd.user.id, Title("New"), {}, a_task_id()), 4, 4
    ),
    "change": Operation(lambda crowd: crowd.tasks.toggle(crowd.user.id, crowd.task.id), 2, 8),
    "change nothing": Operation(lambda crowd: crowd.tasks.change(crowd.user.id, crowd.task.id, {}), 1, 2),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
every_look = pytest.mark.parametrize("operation", [*OPERATIONS.values()][:4], ids=[*OPERATIONS][:4])


@every_operation
async def test_an_operation_takes_no_more_round_trips_than_it_must(
    crowd: Crowd, wire: Wire, operation: Operation
) -> None:
    await operation.operate(crowd)
    assert wire.messages == operation.messages


@every_operation
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_an_operation_looks_at_few_rows(crowd: Crowd, wire: Wire, operation: Operation, mode: str) -> None:
    await operation.operate(crowd)
    count = """
        SELECT sum(seq_scan)::int AS scans, sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS rows
        FROM pg_stat_xact_user_tables WHERE relname IN ('users', 'tasks')
        """
    async with connected(crowd.url) as admin:
        await admin.execute("DELETE FROM tasks WHERE title = 'New'")
    async with connected(crowd.url) as driver:
        await driver.execute(f"SET ROLE {APPLICATION_ROLE}; SET plan_cache_mode = {mode}")
        for sql, arguments in wire.sent:
            prepared = await driver.prepare(sql)
            async with driver.transaction():
                if "me.owner" not in sql:
                    await driver.execute("SELECT set_config($1, $2, true)", OWNER_SETTING, crowd.user.id)
                before = await driver.fetchrow(count)
                await prepared.fetch(*arguments)
                after = await driver.fetchrow(count)
            assert before
            assert after
            assert after["scans"] == before["scans"], sql
            assert after["rows"] - before["rows"] <= operation.rows, sql


@every_look
async def test_a_look_is_planned_as_a_range_of_an_index_in_its_order(
    crowd: Crowd, wire: Wire, operation: Operation
) -> None:
    await operation.operate(crowd)
    ((sql, arguments),) = wire.sent
    async with connected(crowd.url) as driver:
        await driver.execute(f"SET ROLE {APPLICATION_ROLE}")
        rows = await driver.fetch(f"EXPLAIN (COSTS OFF) {sql}", *arguments)
    plan = "\n".join(row[0] for row in rows)
    scans = re.findall(r"Scan.* on tasks\b.*\n\s*(.*)", plan)
    assert scans, plan
    assert all(re.match(r"(Index|Recheck) Cond: .*\bowner_id = ", condition) for condition in scans), plan
    assert not re.search(r"Limit\n\s*->\s+(Incremental )?Sort", plan), plan


@every_look
async def test_a_look_finds_the_same_however_it_is_planned(crowd: Crowd, wire: Wire, operation: Operation) -> None:
    """The policies are told the owner by the statement itself, which must happen before they are asked."""
    await operation.operate(crowd)
    ((sql, arguments),) = wire.sent
    async with connected(crowd.url) as driver:
        await driver.execute(f"SET ROLE {APPLICATION_ROLE}")
        expected = await driver.fetch(sql, *arguments)
        assert expected[0]["id"]
        async for barred in _ways_of_planning(driver):
            assert await (await driver.prepare(sql)).fetch(*arguments) == expected, barred


async def test_a_change_is_made_however_it_is_planned(crowd: Crowd, wire: Wire) -> None:
    changed = await crowd.tasks.toggle(crowd.user.id, crowd.task.id)
    sql, arguments = wire.sent[-1]
    again = [changed.revision if value == changed.revision - 1 else value for value in arguments]
    async with connected(crowd.url) as driver:
        await driver.execute(f"SET ROLE {APPLICATION_ROLE}")
        async for barred in _ways_of_planning(driver):
            if barred == ("nestloop", "hashjoin"):
                continue  # what is left, a merge, may read tasks first; then the change is made in a transaction
            attempt = driver.transaction()
            await attempt.start()
            assert len(await (await driver.prepare(sql)).fetch(*again)) == 1, barred
            await attempt.rollback()


async def _ways_of_planning(driver: asyncpg.Connection[Record]) -> AsyncIterator[tuple[str, ...]]:
    """Tell the planner not to plan in one or two ways, in turn."""
    ways = [
        "nestloop",
        "hashjoin",
        "mergejoin",
        "indexscan",
        "indexonlyscan",
        "bitmapscan",
        "seqscan",
        "sort",
        "memoize",
    ]
    for barred in itertools.chain.from_iterable(itertools.combinations(ways, number) for number in (1, 2)):
        await driver.execute("; ".join(f"SET enable_{way} = {'off' if way in barred else 'on'}" for way in ways))
        yield barred
