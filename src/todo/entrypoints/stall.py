"""Clients that ask, and then do not take the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    import asyncio

STALLED_AFTER: Final = 60.0
"""Seconds after which a client that takes none of its answer is given up."""

log = structlog.get_logger("todo.http")


class Stall:
    """Ends a connection whose client has taken nothing of what waits for it since it was last looked at."""

    __slots__ = ("_loop", "_timer", "_transport")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Look again later: more waits than may."""
        waiting = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(STALLED_AFTER, self._look_again, waiting)

    def over(self) -> None:
        """Look no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _look_again(self, waiting: int) -> None:
        left = self._transport.get_write_buffer_size()
        if left < waiting:
            self.watch()
        else:
            log.info("stalled", bytes=left)
            self._transport.abort()
