"""The token endpoint of OAuth 2.0 (RFC 6749): what the *Authorize* button of the documentation speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from todo.domain.errors import (
    AccountDisabledError,
    InvalidError,
    InvalidRefreshTokenError,
    RefreshTokenReusedError,
    WrongCredentialsError,
)
from todo.domain.values import parse_email
from todo.entrypoints.http.bodies import read_bytes
from todo.entrypoints.http.dependencies import Agent, Client, Sessions
from todo.entrypoints.http.described import answer, raises
from todo.entrypoints.http.headers import header
from todo.entrypoints.http.people import ADA_TOKENS, TokensOut
from todo.entrypoints.http.refusals import TooLargeError, UnsupportedMediaTypeError
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import JsonResponse, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from todo.application.sessions import SignedIn

router = APIRouter(route_class=PlannedRoute, prefix="/api/auth", tags=["accounts"])

Error: TypeAlias = Literal["invalid_request", "invalid_grant", "unsupported_grant_type"]

_MEDIA_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_NOT_GRANTED = (WrongCredentialsError, AccountDisabledError, InvalidRefreshTokenError, RefreshTokenReusedError)
_UNCACHED = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))

_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": ["password", "refresh_token"]},
        "username": {"type": "string", "description": "The e-mail address, with `password`."},
        "password": {"type": "string", "format": "password"},
        "refresh_token": {"type": "string", "description": "With `refresh_token`."},
    },
}


class OAuthProblem(msgspec.Struct):
    """Why there is no token (RFC 6749, section 5.2)."""

    error: Error
    error_description: str


class _RefusedError(Exception):
    def __init__(self, error: Error, description: str) -> None:
        super().__init__(description)
        self.error = error


@router.post(
    "/token",
    responses={200: answer(ADA_TOKENS), 400: answer(OAuthProblem("invalid_grant", WrongCredentialsError.sentence))},
    openapi_extra={
        **raises(TooLargeError, UnsupportedMediaTypeError),
        "requestBody": {"required": True, "content": {_MEDIA_TYPE: {"schema": _FORM}}},
    },
)
async def token(request: Request, sessions: Sessions, client: Client, agent: Agent) -> Response:
    """Log in, or stay logged in, the way OAuth 2.0 has it.

    `grant_type` is `password` (section 4.3) or `refresh_token` (section 6). Clients have no credentials of
    their own, and other parameters are passed over.
    """
    try:
        form = _parsed(header(request, b"content-type"), await read_bytes(request))
        match _given(form, "grant_type"):
            case "password":
                email, password = _given(form, "username"), _given(form, "password")
                signed_in = await sessions.log_in(parse_email(email), password, client, agent)
            case "refresh_token":
                signed_in = await sessions.refresh(_given(form, "refresh_token"), client)
            case _:
                raise _RefusedError("unsupported_grant_type", "The grant_type must be password or refresh_token.")
    except _RefusedError as refused:
        return _refusal(refused.error, str(refused))
    except InvalidError:
        return _refusal("invalid_grant", WrongCredentialsError.sentence)
    except _NOT_GRANTED as error:
        request.scope["outcome"] = error.code
        return _refusal("invalid_grant", str(error))
    request.scope["outcome"] = form["grant_type"]
    return _tokens(signed_in)


def _parsed(content_type: str, body: bytes) -> Mapping[str, str]:
    """The parameters that have a value (section 3.2); each may stand there once."""
    if content_type.partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise _RefusedError("invalid_request", f"The parameters must be sent as Content-Type: {_MEDIA_TYPE}.")
    try:
        pairs = parse_qsl(body.decode(), errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise _RefusedError("invalid_request", "The parameters are not a form in UTF-8.") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _RefusedError("invalid_request", "A parameter is there twice.")
    return form


def _given(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise _RefusedError("invalid_request", f"The parameter {name} is missing.")
    return form[name]


def _tokens(signed_in: SignedIn) -> Response:
    access, refresh = signed_in.access, signed_in.refresh
    return JsonResponse(as_json(TokensOut(access.text, "bearer", access.expires_in, refresh)), fields=_UNCACHED)


def _refusal(error: Error, description: str) -> Response:
    return JsonResponse(as_json(OAuthProblem(error, description)), 400, _UNCACHED)
