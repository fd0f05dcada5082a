"""The database: where connections come from, and transactions that have an owner."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from sqlalchemy import column, select, table

from todo.adapters.postgres.connector import Connector
from todo.adapters.postgres.migrate import head
from todo.adapters.postgres.pool import Pool
from todo.adapters.postgres.statements import OWNER_SETTING, Statement
from todo.domain.errors import TodoError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from asyncpg import Record

    from todo.adapters.postgres.connection import Connection
    from todo.adapters.postgres.pool import PoolUse
    from todo.adapters.postgres.startup import Pooler
    from todo.domain.values import UserId

_SCHEMA_REVISION = Statement(select(column("version_num")).select_from(table("alembic_version")))

_TAKE_TURN = f"SELECT FROM users WHERE id = current_setting('{OWNER_SETTING}') FOR NO KEY UPDATE"

_CHECK_LIMIT = 2.0  # seconds


class Database:
    """One PostgreSQL database, through at most `size` connections of this process.

    A statement may run for 10 seconds and wait 5 of them for a lock. `is_traced` makes each a span (OpenTelemetry).
    `waited` hears how many seconds it took to get a connection, whenever none was free.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int = 8,
        pooler: Pooler = "auto",
        is_traced: bool = False,
        waited: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._connector = Connector(url, pooler=pooler, is_traced=is_traced)
        self._pool = Pool(self._connector.connect, size=size, waited=waited)

    @property
    def can_listen(self) -> bool:
        """Whether `listen` works: through a transaction pooler it does not."""
        return not self._connector.is_pooled

    @property
    def use(self) -> PoolUse:
        """How its connections are used at this moment."""
        return self._pool.use

    async def close(self) -> None:
        """Close the connections. Whoever still asks for one gets `UnavailableError`."""
        await self._pool.close()

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        """The rows of one statement that needs no transaction around it.

        If the connection turns out to be lost, a statement that only reads is run once more, on a new one.
        """
        connection = await self._pool.acquire()
        may_repeat = not statement.writes
        while True:
            try:
                rows = await connection.fetch_alone(statement, values)
            except Exception:
                if not (may_repeat and connection.is_closed()):
                    self._pool.release(connection)
                    raise
            except BaseException:
                self._pool.discard(connection)
                raise
            else:
                self._pool.release(connection)
                return rows
            may_repeat = False
            connection = await self._pool.replace(connection)

    def lease(self) -> Lease:
        """A connection for several statements, so that whoever needs them stands in line once."""
        return Lease(self._pool)

    async def check(self) -> None:
        """Return if the database is reached within two seconds and has the schema of this version.

        Else `UnavailableError`.
        """
        try:
            async with asyncio.timeout(_CHECK_LIMIT):
                rows = await self.fetch(_SCHEMA_REVISION, {})
        except (asyncpg.UndefinedTableError, TimeoutError) as error:
            raise UnavailableError from error
        if [row["version_num"] for row in rows] != [head()]:
            raise UnavailableError

    @asynccontextmanager
    async def transaction(self, owner: UserId) -> AsyncIterator[Transaction]:
        """A transaction that sees the owner's rows only, and holds the owner's turn to write until its end.

        Undone unless it is committed.
        """
        connection = await self._begin(_opening(owner))
        is_sound = False
        try:
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
        connection = await self._connector.connect()
        try:
            if not self.can_listen:
                raise UnavailableError
            await connection.listen(channel, hear)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _begin(self, opening: str) -> Connection:
        """A connection with a transaction begun. If one turns out to be lost, nothing is: a new one takes its place."""
        connection = await self._pool.acquire()
        may_repeat = True
        while True:
            try:
                await connection.begin(opening)
            except BaseException as error:
                if not (may_repeat and isinstance(error, UnavailableError) and connection.is_closed()):
                    self._pool.discard(connection)
                    raise
            else:
                return connection
            may_repeat = False
            connection = await self._pool.replace(connection)


class Lease:
    """A connection for as long as an `async with` block lasts. Ask for no second one in there: all may be lent.

    Each statement is a transaction by itself, and may come to another session of a pooler than the one before.
    """

    __slots__ = ("_connection", "_is_held", "_pool")

    _connection: Connection

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._is_held = False

    async def __aenter__(self) -> Self:
        self._connection = await self._pool.acquire()
        self._is_held = True
        return self

    async def __aexit__(self, error: type[BaseException] | None, *_: object) -> None:
        if not self._is_held:
            return
        if error is None or issubclass(error, Exception):
            self._pool.release(self._connection)
        else:  # cancelled, in the midst of a statement
            self._pool.discard(self._connection)

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        """The rows of one statement. What is lost on the way is run once more if it only reads, as by the database."""
        try:
            return await self._connection.fetch_alone(statement, values)
        except UnavailableError:
            if statement.writes or not self._connection.is_closed():
                raise
        self._is_held = False  # if there is no new one to be had, the place is given back
        self._connection = await self._pool.replace(self._connection)
        self._is_held = True
        return await self._connection.fetch_alone(statement, values)


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
    """What a transaction begins with: it tells the policies whose it is, and waits for the owner's turn."""
    literal = owner.replace("\\", "\\\\").replace("'", "''")
    # a message of several statements takes no parameters, so the owner is quoted here
    return f"SELECT set_config('{OWNER_SETTING}', E'{literal}', true); {_TAKE_TURN}"
