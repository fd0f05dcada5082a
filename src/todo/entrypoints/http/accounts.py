"""Accounts over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from todo.domain import values
from todo.domain.errors import EmailTakenError, WrongCredentialsError
from todo.domain.values import Email, Name, Password
from todo.entrypoints.http.bodies import Body, Text
from todo.entrypoints.http.dependencies import Accounts, Caller
from todo.entrypoints.http.described import answer, raises
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import JsonResponse, as_json

if TYPE_CHECKING:
    from todo.application.accounts import SignedIn
    from todo.domain.user import User

router = APIRouter(route_class=PlannedRoute, prefix="/api/auth", tags=["accounts"])

_EMAIL = Text(values.parse_email, {"format": "email", "maxLength": values.EMAIL_LENGTH})
_SHORTEST, _LONGEST = values.PASSWORD_LENGTHS


class Registration(Body):
    """A person who wants an account."""

    example = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}

    email: Annotated[Email, _EMAIL]
    password: Annotated[
        Password,
        Text(values.parse_password, {"format": "password", "minLength": _SHORTEST, "maxLength": _LONGEST}),
    ]
    name: Annotated[Name | None, Text(values.parse_name, {"maxLength": values.NAME_LENGTH}, null=None)] = None


class Credentials(Body):
    """A person who has an account."""

    example = {"email": "ada@example.com", "password": "correct horse battery"}

    email: Annotated[Email, _EMAIL]
    password: Annotated[str, Text(str, {"format": "password"})]


class UserOut(msgspec.Struct):
    """An account as its owner sees it."""

    id: str
    email: str | None
    name: str | None
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """The wire shape of this account."""
        return cls(user.id, user.email, user.name, user.created_at)


class SignedInOut(msgspec.Struct):
    """An account and the access token for it (RFC 6749, section 5.1); `expires_in` is in seconds."""

    user: UserOut
    access_token: str
    expires_in: int
    token_type: Literal["bearer"] = "bearer"  # the name of a scheme, not a secret


_ADA = UserOut("0199e1a0-1f2e-7000-8000-000000000000", "ada@example.com", "Ada", datetime(2026, 11, 21, 9, tzinfo=UTC))
_ADA_SIGNED_IN = SignedInOut(_ADA, "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3M…", 900)


def _signed_in(signed_in: SignedIn, status: int) -> Response:
    user, token = signed_in
    return JsonResponse(as_json(SignedInOut(UserOut.of(user), token.text, token.expires_in)), status)


@router.post(
    "/register", status_code=201, responses={201: answer(_ADA_SIGNED_IN)}, openapi_extra=raises(EmailTakenError)
)
async def register(body: Registration, accounts: Accounts) -> Response:
    """Open an account, and be logged in."""
    return _signed_in(await accounts.register(body.email, body.password, body.name), 201)


@router.post("/login", responses={200: answer(_ADA_SIGNED_IN)}, openapi_extra=raises(WrongCredentialsError))
async def log_in(body: Credentials, accounts: Accounts) -> Response:
    """Log in with address and password."""
    return _signed_in(await accounts.log_in(body.email, body.password), 200)


@router.get("/me", responses={200: answer(_ADA)})
async def me(caller: Caller, accounts: Accounts) -> Response:
    """The caller's account."""
    return JsonResponse(as_json(UserOut.of(await accounts.me(caller))))
