"""Where tasks are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from todo.application.queries import Page, Stats, TaskQuery
    from todo.application.zones import Moment
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class TaskReader(Protocol):
    """Tasks to look at. Each call is one look at the store, and sees all that was committed before it.

    `InvalidTokenError` if the owner has no account (any more).
    """

    async def get(self, owner: UserId, task: TaskId) -> Task:
        """`NotFoundError` if there is none outside the trash, or if it belongs to someone else."""

    async def page(self, owner: UserId, query: TaskQuery) -> Page:
        """The part of the owner's list that the query asks for."""

    async def stats(self, owner: UserId, moment: Moment) -> Stats:
        """How many tasks the owner has outside the trash; "today" and "overdue" are meant as of this moment."""


class TaskRepository(Protocol):
    """The tasks of the one owner whose unit of work this is. Each write takes the owner's next revision.

    `InvalidTokenError` if the owner has no account (any more).
    """

    async def get(self, task: TaskId) -> Task:
        """`NotFoundError` if there is none outside the trash, or if it belongs to someone else."""

    async def find(self, task: TaskId) -> Task | None:
        """The task with this id, in the trash or not; None if the owner has none."""

    async def add(self, task: Task) -> Task:
        """Store a task whose id the owner has not used yet, and return it with its revision."""

    async def update(self, task: Task) -> Task:
        """Store the change and return it with its revision.

        `StaleError` if the stored revision is no longer `task.revision`.
        """

    async def purge(self, task: TaskId) -> None:
        """Remove a task from the trash for good. `NotFoundError` if it is not there.

        Takes no revision: readers of the feed learnt of it when it went to the trash. The feed turns away
        (`CursorExpiredError`) those who did not come as far.
        """

    async def purge_all(self) -> None:
        """Remove all that is in the trash for good, be it nothing; else as `purge`."""

    async def purge_before(self, deleted_before: datetime, limit: int) -> int:
        """Remove what is in the trash since before this time for good, at most `limit` tasks, the oldest first.

        How many there were. Else as `purge`, but for disabled accounts too, and for none.
        """
