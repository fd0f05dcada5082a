"""What people and their log-ins look like on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self
from uuid import UUID

import msgspec
from starlette.responses import Response

from todo.domain import values
from todo.entrypoints.http.bodies import Text
from todo.entrypoints.http.shapes import Instant, JsonResponse, as_json

if TYPE_CHECKING:
    from todo.application.sessions import SignedIn
    from todo.domain.session import Session
    from todo.domain.user import User
    from todo.domain.values import SessionId

_SHORTEST, _LONGEST = values.PASSWORD_LENGTHS

EMAIL = Text(values.parse_email, {"format": "email", "maxLength": values.EMAIL_LENGTH})
NAME = Text(values.parse_name, {"minLength": 1, "maxLength": values.NAME_LENGTH}, null=None)
NEW_PASSWORD = Text(values.parse_password, {"format": "password", "minLength": _SHORTEST, "maxLength": _LONGEST})
TYPED_PASSWORD = Text(str, {"format": "password"})
"""What somebody says is the password. Whether it could be one is not told apart from whether it is the one."""


class UserOut(msgspec.Struct):
    """An account as its owner sees it."""

    id: str
    email: str | None
    name: str | None
    created_at: Instant

    @classmethod
    def of(cls, user: User) -> Self:
        """The wire shape of this account."""
        return cls(user.id, user.email, user.name, user.created_at)


class TokensOut(msgspec.Struct):
    """An access token, and the refresh token for the next two (RFC 6749, section 5.1); `expires_in` is in seconds."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str


class SignedInOut(msgspec.Struct):
    """An account, the access token for it, and the refresh token for the next two; `expires_in` is in seconds."""

    user: UserOut
    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str


class SessionOut(msgspec.Struct):
    """One log-in that lasts. `current` is the one of the access token that was sent."""

    id: UUID
    created_at: Instant
    last_used_at: Instant
    user_agent: str | None
    current: bool

    @classmethod
    def of(cls, session: Session, current: SessionId | None) -> Self:
        """The wire shape of this session."""
        used, agent = session.last_used_at, session.user_agent
        return cls(session.id, session.created_at, used, agent, session.id == current)


class SessionList(msgspec.Struct):
    """The caller's sessions that have not ended, the newest first."""

    sessions: list[SessionOut]


_ADA_ID = "0199e1a0-1f2e-7000-8000-000000000000"
_ACCESS_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3M…"
_REFRESH_TOKEN = "rt_0199e1a01f2f70008000000000000000.0.m9x2…"
ADA = UserOut(_ADA_ID, "ada@example.com", "Ada", datetime(2026, 11, 21, 9, tzinfo=UTC))
ADA_TOKENS = TokensOut(_ACCESS_TOKEN, "bearer", 900, _REFRESH_TOKEN)
ADA_SIGNED_IN = SignedInOut(ADA, _ACCESS_TOKEN, "bearer", 900, _REFRESH_TOKEN)
ADA_SESSION = SessionOut(
    UUID("0199e1a0-1f2f-7000-8000-000000000000"), ADA.created_at, ADA.created_at, "Mozilla/5.0 …", current=True
)
"""What the documentation shows."""


def signed_in_response(signed_in: SignedIn, status: int = 200) -> Response:
    """The answer to whoever is logged in now."""
    user, access, refresh = signed_in
    shape = SignedInOut(UserOut.of(user), access.text, "bearer", access.expires_in, refresh)
    return JsonResponse(as_json(shape), status)
