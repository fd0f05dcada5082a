"""What a request costs, in what is the same on every machine: round trips, pages of tables, and calls of Python.

The tasks are those of `make bench`, which measures what is not: requests per second.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import pytest

import benchmarks
from benchmarks import data, operations
from tests.containers import postgres_container
from tests.integration.servers import connected, new_database
from todo.adapters.postgres.connection import Connection
from todo.adapters.postgres.migrate import migrate
from todo.adapters.postgres.roles import APPLICATION_ROLE
from todo.adapters.postgres.signatures import signature_of
from todo.adapters.postgres.statements import OWNER_SETTING, Statement
from todo.domain.values import SessionId, UserId, searched_text
from todo.entrypoints.http.app import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from types import FrameType

    from fastapi import FastAPI

USER = 7
FEW, MANY = 20, 160
"""Users with 500 tasks each."""


class Cost(NamedTuple):
    """What a request may cost: messages to the database, pages touched there, and calls of Python functions."""

    messages: int
    pages: int
    calls: int


# Calls are limited with some room, for other versions of Python and of what is called.
COSTS = {
    "get": Cost(1, 15, 155),
    "list": Cost(1, 75, 410),
    "filter": Cost(1, 260, 380),
    "search": Cost(1, 260, 395),
    "create": Cost(1, 45, 235),
    "patch": Cost(2, 60, 235),
    "complete": Cost(2, 60, 225),
    "feed": Cost(1, 75, 445),
}


Wire = list[tuple[str, tuple[Any, ...]]]
"""The statements that connections have sent, each with its parameters, since it was last cleared."""


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    sent: Wire = []
    execute, fetch = Connection.execute, Connection.fetch

    async def execute_and_note(self: Connection, script: str) -> None:
        sent.append((script, ()))
        await execute(self, script)

    async def fetch_and_note(self: Connection, statement: Statement, values: Mapping[str, Any]) -> Any:
        if "pg_notify" not in statement.sql:  # sent beside the requests, one for many
            sent.append((statement.sql, tuple(statement.arguments(values))))
        return await fetch(self, statement, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "execute", execute_and_note)
        patch.setattr(Connection, "fetch", fetch_and_note)
        patch.setattr(Connection, "fetch_alone", fetch_and_note)
        yield sent


class Filled(NamedTuple):
    """The service, on a database with this many users."""

    url: str
    app: FastAPI
    token: str

    async def ask(self, operation: str, number: int) -> None:
        """Send one request of this kind, as the benchmark does."""
        requests = operations.Requests(operation, [USER], [self.token], number)
        head, _, body = requests.next().partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split()
        path, _, query = target.partition("?")
        headers = [
            (name.lower().encode(), value.encode()) for name, _, value in (line.partition(": ") for line in lines)
        ]
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": headers,
            "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
        }  # fmt: skip
        await self.app(scope, receive, send)
        assert status in (200, 201), operation


@pytest.fixture(scope="module")
async def few(server_url: str) -> AsyncIterator[Filled]:
    async with new_database(server_url) as url:
        async for filled in _filled(url, FEW):
            yield filled


@pytest.fixture(scope="module")
async def many(server_url: str) -> AsyncIterator[Filled]:
    async with new_database(server_url) as url:
        async for filled in _filled(url, MANY):
            yield filled


async def _filled(url: str, users: int) -> AsyncIterator[Filled]:
    await migrate(url)
    async with connected(url) as admin:
        await admin.execute(_script("functions"))
        await admin.execute(data.seed_script(0, users))
        await admin.execute(_script("repair"))
        await admin.execute("CHECKPOINT")  # what is not on the disk yet is not taken for visible to everyone
        await admin.execute("VACUUM ANALYZE tasks, users")
    container = postgres_container(url)
    token = container.token_issuer().issue(UserId(data.user_id(USER)), SessionId(UUID(int=4)))
    yield Filled(url, create_app(container), token.text)
    await container.store().close()


def _script(name: str) -> str:
    return Path(benchmarks.__path__[0], f"{name}.sql").read_text()


@pytest.fixture(params=COSTS)
def operation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_the_seed_is_as_the_service_would_have_left_it(few: Filled) -> None:
    async with connected(few.url) as admin:
        assert await admin.fetchval("SELECT count(*) FROM users") == FEW
        wrong = "SELECT count(*) FROM users WHERE (revision, open_tasks, completed_tasks) <> (500, 200, 300)"
        assert await admin.fetchval(wrong) == 0
        assert str(await admin.fetchval("SELECT bench_task(7, 499)")) == data.task_id(7, 499)
        assert await admin.fetchval("SELECT bench_user(7)") == data.user_id(7)
        done = "SELECT count(*) FROM tasks WHERE owner_id = $1 AND id = ANY($2) AND (completed_at IS NULL) = $3"
        for tasks, is_open in ((data.open_tasks(7), True), (data.completed_tasks(7), False)):
            ids = [data.task_id(7, task) for task in tasks]
            assert await admin.fetchval(done, data.user_id(7), ids, is_open) == len(tasks)
        for row in await admin.fetch("SELECT title, description, search, signature FROM tasks"):
            assert row["search"] == searched_text(row["title"], row["description"])
            assert row["signature"] == signature_of(row["search"])


async def test_a_request_takes_no_more_round_trips_than_it_must(few: Filled, wire: Wire, operation: str) -> None:
    await few.ask(operation, 0)
    wire.clear()
    await few.ask(operation, 1)
    assert len(wire) == COSTS[operation].messages, wire


async def test_a_request_touches_as_few_pages_in_a_large_table_as_in_a_small_one(
    few: Filled, many: Filled, wire: Wire, operation: str
) -> None:
    small, large = [await _pages(filled, wire, operation) for filled in (few, many)]
    a_level = 20  # of all the indexes that a write looks into
    assert large <= small * 1.3 + a_level
    assert large <= COSTS[operation].pages


async def test_a_request_makes_no_more_calls_than_it_should(few: Filled, operation: str) -> None:
    for number in range(2, 6):
        await few.ask(operation, number)
    calls, mine = 0, (asyncio.current_task(), None)

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        if event == "call" and asyncio.current_task() in mine:  # hints to other processes are sent by another
            calls += _is_counted(frame.f_code.co_filename)

    sys.setprofile(count)
    try:
        await few.ask(operation, 6)
    finally:
        sys.setprofile(None)
    assert calls <= COSTS[operation].calls


def _is_counted(path: str) -> bool:
    """Whether a function in this file is ours or of a package; the event loop's own steps vary."""
    return "/src/todo/" in path or "site-packages" in path


