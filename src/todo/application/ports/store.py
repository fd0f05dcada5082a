"""The store as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from todo.application.ports.accounts import UserDirectory, UserRepository
    from todo.application.ports.archive import Archive
    from todo.application.ports.feed import TaskFeed
    from todo.application.ports.identities import IdentityDirectory, IdentityRepository
    from todo.application.ports.receipts import ReceiptDirectory, ReceiptRepository
    from todo.application.ports.sessions import SessionDirectory, SessionRepository
    from todo.application.ports.tasks import TaskReader, TaskRepository
    from todo.application.ports.trash import TrashDirectory
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class UnitOfWork(Protocol):
    """All of what one use case writes, or nothing of it."""

    @property
    def tasks(self) -> TaskRepository:
        """The owner's tasks."""

    @property
    def receipts(self) -> ReceiptRepository:
        """What was done under which key."""

    @property
    def users(self) -> UserRepository:
        """The owner's account."""

    @property
    def identities(self) -> IdentityRepository:
        """Who the owner is to other issuers."""

    @property
    def sessions(self) -> SessionRepository:
        """Where the owner is logged in."""

    async def commit(self) -> None:
        """Keep what was written. After this returns it outlives a crash."""


class Store(Protocol):
    """Where tasks and accounts are kept."""

    @property
    def tasks(self) -> TaskReader:
        """Reading tasks."""

    @property
    def feed(self) -> TaskFeed:
        """What changed."""

    @property
    def users(self) -> UserDirectory:
        """Finding accounts."""

    @property
    def identities(self) -> IdentityDirectory:
        """Finding out who someone from another issuer is."""

    @property
    def sessions(self) -> SessionDirectory:
        """Finding sessions."""

    @property
    def archive(self) -> Archive:
        """All that an owner has."""

    @property
    def trash(self) -> TrashDirectory:
        """Finding trash."""

    @property
    def receipts(self) -> ReceiptDirectory:
        """Finding receipts."""

    async def add_task(self, task: Task) -> Task:
        """Add a task, whose id its owner has not used yet, as a unit of work of its own; return it with its revision.

        `InvalidTokenError` if the owner has no account (any more).
        """

    async def change_task(self, owner: UserId, task: TaskId, change: Callable[[Task], Task]) -> Task:
        """Store what `change` makes of a task, as a unit of work of its own; return it with its revision.

        If that is the very task it was given, nothing is stored; nor is it if `change` raises, and what it raises is
        raised. If another write gets in between, `change` is called again, in the owner's turn, with what that one has
        left. `NotFoundError` if the owner has no such task outside the trash, `InvalidTokenError` if the owner has no
        account (any more).
        """

    def unit_of_work(self, owner: UserId) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin to write for this owner; leaving without `commit()` undoes everything.

        The units of work of one owner happen one after another: what is read inside one cannot change
        before it ends. Those of different owners do not wait for each other.
        """

    async def close(self) -> None:
        """Let go of what it holds. Whoever uses it afterwards gets `UnavailableError`."""

    async def check(self) -> None:
        """Return if the store can be used: it is reached, and its schema is the one this code was written for."""
