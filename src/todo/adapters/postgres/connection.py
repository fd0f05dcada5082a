"""One connection: prepared statements, and the driver's errors in our words."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import asyncpg

from todo.adapters.postgres.startup import is_refused_setting, setting_them
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from asyncpg import Record
    from asyncpg.prepared_stmt import PreparedStatement

    from todo.adapters.postgres.statements import Statement

PASSING_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidCachedStatementError,
)
"""What stands between us and the database rather than in a statement, and may pass by itself: refused and
lost connections, time-outs, a full disk, a server that stops, only reads or has just changed its schema, a
lock held too long, and losing against another transaction."""

DRIVER_ERRORS = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver says of a connection that is gone, of one in which it lost its way, and of a wrong call of ours."""

_PATIENCE = 2.0  # seconds, for a sign of life


def may_pass_soon(error: Exception) -> bool:
    """Whether a database that is just starting or waking up answers so to who connects."""
    if isinstance(error, OSError):
        return not isinstance(error, ssl.SSLError | PermissionError) and not lacks_tls(error)
    passing = asyncpg.CannotConnectNowError | asyncpg.PostgresConnectionError | asyncpg.TooManyConnectionsError
    return isinstance(error, passing) and not is_refused_setting(error)


def lacks_tls(error: BaseException) -> bool:
    """Whether the server has no TLS, and the URL insists on it. asyncpg has no class for that."""
    return type(error) is ConnectionError and "rejected SSL" in str(error)


class Connection:
    """A connection to PostgreSQL that prepares each statement once.

    Every error that may pass by itself becomes `UnavailableError`, here and nowhere else. Any other error
    of the driver is a fault of ours and stays as it is.
    """

    __slots__ = ("_driver", "_prepared", "rests_since")

    def __init__(self, driver: asyncpg.Connection[Record]) -> None:
        self._driver = driver
        self._prepared: dict[str, PreparedStatement[Record]] = {}
        self.rests_since = 0.0

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        """The rows that the statement returns."""
        sql = statement.sql
        try:
            prepared = self._prepared.get(sql)
            if prepared is None:
                # Without a name, it would be parsed and planned each time: the driver's own cache is switched off.
                name = f"statement_{len(self._prepared)}"
                prepared = self._prepared[sql] = await self._driver.prepare(sql, name=name)
            return await _run(self._driver, prepared, statement.arguments(values))
        except (*PASSING_ERRORS, *DRIVER_ERRORS) as error:
            raise self._translated(error) from error

    fetch_alone = fetch
    """The same for a statement outside any transaction, which is one by itself."""

    async def begin(self, opening: str) -> None:
        """Begin a transaction, with more statements in the same message."""
        await self.execute(f"BEGIN; {opening}")

    async def execute(self, script: str) -> None:
        """Run statements that have no parameters and no rows, all in one message."""
        try:
            await self._driver.execute(script)
        except (*PASSING_ERRORS, *DRIVER_ERRORS) as error:
            raise self._translated(error) from error

    async def listen(self, channel: str, hear: Callable[[str], None]) -> None:
        """Call `hear` with each payload that is sent on the channel (LISTEN)."""
        try:
            await self._driver.add_listener(channel, lambda _connection, _pid, _channel, payload: hear(str(payload)))
        except (*PASSING_ERRORS, *DRIVER_ERRORS) as error:
            raise self._translated(error) from error

    async def is_alive(self) -> bool:
        """Whether the server still answers. What does not is closed."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._driver.execute("SELECT")
        except (*PASSING_ERRORS, *DRIVER_ERRORS):
            self._driver.terminate()
        return not self._driver.is_closed()

    def is_closed(self) -> bool:
        """Whether either side has closed it."""
        return self._driver.is_closed()

    def terminate(self) -> None:
        """Close it at once, whatever it is doing."""
        self._driver.terminate()

    async def close(self) -> None:
        """Take leave of the server properly, within a second."""
        try:
            await self._driver.close(timeout=1)
        except PASSING_ERRORS:
            self._driver.terminate()

    def _translated(self, error: Exception) -> Exception:
        """`UnavailableError`, if waiting may help; a connection whose statements have outlived the schema is given up.

        Of a connection that is gone the driver says `InterfaceError`, as it does of a wrong call of ours; and it may
        lose its way in one that was cut off in the midst of something.
        """
        if isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.InternalClientError):
            self._driver.terminate()
        if isinstance(error, asyncpg.InterfaceError) and not self._driver.is_closed():
            return error
        return UnavailableError()


def _run(driver: Any, prepared: Any, arguments: Sequence[Any]) -> Awaitable[list[Record]]:
    """What `prepared.fetch(*arguments)` does.

    asyncpg makes eight calls of Python on the way, which look after connections and statements that are gone, as
    `Connection` does by itself. Without them, reading a task takes 4 % less of the service's processor, and the change
    of one 3 %. Call `prepared.fetch` to do without.
    """
    return driver._protocol.bind_execute(prepared._state, arguments, "", 0, False, None)  # type: ignore[no-any-return]  # noqa: SLF001


class PooledConnection(Connection):
    """A connection to a transaction pooler, behind which each transaction may come to another session.

    So nothing is prepared, and nothing set, for longer than a transaction: each begins by setting what a
    session of our own has from its start. A statement takes four round trips instead of one.
    """

    __slots__ = ("_begin",)

    def __init__(self, driver: asyncpg.Connection[Record], settings: Mapping[str, str]) -> None:
        super().__init__(driver)
        self._begin = f"BEGIN; {setting_them(settings)}"

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        try:
            return await self._driver.fetch(statement.sql, *statement.arguments(values))
        except (*PASSING_ERRORS, *DRIVER_ERRORS) as error:
            raise self._translated(error) from error

    async def fetch_alone(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        try:
            await self.execute(self._begin)
            rows = await self.fetch(statement, values)
        except Exception:
            await self._roll_back()
            raise
        await self.execute("COMMIT")
        return rows

    async def begin(self, opening: str) -> None:
        await self.execute(f"{self._begin}; {opening}")

    async def _roll_back(self) -> None:
        """What cannot be rolled back is given up, so that nobody goes on in the midst of a transaction."""
        try:
            await self._driver.execute("ROLLBACK")
        except (*PASSING_ERRORS, *DRIVER_ERRORS):
            self._driver.terminate()