async def _pages(filled: Filled, wire: Wire, operation: str) -> int:
    """The pages that the database touches for one request, in memory or not."""
    number = 10
    async with connected(filled.url) as admin:
        before = {row["id"]: row["revision"] for row in await admin.fetch(_REVISIONS, data.user_id(USER))}
        await filled.ask(operation, number - 1)
        wire.clear()
        await filled.ask(operation, number)
        sent = list(wire)
        if operation in operations.WRITES:  # the statements are to find all as it was, and be carried out once more
            for task, revision in before.items():
                await admin.execute("UPDATE tasks SET revision = $2 WHERE id = $1 AND revision <> $2", task, revision)
            await admin.execute(_script("repair"))
    pages, plan = 0, ""
    async with connected(filled.url) as driver:
        await driver.execute(f"SET ROLE {APPLICATION_ROLE}")
        for sql, arguments in sent:
            for _ in range(2):  # the first time it reads the catalogue, too
                attempt = driver.transaction()
                await attempt.start()
                if "me.owner" not in sql:
                    await driver.execute("SELECT set_config($1, $2, true)", OWNER_SETTING, data.user_id(USER))
                plan = await driver.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *arguments)
                await attempt.rollback()
            whole = json.loads(plan)[0]["Plan"]
            assert whole["Actual Rows"] >= 1, sql
            pages += whole["Shared Hit Blocks"] + whole["Shared Read Blocks"]
    return int(pages)


_REVISIONS = "SELECT id, revision FROM tasks WHERE owner_id = $1 AND created_at < '2026-01-01Z'"
