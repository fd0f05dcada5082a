"""What one can do with tasks: a method is a use case, and a use case that writes is one transaction."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from todo.application.changing import change_in
from todo.application.operations import Change, Create, Delete, Toggle
from todo.application.ports import Outcome
from todo.application.zones import Moment
from todo.domain.errors import IdempotencyMismatchError, InTrashError, NotFoundError, StaleError, TodoError
from todo.domain.task import Task
from todo.domain.values import TaskId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import tzinfo

    from todo.application.operations import Operation, Seen
    from todo.application.ports import Clock, NewId, Once, Store, UnitOfWork
    from todo.application.queries import Page, Stats, TaskQuery
    from todo.domain.task import TaskChanges
    from todo.domain.values import Revision, Title, UserId

RECEIPTS_KEPT = timedelta(hours=24)


class TaskService:
    """Tasks, for their owners.

    `seen`, where a method takes it, holds the revisions that the caller would write over; `StaleError`
    if the task has another one. Without it the write goes on top of whatever is there.

    `once`, where a method takes it, makes a repeated request answer as the first did, for 24 hours;
    `IdempotencyMismatchError` if its key belongs to another request. A refused request uses up no key.

    `NotFoundError` if the owner has no such task outside the trash, `InvalidTokenError` if there is no
    such owner.
    """

    def __init__(self, store: Store, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def get(self, owner: UserId, task_id: TaskId) -> Task:
        """One task."""
        return await self._store.tasks.get(owner, task_id)

    async def page(self, owner: UserId, query: TaskQuery) -> Page:
        """A page of the owner's tasks, or of the trash."""
        return await self._store.tasks.page(owner, query)

    async def revision(self, owner: UserId) -> Revision:
        """That of the owner's last write: as long as it stays, so does every list that no clock changes."""
        return await self._store.feed.head(owner)

    async def stats(self, owner: UserId, moment: Moment) -> Stats:
        """How many tasks there are of each kind."""
        return await self._store.tasks.stats(owner, moment)

    def moment(self, zone: tzinfo) -> Moment:
        """This moment, in the days of a time zone."""
        return Moment(self._clock.now(), zone)

    async def create(
        self,
        owner: UserId,
        title: Title,
        changes: TaskChanges,
        task_id: TaskId | None = None,
        once: Once | None = None,
    ) -> Outcome:
        """Add a task; one that its maker gave an id is added once, however often it is sent.

        `InTrashError` if the owner's trash holds a task with this id.
        """
        if task_id is None and once is None:
            return Outcome((await self._store.add_task(self._new_task(owner, title, changes)),), is_new=True)
        return await self._do(owner, Create(title, changes, task_id), once)

    async def change(self, owner: UserId, task_id: TaskId, changes: TaskChanges, seen: Seen = None) -> Task:
        """Set the fields that `changes` names, and leave the others as they are."""
        return (await self._do(owner, Change(task_id, changes, seen))).task

    async def complete(self, owner: UserId, task_id: TaskId, seen: Seen = None, once: Once | None = None) -> Outcome:
        """Mark as done; a task that is done already stays as it is."""
        return await self._do(owner, Change(task_id, {"completed": True}, seen), once)

    async def reopen(self, owner: UserId, task_id: TaskId, seen: Seen = None, once: Once | None = None) -> Outcome:
        """Mark as not done; a task that is open already stays as it is."""
        return await self._do(owner, Change(task_id, {"completed": False}, seen), once)

    async def toggle(self, owner: UserId, task_id: TaskId, seen: Seen = None) -> Task:
        """Mark as done what is open, and as open what is done."""
        return (await self._do(owner, Toggle(task_id, seen))).task

    async def delete(self, owner: UserId, task_id: TaskId, seen: Seen = None) -> Task:
        """Put into the trash."""
        return (await self._do(owner, Delete(task_id, seen))).task

    async def batch(self, owner: UserId, operations: Sequence[Operation], once: Once | None = None) -> Outcome:
        """Do all of the operations, in their order and as one; or none, with the error of the first that failed.

        The error's `index` tells which that was. An operation finds what those before it have done, also
        the revision.
        """

        async def do_all(work: UnitOfWork) -> Outcome:
            done: list[Task] = []
            for index, operation in enumerate(operations):
                try:
                    done.append((await self._operate(work, owner, operation)).task)
                except (InTrashError, NotFoundError, StaleError) as error:
                    error.index = index
                    raise
            return Outcome(tuple(done))

        try:
            return await self._write(owner, do_all, once)
        except StaleError as error:
            raise await self._with_what_is_there(owner, error) from error

    async def restore(self, owner: UserId, task_id: TaskId, seen: Seen = None, once: Once | None = None) -> Outcome:
        """Take back out of the trash. `NotFoundError` if it is not there."""

        async def take_back(work: UnitOfWork) -> Outcome:
            task = await _in_trash(work, task_id, seen)
            return Outcome((await work.tasks.update(task.restored(self._clock.now())),))

        return await self._write(owner, take_back, once)

    async def purge(self, owner: UserId, task_id: TaskId, seen: Seen = None) -> None:
        """Remove from the trash for good. `NotFoundError` if it is not there."""
        async with self._store.unit_of_work(owner) as work:
            task = await _in_trash(work, task_id, seen)
            await work.tasks.purge(task.id)
            await work.commit()

    async def purge_all(self, owner: UserId) -> None:
        """Remove all that is in the trash for good."""
        async with self._store.unit_of_work(owner) as work:
            await work.tasks.purge_all()
            await work.commit()

    async def _with_what_is_there(self, owner: UserId, error: StaleError) -> TodoError:
        """The error of a batch that is undone: the state that it was refused for may have been the batch's own."""
        refusal: TodoError
        try:
            refusal = StaleError(await self.get(owner, error.current.id))
        except NotFoundError as gone:
            refusal = gone
        refusal.index = error.index
        return refusal

    async def _do(self, owner: UserId, operation: Operation, once: Once | None = None) -> Outcome:
        if once is None and not isinstance(operation, Create):
            change = partial(self._changed, operation)
            return Outcome((await self._store.change_task(owner, operation.task_id, change),))
        return await self._write(owner, lambda work: self._operate(work, owner, operation), once)

    async def _write(
        self, owner: UserId, write: Callable[[UnitOfWork], Awaitable[Outcome]], once: Once | None
    ) -> Outcome:
        now = self._clock.now()
        async with self._store.unit_of_work(owner) as work:
            if once and (receipt := await work.receipts.find(once.key, now - RECEIPTS_KEPT)):
                if receipt.fingerprint != once.fingerprint:
                    raise IdempotencyMismatchError
                return receipt.outcome._replace(is_replayed=True)
            outcome = await write(work)
            if once:
                await work.receipts.add(once, outcome, now, now - RECEIPTS_KEPT)
            await work.commit()
            return outcome

    async def _operate(self, work: UnitOfWork, owner: UserId, operation: Operation) -> Outcome:
        if isinstance(operation, Create):
            return await self._create(work, owner, operation)
        return Outcome((await change_in(work, operation.task_id, partial(self._changed, operation)),))

    async def _create(self, work: UnitOfWork, owner: UserId, operation: Create) -> Outcome:
        title, changes, task_id = operation.title, operation.changes, operation.task_id
        existing = await work.tasks.find(task_id) if task_id else None
        if existing is None:
            new = self._new_task(owner, title, changes, task_id)
            return Outcome((await work.tasks.add(new),), is_new=True)
        if existing.deleted_at:
            raise InTrashError
        return Outcome((existing,))

    def _new_task(self, owner: UserId, title: Title, changes: TaskChanges, task_id: TaskId | None = None) -> Task:
        now = self._clock.now()
        new = Task(id=task_id or TaskId(self._new_id()), owner=owner, title=title, created_at=now, updated_at=now)
        return new.changed(changes, now)

    def _changed(self, operation: Change | Toggle | Delete, task: Task) -> Task:
        if operation.seen is not None and task.revision not in operation.seen:
            raise StaleError(task)
        match operation:
            case Change():
                return task.changed(operation.changes, self._clock.now())
            case Toggle():
                return task.toggled(self._clock.now())
            case Delete():
                return task.deleted(self._clock.now())


async def _in_trash(work: UnitOfWork, task_id: TaskId, seen: Seen) -> Task:
    task = await work.tasks.find(task_id)
    if task is None or not task.deleted_at:
        raise NotFoundError("There is no such task in the trash.")
    if seen is not None and task.revision not in seen:
        raise StaleError(task)
    return task
