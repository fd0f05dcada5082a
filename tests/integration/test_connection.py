"""One connection by itself: which of the driver's errors pass, and what is left of it after them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import asyncpg
import pytest
from sqlalchemy import text

from todo.adapters.postgres.connection import Connection, PooledConnection, may_pass_soon
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.url import connect_arguments
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg import Record

CHANGING = Statement(text("SELECT * FROM changing"))
WRONG = Statement(text("SELECT 1 / 0 AS number"))
LIMIT = Statement(text("SELECT current_setting('statement_timeout') AS found"))


@pytest.fixture
async def driver(database_url: str) -> AsyncIterator[asyncpg.Connection[Record]]:
    driver = await asyncpg.connect(**connect_arguments(database_url), statement_cache_size=0)
    yield driver
    await driver.close(timeout=60)


async def test_what_is_closed_is_unavailable_whatever_is_asked_of_it(driver: asyncpg.Connection[Record]) -> None:
    connection = Connection(driver)
    connection.terminate()
    for attempt in (
        connection.fetch(LIMIT, {}),
        connection.begin("SELECT 1"),
        connection.execute("SELECT 1"),
        connection.listen("anything", print),
    ):
        with pytest.raises(UnavailableError):
            await attempt
    assert not await connection.is_alive()


async def test_one_whose_statements_outlived_the_schema_is_given_up(driver: asyncpg.Connection[Record]) -> None:
    connection = Connection(driver)
    await connection.execute("CREATE TEMPORARY TABLE changing (number int)")
    assert await connection.fetch(CHANGING, {}) == []
    await connection.execute("ALTER TABLE changing ALTER number TYPE text")
    with pytest.raises(UnavailableError):
        await connection.fetch(CHANGING, {})
    assert connection.is_closed()


async def test_a_fault_of_ours_stays_one_and_costs_no_connection(driver: asyncpg.Connection[Record]) -> None:
    connection = Connection(driver)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await connection.fetch(WRONG, {})
    assert await connection.is_alive()


async def test_a_transaction_of_its_own_is_over_after_a_refusal_too(driver: asyncpg.Connection[Record]) -> None:
    connection = PooledConnection(driver, {"statement_timeout": "54321ms"})
    for _ in range(2):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await connection.fetch_alone(WRONG, {})
        assert not driver.is_in_transaction()
        assert (await connection.fetch_alone(LIMIT, {}))[0]["found"] == "54321ms"
    assert (await connection.fetch(LIMIT, {}))[0]["found"] != "54321ms"


async def test_a_transaction_of_its_own_that_does_not_end_costs_the_connection(
    driver: asyncpg.Connection[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = asyncpg.Connection.execute

    async def late(self: asyncpg.Connection[Record], query: str, *arguments: object) -> str:
        if query == "ROLLBACK":
            raise TimeoutError
        return await execute(self, query, *arguments)

    monkeypatch.setattr(asyncpg.Connection, "execute", late)
    connection = PooledConnection(driver, {})
    with pytest.raises(asyncpg.DivisionByZeroError):
        await connection.fetch_alone(WRONG, {})
    assert connection.is_closed()


async def test_one_that_cannot_listen_is_not_left_open(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database, made = Database(database_url), list[Connection]()
    connect = database._connector.connect

    async def noted() -> Connection:
        made.append(await connect())
        return made[-1]

    monkeypatch.setattr(database._connector, "connect", noted)
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await database.listen("", print)
    assert [connection.is_closed() for connection in made] == [True]
    await database.close()


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (ConnectionRefusedError(), True),
        (ConnectionResetError(), True),
        (FileNotFoundError(), True),
        (asyncpg.CannotConnectNowError("the database system is starting up"), True),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), True),
        (asyncpg.ProtocolViolationError("server conn crashed?"), True),
        (asyncpg.ProtocolViolationError("unsupported startup parameter: options"), False),
        (asyncpg.InvalidPasswordError("password authentication failed"), False),
        (asyncpg.InvalidCatalogNameError("database does not exist"), False),
        (ConnectionError("PostgreSQL server rejected SSL upgrade"), False),
        (PermissionError(), False),
        (ssl.SSLCertVerificationError(), False),
        (ValueError(), False),
    ],
    ids=repr,
)
def test_what_is_told_to_who_connects_may_pass_or_not(error: Exception, *, may_pass: bool) -> None:
    assert may_pass_soon(error) is may_pass
