"""One connection: prepared statements, and the driver's errors in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg

from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


_DRIVER_ERRORS = (asyncpg.InterfaceError, asyncpg.InternalClientError)


class Connection:
    """A connection to PostgreSQL that prepares each statement once.

    Every error that may pass by itself becomes `UnavailableError`, here and nowhere else. Any other error
    of the driver is a fault of ours and stays as it is.
    """

    __slots__ = ("_driver", "_prepared")

    def __init__(self, driver: asyncpg.Connection[Record]) -> None:
        self._driver = driver
        self._prepared: dict[str, PreparedStatement[Record]] = {}

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        """The rows that the statement returns."""
        sql = statement.sql
        try:
            prepared = self._prepared.get(sql)
            if prepared is None:
                prepared = self._prepared[sql] = await self._driver.prepare(sql)
            return await prepared.fetch(*statement.arguments(values))
        except (*PASSING_ERRORS, *_DRIVER_ERRORS) as error:
            raise self._translated(error) from error

    async def execute(self, script: str) -> None:
        """Run statements that have no parameters and no rows, all in one message."""
        try:
            await self._driver.execute(script)
        except (*PASSING_ERRORS, *_DRIVER_ERRORS) as error:
            raise self._translated(error) from error

    async def listen(self, channel: str, hear: Callable[[str], None]) -> None:
        """Call `hear` with each payload that is sent on the channel (LISTEN)."""
        try:
            await self._driver.add_listener(channel, lambda _connection, _pid, _channel, payload: hear(str(payload)))
        except (*PASSING_ERRORS, *_DRIVER_ERRORS) as error:
            raise self._translated(error) from error

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
