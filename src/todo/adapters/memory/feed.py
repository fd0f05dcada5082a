"""The feed in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todo.adapters.memory.tasks import tasks_of_account
from todo.application.ports import NO_HORIZON, START, Changes
from todo.application.watches import Watches
from todo.domain.errors import CursorExpiredError
from todo.domain.values import Revision

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from todo.adapters.memory.belongings import Owners
    from todo.application.watches import Watch
    from todo.domain.values import UserId


class MemoryTaskFeed:
    """What changed."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self._watches = Watches()

    async def head(self, owner: UserId) -> Revision:
        tasks_of_account(self._owners[owner])
        return Revision(self._owners[owner].revision)

    async def changes(self, owner: UserId, since: Revision, limit: int, horizon: Revision = NO_HORIZON) -> Changes:
        belongings = self._owners[owner]
        tasks = tasks_of_account(belongings)
        purged = Revision(belongings.purged_revision)
        if since > belongings.revision or (since > START and max(since, horizon) < purged):
            raise CursorExpiredError
        changed = sorted((task for task in tasks.values() if task.revision > since), key=lambda task: task.revision)
        has_more = len(changed) > limit
        until = changed[limit - 1].revision if has_more else Revision(belongings.revision)
        return Changes(changed[:limit], until, has_more, horizon if since > START else purged)

    def watch(self, owner: UserId) -> AbstractContextManager[Watch]:
        return self._watches.watch(owner)

    def announce(self, owner: UserId) -> None:
        """Something of this owner's was committed."""
        self._watches.wake(owner)

    def close(self) -> None:
        self._watches.close()
