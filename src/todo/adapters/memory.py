"""A store in memory that keeps every promise of the ports: for tests, and to prove that the ports are real."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from todo.application.queries import Page, Position
from todo.domain.errors import EmailTakenError, InvalidTokenError, NotFoundError, StaleError, UnavailableError
from todo.domain.values import Revision

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.application.queries import TaskQuery
    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import Email, TaskId, UserId


@dataclass(slots=True)
class _Belongings:
    """What one owner has."""

    user: User | None = None
    revision: int = 0
    tasks: dict[TaskId, Task] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class MemoryStore:
    """Where tasks and accounts are kept until the process ends."""

    def __init__(self) -> None:
        self._owners: defaultdict[UserId, _Belongings] = defaultdict(_Belongings)
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


class MemoryTaskReader:
    """Tasks to look at."""

    def __init__(self, owners: defaultdict[UserId, _Belongings]) -> None:
        self._owners = owners

    async def get(self, owner: UserId, task: TaskId) -> Task:
        return _outside_trash(self._owners[owner].tasks.get(task))

    async def page(self, owner: UserId, query: TaskQuery) -> Page:
        listed = [task for task in self._owners[owner].tasks.values() if not task.deleted_at]
        listed.sort(key=_position, reverse=True)
        rest = [task for task in listed if query.after is None or _position(task) < query.after]
        page = rest[: query.limit]
        return Page(page, len(listed), _position(page[-1]) if len(rest) > len(page) else None)


class MemoryUserDirectory:
    """Accounts, before it is known whose request it is."""

    def __init__(self, owners: defaultdict[UserId, _Belongings]) -> None:
        self._owners = owners

    async def get(self, user: UserId) -> User | None:
        return self._owners[user].user

    async def find_by_email(self, email: Email) -> User | None:
        return next((one.user for one in self._owners.values() if one.user and one.user.email == email), None)


class MemoryUnitOfWork:
    """Works on a copy of what the owner has, which takes the original's place on commit."""

    def __init__(self, owners: defaultdict[UserId, _Belongings], owner: UserId) -> None:
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


class MemoryTaskRepository:
    """The tasks of one owner, inside a unit of work."""

    def __init__(self, belongings: _Belongings) -> None:
        self._belongings = belongings

    async def get(self, task: TaskId) -> Task:
        return _outside_trash(await self.find(task))

    async def find(self, task: TaskId) -> Task | None:
        return self._belongings.tasks.get(task)

    async def add(self, task: Task) -> Task:
        return self._store(task)

    async def update(self, task: Task) -> Task:
        stored = await self.find(task.id)
        if stored is None:
            raise NotFoundError
        if stored.revision != task.revision:
            raise StaleError(stored)
        return self._store(task)

    def _store(self, task: Task) -> Task:
        if self._belongings.user is None:
            raise InvalidTokenError
        self._belongings.revision += 1
        stored = replace(task, revision=Revision(self._belongings.revision))
        self._belongings.tasks[task.id] = stored
        return stored


class MemoryUserRepository:
    """The account of one owner, inside a unit of work."""

    def __init__(self, belongings: _Belongings, directory: MemoryUserDirectory) -> None:
        self._belongings = belongings
        self._directory = directory

    async def add(self, user: User) -> None:
        if user.email and await self._directory.find_by_email(user.email):
            raise EmailTakenError
        self._belongings.user = user


def _outside_trash(task: Task | None) -> Task:
    if task is None or task.deleted_at:
        raise NotFoundError
    return task


def _position(task: Task) -> Position:
    return Position(task.created_at, task.id)
