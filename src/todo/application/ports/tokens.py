"""Access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from todo.domain.values import UserId


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
