"""A small pool of connections.

Written here because it decides the slowest twentieth of all answers: the connection used last is used
next, so its caches are warm and the others may rest, and one that is given back goes straight to
whoever has waited longest. asyncpg's own pool does neither, and resets a connection by a statement
after each use.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from todo.adapters.postgres.connection import Connection


class Pool:
    """At most `size` connections, made when first needed, and at most `queue` waiters, for `patience` seconds each.

    Who would have to wait longer, or behind more, gets `UnavailableError` instead.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], *, size: int, queue: int = 1000, patience: float = 2.0
    ) -> None:
        self._connect = connect
        self._size = size
        self._queue = queue
        self._patience = patience
        self._idle: list[Connection] = []
        self._opened = 0
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False

    async def acquire(self) -> Connection:
        """A connection that was alive when last heard of. Give it back with `release` or `discard`."""
        while True:
            if self._closed:
                raise UnavailableError
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                self._opened -= 1
            if self._opened < self._size:
                return await self._open()
            given = await self._wait()
            if given is not None:
                return given

    def release(self, connection: Connection) -> None:
        """Take back a connection that is outside any transaction."""
        if self._closed or connection.is_closed():
            self.discard(connection)
        elif not self._give(connection):
            self._idle.append(connection)

    def discard(self, connection: Connection) -> None:
        """Take back a connection that is dead, or in a state nobody can be sure of."""
        connection.terminate()
        self._opened -= 1
        self._give(None)

    async def close(self) -> None:
        """Close every connection that is not in use; the others close when they are given back."""
        self._closed = True
        while self._give(None):
            pass
        while self._idle:
            connection = self._idle.pop()
            self._opened -= 1
            await connection.close()

    async def _open(self) -> Connection:
        self._opened += 1
        try:
            return await self._connect()
        except BaseException:
            self._opened -= 1
            self._give(None)
            raise

    async def _wait(self) -> Connection | None:
        if len(self._waiters) >= self._queue:
            raise UnavailableError
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiters.append(waiter)
        alarm = loop.call_later(self._patience, self._give_up, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                with suppress(ValueError):  # passed over in the meantime
                    self._waiters.remove(waiter)
            elif waiter.exception() is None:
                self._pass_on(waiter.result())
            raise
        finally:
            alarm.cancel()

    def _give_up(self, waiter: asyncio.Future[Connection | None]) -> None:
        if not waiter.done():
            self._waiters.remove(waiter)
            waiter.set_exception(UnavailableError())

    def _pass_on(self, given: Connection | None) -> None:
        if given is None:
            self._give(None)
        else:
            self.release(given)

    def _give(self, connection: Connection | None) -> bool:
        """Hand a connection, or the leave to open one (None), to whoever has waited longest. False if nobody waits."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False
