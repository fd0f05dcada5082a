"""The database: where connections come from, and transactions that have an owner."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog
from sqlalchemy import column, select, table

from todo.adapters.postgres.connection import PASSING_ERRORS, Connection
from todo.adapters.postgres.migrate import head
from todo.adapters.postgres.pool import Pool
from todo.adapters.postgres.statements import OWNER_SETTING, Statement
from todo.adapters.postgres.url import connect_arguments, is_pooler
from todo.domain.errors import TodoError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from asyncpg import Record

    from todo.domain.values import UserId

APPLICATION_ROLE = "todo_app"
"""The role that a connection steps down to, if the one that logs in is not bound by row-level security."""

_SCHEMA_REVISION = Statement(select(column("version_num")).select_from(table("alembic_version")))

_TAKE_TURN = f"SELECT FROM users WHERE id = current_setting('{OWNER_SETTING}') FOR NO KEY UPDATE"

_LIMITS = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}

log = structlog.get_logger("todo.postgres")


class Database:
    """One PostgreSQL database, through at most `size` connections of this process.

    A statement may run for 10 seconds and wait 5 of them for a lock.
    """

    def __init__(self, url: str, *, size: int = 8) -> None:
        self._arguments = connect_arguments(url)
        self.can_listen = not is_pooler(url)
        self._pool = Pool(self._connect, size=size)
        self._role: str | None = None

    async def close(self) -> None:
        """Close the connections. Whoever still asks for one gets `UnavailableError`."""
        await self._pool.close()

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        """The rows of one statement that needs no transaction around it."""
        connection = await self._pool.acquire()
        try:
            rows = await connection.fetch(statement, values)
        except Exception:
            self._pool.release(connection)
            raise
        except BaseException:
            self._pool.discard(connection)
            raise
        self._pool.release(connection)
        return rows

    async def check(self) -> None:
        """Return if the database is reached and has the schema of this version; else `UnavailableError`."""
        try:
            rows = await self.fetch(_SCHEMA_REVISION, {})
        except asyncpg.UndefinedTableError as error:
            raise UnavailableError from error
        if [row["version_num"] for row in rows] != [head()]:
            raise UnavailableError

    @asynccontextmanager
    async def transaction(self, owner: UserId) -> AsyncIterator[Transaction]:
        """A transaction that sees the owner's rows only, and holds the owner's turn to write until its end.

        Undone unless it is committed.
        """
        connection = await self._pool.acquire()
        is_sound = False
        try:
            await connection.execute(_opening(owner))
            transaction = Transaction(connection)
            try:
                yield transaction
            except TodoError:
                await transaction.roll_back()
                is_sound = True
                raise
            await transaction.roll_back()
            is_sound = True
        finally:
            if is_sound:
                self._pool.release(connection)
            else:
                self._pool.discard(connection)

    async def listen(self, channel: str, hear: Callable[[str], None]) -> Connection:
        """A connection beside the pool, that hears what others say on the channel. Terminate it in the end."""
        connection = await self._connect()
        try:
            await connection.listen(channel, hear)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _connect(self) -> Connection:
        try:
            if self._role is None:
                self._role = await self._role_to_take()
            role = {"role": self._role} if self._role else {}
            return Connection(await self._log_in(_LIMITS | role))
        except (*PASSING_ERRORS, asyncpg.PostgresError) as error:
            log.warning("database_unreachable", error=type(error).__name__)
            raise UnavailableError from error

    async def _role_to_take(self) -> str:
        """The role to step down to; empty if the one that logs in is bound by the policies already."""
        driver = await self._log_in({})
        try:
            unbound = await driver.fetchval(
                "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
            )
        finally:
            await driver.close(timeout=1)
        return APPLICATION_ROLE if unbound else ""

    async def _log_in(self, settings: Mapping[str, str]) -> asyncpg.Connection[Record]:
        named = self._arguments.get("server_settings") or {}
        arguments = {"timeout": 5, "command_timeout": 15} | self._arguments
        return await asyncpg.connect(**arguments | {"server_settings": {**named, **settings}})


class Transaction:
    """A transaction under way."""

    __slots__ = ("_connection", "_is_open")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_open = True

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        """The rows that the statement returns."""
        return await self._connection.fetch(statement, values)

    async def commit(self) -> None:
        """Keep what was written. If this raises, it is not known whether it was kept."""
        await self._connection.execute("COMMIT")
        self._is_open = False

    async def roll_back(self) -> None:
        """Undo what was written, unless it was committed."""
        if self._is_open:
            await self._connection.execute("ROLLBACK")
            self._is_open = False


def _opening(owner: UserId) -> str:
    """One message that begins a transaction, tells the policies whose it is, and waits for the owner's turn."""
    literal = owner.replace("\\", "\\\\").replace("'", "''")
    # a message of several statements takes no parameters, so the owner is quoted here
    return f"BEGIN; SELECT set_config('{OWNER_SETTING}', E'{literal}', true); {_TAKE_TURN}"
