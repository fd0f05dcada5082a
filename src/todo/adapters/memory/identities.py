"""Identities in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todo.application.ports.identities import BURIED_FOR, Identity, Subject, mark_of
from todo.domain.user import User
from todo.domain.values import UserId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.adapters.memory.belongings import Owners


class MemoryIdentityDirectory:
    """Identities, before it is known whose request it is."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def find(self, issuer: str, subject: str) -> Identity | None:
        return self._owners.identities.get((issuer, subject))

    async def of(self, user: UserId) -> Sequence[Subject]:
        return sorted(Subject(*key) for key, identity in self._owners.identities.items() if identity.user == user)

    async def provision(
        self, issuer: str, subject: str, *, issued_at: datetime, fresh_id: UserId, now: datetime
    ) -> Identity:
        identities = self._owners.identities
        known = identities.get((issuer, subject), Identity(None))
        if known.user or (known.ended_at and issued_at <= known.ended_at):
            return known
        is_taken = (
            self._owners[UserId(subject)].user is not None
            or any(other == subject for _, other in identities)
            or mark_of(subject) in identities
        )
        user = User(id=fresh_id if is_taken else UserId(subject), created_at=now)
        self._owners[user.id].user = user
        identities[issuer, subject] = known._replace(user=user.id)
        return identities[issuer, subject]


class MemoryIdentityRepository:
    """The identities of one owner, inside a unit of work."""

    def __init__(self, owner: UserId, owners: Owners) -> None:
        self._owner = owner
        self._owners = owners
        self._buried_at: datetime | None = None

    async def bury(self, now: datetime) -> None:
        self._buried_at = now

    def commit(self) -> None:
        """Make it so for everyone."""
        if self._buried_at is None:
            return
        identities = self._owners.identities
        if all(identity.user != self._owner for identity in identities.values()):
            identities[mark_of(self._owner)] = Identity(None, self._buried_at)
        for key, identity in list(identities.items()):
            if identity.user == self._owner:
                identities[key] = Identity(None, self._buried_at)
            elif identity.user is None and identity.ended_at and identity.ended_at < self._buried_at - BURIED_FOR:
                del identities[key]
