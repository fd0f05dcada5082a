"""Sessions in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from todo.adapters.memory.tasks import tasks_of_account
from todo.domain.errors import SessionNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.adapters.memory.belongings import Belongings, Owners
    from todo.domain.session import Session
    from todo.domain.values import SessionId, UserId


class MemorySessionDirectory:
    """Sessions to look at."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def owner_of(self, session: SessionId) -> UserId | None:
        return next((owner for owner, one in self._owners.items() if session in one.sessions), None)

    async def of(self, owner: UserId) -> Sequence[Session]:
        belongings = self._owners[owner]
        tasks_of_account(belongings)
        return sorted(belongings.sessions.values(), key=lambda one: (one.created_at, one.id), reverse=True)


class MemorySessionRepository:
    """The sessions of one owner, inside a unit of work."""

    def __init__(self, belongings: Belongings) -> None:
        self._belongings = belongings

    async def get(self, session: SessionId) -> Session:
        try:
            return self._belongings.sessions[session]
        except KeyError as error:
            raise SessionNotFoundError from error

    async def add(self, session: Session) -> None:
        self._keep(session)

    async def update(self, session: Session) -> None:
        stored = await self.get(session.id)
        last_used_at, generation, revoked_at = session.last_used_at, session.generation, session.revoked_at
        self._keep(replace(stored, last_used_at=last_used_at, generation=generation, revoked_at=revoked_at))

    async def revoke_all(self, now: datetime, *, spare: SessionId | None = None) -> None:
        for session in self._belongings.sessions.values():
            if session.id != spare and session.revoked_at is None:
                self._keep(replace(session, revoked_at=now))

    async def forget(self, ended_before: datetime) -> None:
        kept = {one.id: one for one in self._belongings.sessions.values() if one.ends_at >= ended_before}
        self._belongings.sessions = kept

    def _keep(self, session: Session) -> None:
        self._belongings.sessions = {**self._belongings.sessions, session.id: session}
