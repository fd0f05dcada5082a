"""Where sessions are kept, and what their bearers show."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.domain.session import Session
    from todo.domain.values import SessionId, UserId


class SessionRepository(Protocol):
    """The sessions of the one owner whose unit of work this is."""

    async def get(self, session: SessionId) -> Session:
        """`SessionNotFoundError` if there is none, or if it belongs to someone else."""

    async def add(self, session: Session) -> None:
        """Store a session that the owner has not had before. The owner has an account."""

    async def update(self, session: Session) -> None:
        """Store when it was last used and revoked, and its generation. Nothing else of it changes.

        `SessionNotFoundError` if there is none, or if it belongs to someone else.
        """

    async def revoke_all(self, now: datetime, *, spare: SessionId | None = None) -> None:
        """End the owner's sessions, except for the one to spare. Those revoked before stay as they are."""

    async def forget(self, ended_before: datetime) -> None:
        """Erase the owner's sessions whose end (`Session.ends_at`) was before this time."""


class SessionDirectory(Protocol):
    """Sessions to look at."""

    async def owner_of(self, session: SessionId) -> UserId | None:
        """Whose session this is; None if there is none (any more)."""

    async def of(self, owner: UserId) -> Sequence[Session]:
        """The owner's sessions, ended or not, the newest first.

        `InvalidTokenError` if the owner has no account (any more), or a disabled one.
        """


class RefreshToken(NamedTuple):
    """What a refresh token stands for."""

    session: SessionId
    generation: int


class RefreshTokens(Protocol):
    """Writes refresh tokens, and tells which ones it wrote. The same one is always written the same way."""

    def write(self, token: RefreshToken) -> str:
        """The text for its bearer. Nobody without the service's secret can make it."""

    def read(self, text: str) -> RefreshToken:
        """What it stands for. `InvalidRefreshTokenError` for every other text."""
