"""The store in memory: reading, finding, and units of work."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from todo.adapters.memory.archive import MemoryArchive
from todo.adapters.memory.belongings import Owners
from todo.adapters.memory.feed import MemoryTaskFeed
from todo.adapters.memory.identities import MemoryIdentityDirectory, MemoryIdentityRepository
from todo.adapters.memory.receipts import MemoryReceiptDirectory, MemoryReceiptRepository
from todo.adapters.memory.sessions import MemorySessionDirectory, MemorySessionRepository
from todo.adapters.memory.tasks import MemoryTaskReader, MemoryTaskRepository, MemoryTrashDirectory
from todo.adapters.memory.users import MemoryUserDirectory, MemoryUserRepository
from todo.application.changing import change_in
from todo.domain.errors import EmailTakenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class MemoryStore:
    """Where tasks and accounts are kept until the process ends."""

    def __init__(self) -> None:
        self._owners = Owners()
        self.tasks = MemoryTaskReader(self._owners)
        self.trash = MemoryTrashDirectory(self._owners)
        self.receipts = MemoryReceiptDirectory(self._owners)
        self.users = MemoryUserDirectory(self._owners)
        self.sessions = MemorySessionDirectory(self._owners)
        self.archive = MemoryArchive(self._owners)
        self.identities = MemoryIdentityDirectory(self._owners)
        self.feed = MemoryTaskFeed(self._owners)

    async def add_task(self, task: Task) -> Task:
        async with self.unit_of_work(task.owner) as work:
            stored = await work.tasks.add(task)
            await work.commit()
        return stored

    async def change_task(self, owner: UserId, task: TaskId, change: Callable[[Task], Task]) -> Task:
        async with self.unit_of_work(owner) as work:
            changed = await change_in(work, task, change)
            await work.commit()
        return changed

    @asynccontextmanager
    async def unit_of_work(self, owner: UserId) -> AsyncIterator[MemoryUnitOfWork]:
        async with self._owners[owner].turn:
            yield MemoryUnitOfWork(self._owners, owner, self.feed)

    async def close(self) -> None:
        self.feed.close()
        self._owners.close()

    async def check(self) -> None:
        self._owners.check()


class MemoryUnitOfWork:
    """Works on a copy of what the owner has, which takes the original's place on commit."""

    def __init__(self, owners: Owners, owner: UserId, feed: MemoryTaskFeed) -> None:
        self._owners = owners
        self._owner = owner
        self._feed = feed
        self._original = owners[owner]
        self._copy = replace(self._original, tasks=dict(self._original.tasks))
        self.tasks = MemoryTaskRepository(self._copy)
        self.sessions = MemorySessionRepository(self._copy)
        self.receipts = MemoryReceiptRepository(self._copy)
        self.users = MemoryUserRepository(self._copy, owners)
        self.identities = MemoryIdentityRepository(owner, owners)

    async def commit(self) -> None:
        added = self._copy.user if self._original.user is None else None
        if added and added.email and self._owners.find_by_email(added.email):
            raise EmailTakenError
        self._original.user = self._copy.user
        self._original.revision = self._copy.revision
        self._original.purged_revision = self._copy.purged_revision
        self._original.tasks = self._copy.tasks
        self.identities.commit()
        self._original.receipts = self._copy.receipts
        self._original.sessions = self._copy.sessions
        self._feed.announce(self._owner)
