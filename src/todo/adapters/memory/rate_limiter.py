"""Limits counted in the memory of one process."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from todo.application.ports import Hits

if TYPE_CHECKING:
    from todo.application.ports import Clock, RateLimit


class MemoryRateLimiter:
    """Remembers at most so many keys of each limit: the one whose window began first is forgotten for a new one.

    The windows of one limit are equally long and end in the order in which they began, so those that are
    over are found in front. The memory storage of `limits` looks at every key on every hit instead.
    """

    def __init__(self, clock: Clock, *, keys: int = 50_000) -> None:
        self._clock = clock
        self._keys = keys
        self._windows: defaultdict[str, dict[str, tuple[int, float]]] = defaultdict(dict)

    async def hit(self, limit: RateLimit, key: str, times: int = 1) -> Hits:
        now, length = self._clock.now().timestamp(), limit.seconds
        windows = self._windows[limit.name]
        count, end = windows.get(key, (0, now))
        if not now < end <= now + 2 * length:  # one that ends later was begun by a clock that was put back since
            windows.pop(key, None)
            self._make_room(windows, now)
            count, end = 0, now + length
        windows[key] = (count + times, end)
        return Hits(count + times, end - now)

    async def close(self) -> None:
        self._windows.clear()

    def _make_room(self, windows: dict[str, tuple[int, float]], now: float) -> None:
        """Two at a time: more than come in, so that what is over is gone soon, and nobody waits for it."""
        for _ in range(2):
            oldest = next(iter(windows), None)
            if oldest is not None and (windows[oldest][1] <= now or len(windows) >= self._keys):
                del windows[oldest]
