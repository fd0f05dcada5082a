"""Running the application on a socket until told to stop, and then ending in good order."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
import uvicorn

from todo.entrypoints.connections import Connection
from todo.entrypoints.process import END_STREAMS, WITHDRAW, listen

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import FrameType

NOTICE_SHARE: Final = 0.25
"""The part of the time for stopping in which requests are still accepted, so that load balancers can look away …"""
LONGEST_NOTICE: Final = 15.0
"""… and its limit, in seconds."""

STOP_SOON: Final = signal.SIGTERM
"""Tells a worker to stop, with notice. Twice is the same as once."""
STOP_NOW: Final = signal.SIGUSR1
"""Tells a worker to stop without notice: whoever pressed Ctrl-C sends it no requests."""
STOP_HARD: Final = signal.SIGUSR2
"""Tells a worker to cut off what is under way."""

BACKLOG: Final = 4096
"""Connections that may wait to be accepted."""

_FOR_CLOSING: Final = 1.0  # seconds that are kept for the pool, if there are that many

log = structlog.get_logger("todo.server")


def serve(factory: str, listener: socket.socket, *, seconds: float, announce: Callable[[], None]) -> None:
    """Serve what the factory (`module:function`) makes, in this process, until told to stop.

    SIGTERM withdraws readiness at once and goes on serving for a moment; then, as Ctrl-C does at once, it takes
    no more requests, answers those under way, ends the streams and closes the application: all within `seconds`.
    A second signal cuts off what is under way. `announce` is called when the application can be reached. `PortError`
    if it cannot be.
    """
    Server(configured(factory), seconds, announce).run([listener])


def work(factory: str, listener: socket.socket, seconds: float) -> None:
    """The same in a worker, which is told to stop by the three signals above, and stops when its parent is gone."""
    _Worker(configured(factory), seconds, lambda: None).run([listener])


def configured(application: str | Callable[..., Any]) -> uvicorn.Config:
    """How the application is served; as text it is `module:function`, which makes it."""
    return uvicorn.Config(
        application,
        factory=isinstance(application, str),
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # ours says more, and costs less
        server_header=False,
        proxy_headers=False,  # TODO_TRUSTED_PROXIES says whom to believe
        backlog=BACKLOG,
        timeout_keep_alive=75,  # longer than the 60 seconds of common proxies: they are to hang up first
    )


class Server(uvicorn.Server):
    """Announces itself when it can be reached, and ends in good order."""

    def __init__(self, config: uvicorn.Config, seconds: float, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._seconds = seconds
        self._announce = announce
        self._serves_until = math.inf
        self._ends_at = math.inf

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        for own in sockets or []:
            listen(own, self.config.backlog)
        await super().startup(sockets)
        self._announce()

    def handle_exit(self, sig: int, _: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True
        else:
            self.retire(gives_notice=sig == signal.SIGTERM)

    def retire(self, *, gives_notice: bool) -> None:
        """Begin to stop: be ready no more, and let no connection outlive its next answer."""
        if self.should_exit:
            return
        self.should_exit = True
        now = time.monotonic()
        notice = min(self._seconds * NOTICE_SHARE, LONGEST_NOTICE) if gives_notice and self.started else 0.0
        self._serves_until, self._ends_at = now + notice, now + self._seconds
        farewell = (b"connection", b"close")
        self.config.encoded_headers.append(farewell)
        self.server_state.default_headers = [*self.server_state.default_headers, farewell]
        for connection in self.server_state.connections:
            cast("Connection", connection).retire()
        if self.started:
            self.lifespan.state[WITHDRAW]()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) and (self.force_exit or time.monotonic() >= self._serves_until)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for own in sockets or []:
            own.close()
        self.lifespan.state[END_STREAMS]()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        reserve = min(_FOR_CLOSING, self._seconds / 4)
        while (state.connections or state.tasks) and not self._has_to_end(reserve):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
        if state.tasks or state.connections:
            log.warning("cut_off", requests=len(state.tasks), connections=len(state.connections))
            await self._cut_off()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(reserve, self._ends_at - time.monotonic())):
                await self.lifespan.shutdown()

    def _has_to_end(self, reserve: float) -> bool:
        return self.force_exit or time.monotonic() >= self._ends_at - reserve

    async def _cut_off(self) -> None:
        # The connection first: a request that is cancelled would else be answered as a fault of ours.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait([*tasks, asyncio.create_task(asyncio.sleep(0))], timeout=_FOR_CLOSING / 2)


class _Worker(Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        for number in (STOP_NOW, STOP_HARD):
            signal.signal(number, self.handle_exit)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {STOP_SOON})  # what came before now is heard now
        if parent := multiprocessing.parent_process():
            # Nobody would ever tell it to stop.
            asyncio.get_running_loop().add_reader(parent.sentinel, self._orphaned, parent.sentinel)
        await super().startup(sockets)

    def handle_exit(self, sig: int, _: FrameType | None) -> None:
        self.retire(gives_notice=sig == STOP_SOON)
        if sig == STOP_HARD:
            self.force_exit = True

    def _orphaned(self, sentinel: int) -> None:
        asyncio.get_running_loop().remove_reader(sentinel)
        log.warning("parent_gone")
        self.retire(gives_notice=False)
