"""What a test needs, with everything filled in that it does not care about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

import argon2

from todo.adapters.argon2 import Argon2Passwords
from todo.adapters.clock import new_id
from todo.domain.session import Session
from todo.domain.task import Task
from todo.domain.user import User
from todo.domain.values import Email, Name, SessionId, TaskId, Title, UserId

if TYPE_CHECKING:
    from typing import Unpack

    from todo.application.ports import Store
    from todo.domain.values import Description, Due, Priority, Revision, Tags, UserAgent

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

CHEAP_PASSWORDS = Argon2Passwords(argon2.profiles.CHEAPEST)
"""For tests that are not about passwords: hashes in well under a millisecond."""


class StoppedClock:
    """A clock that stands at noon until a test moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def go_on(self, **duration: float) -> datetime:
        """Let time pass, in the words of `timedelta`, and tell the new time."""
        self._now += timedelta(**duration)
        return self._now


class TaskFields(TypedDict, total=False):
    """What a test may want to say about a task."""

    id: TaskId
    title: Title
    description: Description | None
    completed_at: datetime | None
    priority: Priority
    tags: Tags
    due: Due | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    revision: Revision


class UserFields(TypedDict, total=False):
    """What a test may want to say about a user."""

    id: UserId
    email: Email | None
    name: Name | None
    password_hash: str | None
    created_at: datetime
    disabled_at: datetime | None


class SessionFields(TypedDict, total=False):
    """What a test may want to say about a session."""

    id: SessionId
    user_agent: UserAgent | None
    created_at: datetime
    last_used_at: datetime
    generation: int
    revoked_at: datetime | None


def a_task_id() -> TaskId:
    return TaskId(new_id())


def a_session_id() -> SessionId:
    return SessionId(new_id())


def a_user_id() -> UserId:
    return UserId(str(new_id()))


def an_email() -> Email:
    """An address that no other test uses."""
    return Email(f"{new_id().hex}@example.com")


def a_task(owner: UserId | None = None, **fields: Unpack[TaskFields]) -> Task:
    """A task that was never stored, made at noon."""
    usual: TaskFields = {"id": a_task_id(), "title": Title("Buy milk"), "created_at": NOON, "updated_at": NOON}
    return Task(owner=owner or a_user_id(), **(usual | fields))


def a_user(**fields: Unpack[UserFields]) -> User:
    """A user whom nobody has stored yet, with an id and an address of their own."""
    usual: UserFields = {"id": a_user_id(), "email": an_email(), "name": Name("Ada"), "created_at": NOON}
    return User(**(usual | fields))


def a_session(user: UserId, **fields: Unpack[SessionFields]) -> Session:
    """A session that was begun at noon, and not used since."""
    usual: SessionFields = {"id": a_session_id(), "created_at": NOON, "last_used_at": NOON}
    return Session(user=user, **(usual | fields))


async def sign_up(store: Store, **fields: Unpack[UserFields]) -> User:
    """A user whose account is in this store."""
    user = a_user(**fields)
    async with store.unit_of_work(user.id) as work:
        await work.users.add(user)
        await work.commit()
    return user


async def keep(store: Store, task: Task) -> Task:
    """This task as it is once it is stored."""
    async with store.unit_of_work(task.owner) as work:
        kept = await work.tasks.add(task)
        await work.commit()
    return kept


async def keep_change(store: Store, task: Task) -> Task:
    """This task as it is once its change is stored."""
    async with store.unit_of_work(task.owner) as work:
        kept = await work.tasks.update(task)
        await work.commit()
    return kept


async def keep_session(store: Store, session: Session) -> Session:
    """This session, stored."""
    async with store.unit_of_work(session.user) as work:
        await work.sessions.add(session)
        await work.commit()
    return session
