"""Access tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from todo.domain.values import SessionId, UserId


OWN_ISSUER = "todo"
"""What we call ourselves in the tokens that we issue."""


class AccessToken(NamedTuple):
    """What a person shows to be let in; `expires_in` is in seconds."""

    text: str
    expires_in: int


class TokenIssuer(Protocol):
    """Makes access tokens."""

    def issue(self, user: UserId, session: SessionId) -> AccessToken:
        """A token that says who its bearer is, from now on, and in which session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """Someone whose tokens are accepted, and what is asked of them.

    `name` is the `iss` of the tokens, and what keeps this issuer's users apart from another's. `audiences`
    are those that mean us: a token must name one of them, or none where there are none. HS256 tokens are
    signed with `secret`, all others with a key that is published at `jwks_url`; `algorithms` says which are
    accepted. Those signed with the secret may lack the claims in `optional`, which can be `iss` and `aud`.
    No token may live longer than `longest_lifetime`, in seconds.
    """

    name: str
    audiences: frozenset[str] = frozenset()
    algorithms: frozenset[str]
    secret: bytes | None = field(default=None, repr=False)
    jwks_url: str | None = None
    optional: frozenset[str] = frozenset()
    longest_lifetime: int = 86_400


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
        """What it says.

        `InvalidTokenError` if it cannot be trusted, whatever else it is. `UnavailableError` only while the
        keys of its issuer cannot be had.
        """

    async def close(self) -> None:
        """Let go of what it holds."""
