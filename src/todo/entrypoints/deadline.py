"""A moment that is put off far more often than it comes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Deadline:
    """Calls `passed` when it comes, unless it is put off or lifted before.

    Putting it off is an assignment: only when the timer rings is it seen whether it rings too early. A timer of the
    loop for each request, set and cancelled, takes ten times as long.
    """

    __slots__ = ("_at", "_loop", "_passed", "_rings_at", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._passed = passed
        self._at = self._rings_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Let it come so many seconds from now, and not before."""
        self._at = self._loop.time() + seconds
        if self._at < self._rings_at:
            if self._timer:
                self._timer.cancel()
            self._ring_at(self._at)

    def lift(self) -> None:
        """Let it not come until it is set again."""
        self._at = math.inf

    def close(self) -> None:
        """Lift it for good."""
        self._at = math.inf
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _ring_at(self, moment: float) -> None:
        self._rings_at = moment
        self._timer = self._loop.call_at(moment, self._ring)

    def _ring(self) -> None:
        self._timer, self._rings_at = None, math.inf
        if self._loop.time() < self._at < math.inf:
            self._ring_at(self._at)
        elif self._at < math.inf:
            self._at = math.inf
            self._passed()
