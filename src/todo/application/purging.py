"""Emptying the trash of what has lain there long enough, and forgetting receipts that serve no repeat any more."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from todo.application.tasks import RECEIPTS_KEPT
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from todo.application.ports import Clock, Store
    from todo.domain.values import UserId

START_WITHIN = 120.0
"""Seconds in which the first round begins: not at once, when a service that starts has enough to do."""
ROUND = 3600.0
"""Seconds between two rounds, on the average."""
OWNERS = 100
"""As many owners are found at once."""
TASKS = 500
"""As many tasks are purged in one transaction, so that their owner need not wait long for a turn."""

log = logging.getLogger("todo.purging")


class TrashPurge:
    """Removes for good what lies in the trash for longer than `kept`, and receipts that are out of date.

    Several processes may do so at once: what one has removed, another finds gone.
    """

    def __init__(self, store: Store, clock: Clock, kept: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept
        self._all_done_at = clock.now()
        self.purged = 0
        """Tasks removed so far."""

    @property
    def lag(self) -> timedelta:
        """How long at most something lies there that should have been removed: since the last round that was completed.

        Before the first one, since the service was started.
        """
        return self._clock.now() - self._all_done_at

    async def keep_on(self) -> None:
        """Do a round every hour or so, until cancelled."""
        pause = START_WITHIN
        while True:
            await asyncio.sleep(pause * random.random())  # noqa: S311 - only so that processes are not in step
            pause = 2 * ROUND
            try:
                purged = await self.do_round()
            except UnavailableError:
                log.warning("purge_put_off: the store cannot be used right now")
            except Exception:
                log.exception("purge_failed")  # a fault of ours in one round must not end all that would follow
            else:
                log.info("purged: %d tasks", purged)

    async def do_round(self) -> int:
        """Remove all that has lain there long enough, owner by owner. How many tasks that were."""
        begun = self._clock.now()
        deleted_before = begun - self._kept
        purged = 0
        while owners := await self._store.trash.owners(deleted_before, OWNERS):
            for owner in owners:
                purged += await self._purge(owner, deleted_before)
        await self._forget_receipts(begun - RECEIPTS_KEPT)
        self._all_done_at = begun
        return purged

    async def _purge(self, owner: UserId, deleted_before: datetime) -> int:
        purged = TASKS
        total = 0
        while purged == TASKS:
            async with self._store.unit_of_work(owner) as work:
                purged = await work.tasks.purge_before(deleted_before, TASKS)
                await work.commit()
            total += purged
            self.purged += purged
        return total

    async def _forget_receipts(self, since: datetime) -> None:
        """Whoever sends a key forgets older ones at once: these are of those who sent no further one."""
        while owners := await self._store.receipts.owners(since, OWNERS):
            for owner in owners:
                async with self._store.unit_of_work(owner) as work:
                    _ = await work.receipts.forget(since)
                    await work.commit()
