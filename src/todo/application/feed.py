"""Following what happens to tasks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from todo.application.ports import NO_HORIZON, Changes
from todo.domain.errors import CursorExpiredError, InvalidTokenError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from todo.application.admission import Caller
    from todo.application.ports import Clock, Store, TaskFeed
    from todo.domain.values import Revision, UserId

PULSE = 15.0
"""Seconds after which a stream gives a sign of life."""
PART = 100
"""As many changes a stream reads at once: one that has far to go, or a slow reader, then holds little memory."""
READS_AT_ONCE = 4
"""As many connections the streams of one process use at most, however many they are: half of the pool."""


class Resync(NamedTuple):
    """What happened up to here cannot be told any more: read everything anew. The stream goes on from here."""

    until: Revision
    horizon: Revision = NO_HORIZON


class FeedService:
    """The changes of an owner's tasks: in parts, or as they come. `pulse` is in seconds."""

    def __init__(self, store: Store, clock: Clock, *, pulse: float = PULSE) -> None:
        self._store = store
        self._clock = clock
        self._pulse = pulse
        self._reads = _SharedReads(store.feed)

    async def changes(self, owner: UserId, since: Revision, limit: int, horizon: Revision = NO_HORIZON) -> Changes:
        """What changed since then. `CursorExpiredError` if that cannot be told any more."""
        return await self._store.feed.changes(owner, since, limit, horizon)

    async def head(self, owner: UserId) -> Revision:
        """Where the owner's changes end at this moment."""
        return await self._store.feed.head(owner)

    async def follow(
        self, caller: Caller, since: Revision, horizon: Revision = NO_HORIZON
    ) -> AsyncGenerator[Changes | Resync, None]:
        """What changed since then, and whatever changes from now on; no changes, when nothing happened for a while.

        Ends when the caller's token expires, when the account is gone or disabled, and when the service stops
        or cannot read what changed.
        """
        time = asyncio.get_running_loop().time
        with self._store.feed.watch(caller.user) as watch:
            is_behind, pulse_at = True, time() + self._pulse
            while (left := (caller.expires_at - self._clock.now()).total_seconds()) > 0:
                happening: Changes | Resync = Changes((), since, has_more=False, horizon=horizon)
                try:
                    if is_behind:
                        happening = await self._read(caller.user, since, horizon)
                    elif (quiet := pulse_at - time()) > 0:
                        is_behind = await watch.wait(min(quiet, left))
                        continue
                except (InvalidTokenError, UnavailableError):
                    return
                is_news = isinstance(happening, Resync) or bool(happening.tasks)
                if is_news or not is_behind:
                    yield happening
                    pulse_at = time() + self._pulse
                since, horizon = happening.until, happening.horizon
                is_behind = isinstance(happening, Resync) or happening.has_more

    async def _read(self, owner: UserId, since: Revision, horizon: Revision) -> Changes | Resync:
        try:
            return await self._reads.changes(owner, since, horizon)
        except CursorExpiredError:
            return Resync(await self._store.feed.head(owner))


class _SharedReads:
    """Reads of the feed on behalf of streams: few at once, and one for all who want to read the same.

    Whoever asks before a read has begun may share it; it sees all that was committed when they asked.
    """

    def __init__(self, feed: TaskFeed) -> None:
        self._feed = feed
        self._places = asyncio.Semaphore(READS_AT_ONCE)
        self._to_come: dict[tuple[UserId, Revision, Revision], asyncio.Task[Changes]] = {}

    async def changes(self, owner: UserId, since: Revision, horizon: Revision) -> Changes:
        """At most a part of what changed since then."""
        key = owner, since, horizon
        read = self._to_come.get(key)
        if read is None:
            read = self._to_come[key] = asyncio.create_task(self._read(key))
            read.add_done_callback(_look_at)
        return await asyncio.shield(read)  # whoever leaves does not take it from the others

    async def _read(self, key: tuple[UserId, Revision, Revision]) -> Changes:
        try:
            _ = await self._places.acquire()
        finally:
            del self._to_come[key]
        try:
            owner, since, horizon = key
            return await self._feed.changes(owner, since, PART, horizon)
        finally:
            self._places.release()


def _look_at(read: asyncio.Task[Changes]) -> None:
    """An error that nobody waits for any more is no fault."""
    if not read.cancelled():
        _ = read.exception()
