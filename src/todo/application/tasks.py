"""What one can do with tasks: a method is a use case, and a use case that writes is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from todo.domain.errors import InTrashError, StaleError
from todo.domain.task import Task
from todo.domain.values import TaskId

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from todo.application.ports import Clock, NewId, Store
    from todo.application.queries import Page, TaskQuery
    from todo.domain.task import TaskChanges
    from todo.domain.values import Revision, Title, UserId


class Created(NamedTuple):
    """A task, and whether this request made it or found it."""

    task: Task
    is_new: bool


class TaskService:
    """Tasks, for their owners.

    `seen`, where a method takes it, holds the revisions that the caller would write over; `StaleError`
    if the task has another one. Without it the write goes on top of whatever is there.
    `NotFoundError` if the owner has no such task outside the trash.
    """

    def __init__(self, store: Store, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def get(self, owner: UserId, task_id: TaskId) -> Task:
        """One task."""
        return await self._store.tasks.get(owner, task_id)

    async def page(self, owner: UserId, query: TaskQuery) -> Page:
        """A page of the owner's tasks."""
        return await self._store.tasks.page(owner, query)

    async def create(self, owner: UserId, title: Title, changes: TaskChanges, task_id: TaskId | None = None) -> Created:
        """Add a task; one that its maker gave an id is added once, however often it is sent.

        `InTrashError` if the owner's trash holds a task with this id.
        """
        now = self._clock.now()
        task = Task(
            id=task_id or TaskId(self._new_id()), owner=owner, title=title, created_at=now, updated_at=now
        ).changed(changes, now)
        async with self._store.unit_of_work(owner) as work:
            existing = await work.tasks.find(task_id) if task_id else None
            if existing is None:
                stored = await work.tasks.add(task)
                await work.commit()
                return Created(stored, is_new=True)
            if existing.deleted_at:
                raise InTrashError
            return Created(existing, is_new=False)

    async def change(
        self, owner: UserId, task_id: TaskId, changes: TaskChanges, seen: Collection[Revision] | None = None
    ) -> Task:
        """Set the fields that `changes` names, and leave the others as they are."""
        return await self._write(owner, task_id, lambda task: task.changed(changes, self._clock.now()), seen)

    async def complete(self, owner: UserId, task_id: TaskId, seen: Collection[Revision] | None = None) -> Task:
        """Mark as done; a task that is done already stays as it is."""
        return await self.change(owner, task_id, {"completed": True}, seen)

    async def reopen(self, owner: UserId, task_id: TaskId, seen: Collection[Revision] | None = None) -> Task:
        """Mark as not done; a task that is open already stays as it is."""
        return await self.change(owner, task_id, {"completed": False}, seen)

    async def toggle(self, owner: UserId, task_id: TaskId, seen: Collection[Revision] | None = None) -> Task:
        """Mark as done what is open, and as open what is done."""
        return await self._write(owner, task_id, lambda task: task.toggled(self._clock.now()), seen)

    async def delete(self, owner: UserId, task_id: TaskId, seen: Collection[Revision] | None = None) -> Task:
        """Put into the trash."""
        return await self._write(owner, task_id, lambda task: task.deleted(self._clock.now()), seen)

    async def _write(
        self, owner: UserId, task_id: TaskId, change: Callable[[Task], Task], seen: Collection[Revision] | None
    ) -> Task:
        async with self._store.unit_of_work(owner) as work:
            task = await work.tasks.get(task_id)
            if seen is not None and task.revision not in seen:
                raise StaleError(task)
            changed = change(task)
            if changed is task:
                return task
            stored = await work.tasks.update(changed)
            await work.commit()
            return stored
