"""Tasks in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from todo.application.queries import Page, Position
from todo.domain.errors import InvalidTokenError, NotFoundError, StaleError
from todo.domain.values import Revision

if TYPE_CHECKING:
    from todo.adapters.memory.belongings import Belongings, Owners
    from todo.application.queries import TaskQuery
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class MemoryTaskReader:
    """Tasks to look at."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def get(self, owner: UserId, task: TaskId) -> Task:
        return _outside_trash(_of_account(self._owners[owner]).get(task))

    async def page(self, owner: UserId, query: TaskQuery) -> Page:
        listed = [task for task in _of_account(self._owners[owner]).values() if not task.deleted_at]
        listed.sort(key=_position, reverse=True)
        rest = [task for task in listed if query.after is None or _position(task) < query.after]
        page = rest[: query.limit]
        return Page(page, len(listed), _position(page[-1]) if len(rest) > len(page) else None)


class MemoryTaskRepository:
    """The tasks of one owner, inside a unit of work."""

    def __init__(self, belongings: Belongings) -> None:
        self._belongings = belongings

    async def get(self, task: TaskId) -> Task:
        return _outside_trash(await self.find(task))

    async def find(self, task: TaskId) -> Task | None:
        return _of_account(self._belongings).get(task)

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
        tasks = _of_account(self._belongings)
        self._belongings.revision += 1
        stored = replace(task, revision=Revision(self._belongings.revision))
        tasks[task.id] = stored
        return stored


def _of_account(belongings: Belongings) -> dict[TaskId, Task]:
    if belongings.user is None:
        raise InvalidTokenError
    return belongings.tasks


def _outside_trash(task: Task | None) -> Task:
    if task is None or task.deleted_at:
        raise NotFoundError
    return task


def _position(task: Task) -> Position:
    return Position(task.created_at, task.id)
