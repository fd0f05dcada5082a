"""Waiting for something to happen to an owner's tasks, within this process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from todo.domain.values import UserId


class Watch:
    """One pair of eyes: remembers that there is something to see until it has looked."""

    def __init__(self) -> None:
        self._something = asyncio.Event()
        self._is_woken = False
        self._is_closed = False

    async def wait(self, seconds: float) -> bool:
        """Whether something may have happened since the last wait; False after so many seconds in which nothing did.

        It may be True for nothing. `UnavailableError` once the watch is closed and has told what it still saw.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                _ = await self._something.wait()
        has_seen, self._is_woken = self._is_woken, False
        if self._is_closed and not has_seen:
            raise UnavailableError
        if not self._is_closed:
            self._something.clear()
        return has_seen

    def wake(self) -> None:
        """There is something to see."""
        self._is_woken = True
        self._something.set()

    def close(self) -> None:
        """Nothing will be seen any more."""
        self._is_closed = True
        self._something.set()


class Watches:
    """Who watches whom. A watch costs an entry in here, and nothing that others could need."""

    def __init__(self) -> None:
        self._watches: defaultdict[UserId, set[Watch]] = defaultdict(set)
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether there is nothing to see any more."""
        return self._is_closed

    @property
    def owners(self) -> list[UserId]:
        """Those who are watched."""
        return list(self._watches)

    @contextmanager
    def watch(self, owner: UserId) -> Iterator[Watch]:
        """A watch on this owner, as long as the block lasts."""
        watch = Watch()
        self._watches[owner].add(watch)
        if self._is_closed:
            watch.close()
        try:
            yield watch
        finally:
            self._watches[owner].discard(watch)
            if not self._watches[owner]:
                del self._watches[owner]

    def wake(self, owner: UserId) -> None:
        """Something may have happened to this owner's tasks."""
        for watch in self._watches.get(owner, ()):
            watch.wake()

    def close(self) -> None:
        """End every watch, and each that is still begun."""
        self._is_closed = True
        for watches in self._watches.values():
            for watch in watches:
                watch.close()
