"""Who is calling."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from todo.domain.values import UserId

if TYPE_CHECKING:
    from datetime import datetime

    from todo.application.ports import TokenVerifier
    from todo.domain.values import SessionId


class Caller(NamedTuple):
    """The user on whose behalf a request is made, and what the token says of the occasion.

    `subject` is what the issuer of the token calls the user.
    """

    user: UserId
    subject: str
    session: SessionId | None
    issued_at: datetime
    expires_at: datetime


class AdmissionService:
    """Tells who a caller is by the token that they show."""

    def __init__(self, tokens: TokenVerifier) -> None:
        self._tokens = tokens

    async def admit(self, token: str) -> Caller:
        """`InvalidTokenError` if the token does not say whose it is."""
        claims = await self._tokens.verify(token)
        return Caller(UserId(claims.subject), claims.subject, claims.session, claims.issued_at, claims.expires_at)
