"""The store in memory: reading, finding, and units of work."""

from __future__ import annotations

from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from todo.adapters.memory.belongings import Belongings
from todo.adapters.memory.tasks import MemoryTaskReader, MemoryTaskRepository
from todo.adapters.memory.users import MemoryUserDirectory, MemoryUserRepository
from todo.domain.errors import EmailTakenError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.adapters.memory.belongings import Owners
    from todo.domain.values import UserId


class MemoryStore:
    """Where tasks and accounts are kept until the process ends."""

    def __init__(self) -> None:
        self._owners: Owners = defaultdict(Belongings)
        self._is_closed = False
        self.tasks = MemoryTaskReader(self._owners)
        self.users = MemoryUserDirectory(self._owners)

    @asynccontextmanager
    async def unit_of_work(self, owner: UserId) -> AsyncIterator[MemoryUnitOfWork]:
        async with self._owners[owner].turn:
            yield MemoryUnitOfWork(self._owners, owner)

    async def close(self) -> None:
        self._is_closed = True

    async def check(self) -> None:
        if self._is_closed:
            raise UnavailableError


class MemoryUnitOfWork:
    """Works on a copy of what the owner has, which takes the original's place on commit."""

    def __init__(self, owners: Owners, owner: UserId) -> None:
        self._original = owners[owner]
        self._copy = replace(self._original, tasks=dict(self._original.tasks))
        self._directory = MemoryUserDirectory(owners)
        self.tasks = MemoryTaskRepository(self._copy)
        self.users = MemoryUserRepository(self._copy, self._directory)

    async def commit(self) -> None:
        added = self._copy.user if self._original.user is None else None
        if added and added.email and await self._directory.find_by_email(added.email):
            raise EmailTakenError
        self._original.user = self._copy.user
        self._original.revision = self._copy.revision
        self._original.tasks = self._copy.tasks
