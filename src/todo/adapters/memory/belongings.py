"""What the store holds, owner by owner."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from datetime import datetime

    from todo.application.ports import Identity, Receipt
    from todo.domain.session import Session
    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import Email, SessionId, TaskId, UserId


@dataclass(slots=True)
class Belongings:
    """What one owner has."""

    user: User | None = None
    revision: int = 0
    purged_revision: int = 0
    tasks: dict[TaskId, Task] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    receipts: dict[str, tuple[datetime, Receipt]] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def clear(self) -> None:
        """Everything but the turn is gone."""
        self.user, self.revision, self.purged_revision = None, 0, 0
        self.tasks, self.sessions, self.receipts = {}, {}, {}


class Owners:
    """Everyone who was ever asked for, until the store is closed."""

    def __init__(self) -> None:
        self._belongings: dict[UserId, Belongings] | None = {}
        self._identities: dict[tuple[str, str], Identity] = {}

    def __getitem__(self, owner: UserId) -> Belongings:
        return self._open().setdefault(owner, Belongings())

    def find_by_email(self, email: Email) -> User | None:
        """The account with exactly this address."""
        return next((one.user for one in self._open().values() if one.user and one.user.email == email), None)

    @property
    def identities(self) -> dict[tuple[str, str], Identity]:
        """Who someone is, by issuer and subject."""
        self._open()
        return self._identities

    def items(self) -> list[tuple[UserId, Belongings]]:
        """Everyone, with what they have, in the order of their ids."""
        return sorted(self._open().items())

    def check(self) -> None:
        """`UnavailableError` if the store is closed."""
        self._open()

    def close(self) -> None:
        """Forget everyone."""
        self._belongings = None

    def _open(self) -> dict[UserId, Belongings]:
        if self._belongings is None:
            raise UnavailableError
        return self._belongings
