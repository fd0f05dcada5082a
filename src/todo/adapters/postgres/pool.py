"""A small pool of connections.

Written here because it decides the slowest twentieth of all answers: the connection used last is used
next, so its caches are warm and the others may rest, and one that is given back goes straight to
whoever has waited longest. asyncpg's own pool does neither, and resets a connection by a statement
after each use.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from todo.adapters.postgres.connection import Connection


class PoolUse(NamedTuple):
    """What a pool is doing, and what it could not do so far: hand out a connection, or make one."""

    size: int
    idle: int
    in_use: int
    waiting: int
    refused: int
    failed: int


class Pool:
    """At most `size` connections, made when first needed, and at most `queue` waiters, for `patience` seconds each.

    Who would have to wait longer, or behind more, gets `UnavailableError` instead. `waited` hears of every wait, in
    seconds, by whoever waited. Who gets a connection that has rested for longer than `rest` seconds asks it first
    whether the server is still there: firewalls and serverless databases drop what rests, and do not always say so.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        size: int,
        queue: int = 1000,
        patience: float = 2.0,
        rest: float = 30.0,
        waited: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._connect = connect
        self._size = size
        self._queue = queue
        self._patience = patience
        self._rest = rest
        self._waited = waited
        self._refused = 0
        self._failed = 0
        self._idle: list[Connection] = []
        self._opened = 0
        self._waiters: OrderedDict[asyncio.Future[Connection | None], float] = OrderedDict()  # and until when they wait
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def use(self) -> PoolUse:
        """How it is used at this moment. A connection that is being made counts as in use."""
        idle = len(self._idle)
        return PoolUse(self._size, idle, self._opened - idle, len(self._waiters), self._refused, self._failed)

    async def acquire(self) -> Connection:
        """A connection that was alive when last heard of. Give it back with `release` or `discard`."""
        while True:
            if self._closed:
                raise UnavailableError
            while self._idle:
                connection = self._idle.pop()
                if connection.is_closed():
                    self._opened -= 1
                elif time.monotonic() - connection.rests_since < self._rest or await self._is_alive(connection):
                    return connection
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
            connection.rests_since = time.monotonic()
            self._idle.append(connection)

    def discard(self, connection: Connection) -> None:
        """Take back a connection that is dead, or in a state nobody can be sure of."""
        connection.terminate()
        self._opened -= 1
        self._give(None)

    async def replace(self, connection: Connection) -> Connection:
        """A new connection in the place of one that is dead. If this raises, the place has been given back."""
        connection.terminate()
        self._opened -= 1
        return await self._open()

    async def close(self) -> None:
        """Close every connection that is not in use; the others close when they are given back."""
        self._closed = True
        while self._give(None):
            pass
        while self._idle:
            connection = self._idle.pop()
            self._opened -= 1
            await connection.close()

    async def _is_alive(self, connection: Connection) -> bool:
        """Whether it has outlived its rest. If not, neither have those that rest longer."""
        try:
            if await connection.is_alive():
                return True
        except BaseException:
            self.discard(connection)
            raise
        older, self._idle = self._idle, []
        for dead in (connection, *older):
            self.discard(dead)
        return False

    async def _open(self) -> Connection:
        self._opened += 1
        try:
            return await self._connect()
        except BaseException as error:
            self._failed += isinstance(error, UnavailableError)
            self._opened -= 1
            self._give(None)
            raise

    async def _wait(self) -> Connection | None:
        if len(self._waiters) >= self._queue:
            self._refused += 1
            raise UnavailableError
        begun = time.perf_counter()
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiters[waiter] = until = loop.time() + self._patience
        if self._alarm is None:
            self._alarm = loop.call_at(until, self._give_up)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self._waiters.pop(waiter, None)
            elif waiter.exception() is None:
                self._pass_on(waiter.result())
            raise
        finally:
            self._waited(time.perf_counter() - begun)

    def _give_up(self) -> None:
        """Refuse who has waited too long. All are equally patient, so one alarm serves all: that of the next."""
        loop = asyncio.get_running_loop()
        while self._waiters and next(iter(self._waiters.values())) <= loop.time():
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.done():
                self._refused += 1
                waiter.set_exception(UnavailableError())
        self._alarm = loop.call_at(next(iter(self._waiters.values())), self._give_up) if self._waiters else None

    def _pass_on(self, given: Connection | None) -> None:
        if given is None:
            self._give(None)
        else:
            self.release(given)

    def _give(self, connection: Connection | None) -> bool:
        """Hand a connection, or the leave to open one (None), to whoever is next. False if nobody waits."""
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False
