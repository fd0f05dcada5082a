"""What the application needs from outside.

The docstrings are the contract, and `tests/contracts` holds every adapter to it.
Whatever the cause, an adapter that cannot do its work now raises `UnavailableError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from uuid import UUID

    from todo.application.queries import Page, TaskQuery
    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import Email, Password, TaskId, UserId


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """This moment, in UTC."""


class NewId(Protocol):
    """Where ids come from."""

    def __call__(self) -> UUID:
        """A UUID of version 7 (RFC 9562, section 5.7) that nobody has had before."""


class TaskReader(Protocol):
    """Tasks to look at. Each call is one look at the store, and sees all that was committed before it."""

    async def get(self, owner: UserId, task: TaskId) -> Task:
        """`NotFoundError` if there is none outside the trash, or if it belongs to someone else."""

    async def page(self, owner: UserId, query: TaskQuery) -> Page:
        """The part of the owner's list that the query asks for."""


class TaskRepository(Protocol):
    """The tasks of the one owner whose unit of work this is. Each write takes the owner's next revision.

    `InvalidTokenError` from a write if the owner has no account any more.
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


class UserRepository(Protocol):
    """The account of the one owner whose unit of work this is."""

    async def add(self, user: User) -> None:
        """`EmailTakenError` if another account has the address."""


class UserDirectory(Protocol):
    """Accounts, before it is known whose request it is."""

    async def get(self, user: UserId) -> User | None:
        """The account with this id."""

    async def find_by_email(self, email: Email) -> User | None:
        """The account with exactly this address."""


class UnitOfWork(Protocol):
    """All of what one use case writes, or nothing of it."""

    @property
    def tasks(self) -> TaskRepository:
        """The owner's tasks."""

    @property
    def users(self) -> UserRepository:
        """The owner's account."""

    async def commit(self) -> None:
        """Keep what was written. After this returns it outlives a crash."""


class Store(Protocol):
    """Where tasks and accounts are kept."""

    @property
    def tasks(self) -> TaskReader:
        """Reading tasks."""

    @property
    def users(self) -> UserDirectory:
        """Finding accounts."""

    def unit_of_work(self, owner: UserId) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin to write for this owner; leaving without `commit()` undoes everything.

        The units of work of one owner happen one after another: what is read inside one cannot change
        before it ends. Those of different owners do not wait for each other.
        """

    async def close(self) -> None:
        """Let go of what it holds. Whoever uses it afterwards gets `UnavailableError`."""

    async def check(self) -> None:
        """Return if the store can be used: it is reached, and its schema is the one this code was written for."""


class PasswordHasher(Protocol):
    """Passwords, made safe to keep. Slow on purpose, and never in the way of other requests."""

    async def hash(self, password: Password) -> str:
        """A salted hash that tells how it was made."""

    async def matches(self, password: Password, hashed: str | None) -> bool:
        """Whether this is the password; never, after as long a look, if `hashed` is None."""


class AccessToken(NamedTuple):
    """What a person shows to be let in; `expires_in` is in seconds."""

    text: str
    expires_in: int


class TokenIssuer(Protocol):
    """Makes access tokens."""

    def issue(self, user: UserId) -> AccessToken:
        """A token that says who its bearer is, from now on."""


class TokenVerifier(Protocol):
    """Tells whose a token is."""

    async def verify(self, token: str) -> UserId:
        """The user it was issued to. `InvalidTokenError` whatever else it is, and nothing but that."""
