"""Access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from todo.domain.values import SessionId, UserId


class AccessToken(NamedTuple):
    """What a person shows to be let in; `expires_in` is in seconds."""

    text: str
    expires_in: int


class TokenIssuer(Protocol):
    """Makes access tokens."""

    def issue(self, user: UserId) -> AccessToken:
        """A token that says who its bearer is, from now on."""


class Claims(NamedTuple):
    """What a token that can be trusted says of its bearer."""

    issuer: str
    subject: str
    issued_at: datetime
    expires_at: datetime
    session: SessionId | None = None


class TokenVerifier(Protocol):
    """Tells which tokens can be trusted."""

    async def verify(self, token: str) -> Claims:
        """What it says. `InvalidTokenError` whatever else it is, and nothing but that."""
