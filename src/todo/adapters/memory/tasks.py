"""Tasks in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todo.adapters.memory.task_lists import page_of, stats_of
from todo.domain.errors import InvalidTokenError, NotFoundError, StaleError
from todo.domain.values import Revision

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.adapters.memory.belongings import Belongings, Owners
    from todo.application.queries import Page, Stats, TaskQuery
    from todo.application.zones import Moment
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class MemoryTaskReader:
    """Tasks to look at."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def get(self, owner: UserId, task: TaskId) -> Task:
        return _outside_trash(tasks_of_account(self._owners[owner]).get(task))

    async def page(self, owner: UserId, query: TaskQuery) -> Page:
        belongings = self._owners[owner]
        return page_of(tasks_of_account(belongings).values(), query, belongings.revision)

    async def stats(self, owner: UserId, moment: Moment) -> Stats:
        tasks = tasks_of_account(self._owners[owner]).values()
        return stats_of([task for task in tasks if not task.deleted_at], moment)


class MemoryTaskRepository:
    """The tasks of one owner, inside a unit of work."""

    def __init__(self, belongings: Belongings) -> None:
        self._belongings = belongings

    async def get(self, task: TaskId) -> Task:
        return _outside_trash(await self.find(task))

    async def find(self, task: TaskId) -> Task | None:
        return tasks_of_account(self._belongings).get(task)

    async def add(self, task: Task) -> Task:
        return self._store(task)

    async def update(self, task: Task) -> Task:
        stored = await self.find(task.id)
        if stored is None:
            raise NotFoundError
        if stored.revision != task.revision:
            raise StaleError(stored)
        return self._store(task)

    async def purge(self, task: TaskId) -> None:
        stored = await self.find(task)
        if stored is None or not stored.deleted_at:
            raise NotFoundError
        self._purge(stored)

    async def purge_all(self) -> None:
        for task in [*tasks_of_account(self._belongings).values()]:
            if task.deleted_at:
                self._purge(task)

    async def purge_before(self, deleted_before: datetime, limit: int) -> int:
        old = sorted(
            (task.deleted_at, task.id, task)
            for task in self._belongings.tasks.values()
            if task.deleted_at and task.deleted_at < deleted_before
        )[:limit]
        for _, _, task in old:
            self._purge(task)
        return len(old)

    def _purge(self, task: Task) -> None:
        del self._belongings.tasks[task.id]
        self._belongings.purged_revision = max(self._belongings.purged_revision, task.revision)

    def _store(self, task: Task) -> Task:
        tasks = tasks_of_account(self._belongings)
        self._belongings.revision += 1
        stored = task._replace(revision=Revision(self._belongings.revision))
        tasks[task.id] = stored
        return stored


class MemoryTrashDirectory:
    """Trash, of all owners."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def owners(self, deleted_before: datetime, limit: int) -> Sequence[UserId]:
        oldest = {
            owner: min(task.deleted_at for task in belongings.tasks.values() if task.deleted_at)
            for owner, belongings in self._owners.items()
            if any(task.deleted_at for task in belongings.tasks.values())
        }
        return sorted((owner for owner in oldest if oldest[owner] < deleted_before), key=oldest.__getitem__)[:limit]


def tasks_of_account(belongings: Belongings) -> dict[TaskId, Task]:
    if belongings.user is None or belongings.user.disabled_at:
        raise InvalidTokenError
    return belongings.tasks


def _outside_trash(task: Task | None) -> Task:
    if task is None or task.deleted_at:
        raise NotFoundError
    return task
