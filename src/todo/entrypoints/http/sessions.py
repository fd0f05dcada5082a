"""Logging in, staying logged in, and logging out, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from todo.domain.errors import (
    AccountDisabledError,
    InvalidRefreshTokenError,
    RefreshTokenReusedError,
    WrongCredentialsError,
)
from todo.domain.values import Email
from todo.entrypoints.http.bodies import Body, Text, shown_as
from todo.entrypoints.http.dependencies import Admitted, Agent, Client, PathSession, Sessions
from todo.entrypoints.http.described import answer, empty_answer, raises
from todo.entrypoints.http.people import (
    ADA_SESSION,
    ADA_SIGNED_IN,
    EMAIL,
    TYPED_PASSWORD,
    SessionList,
    SessionOut,
    signed_in_response,
)
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import JsonResponse, as_json

router = APIRouter(route_class=PlannedRoute, prefix="/api/auth", tags=["accounts"])


class Credentials(Body, json_schema_extra=shown_as(email="ada@example.com", password="correct horse battery")):
    """A person who has an account."""

    email: Annotated[Email, EMAIL]
    password: Annotated[str, TYPED_PASSWORD]


class Refreshing(Body, json_schema_extra=shown_as(refresh_token=ADA_SIGNED_IN.refresh_token)):
    """The refresh token of a session."""

    refresh_token: Annotated[str, Text(str)]


@router.post(
    "/login",
    responses={200: answer(ADA_SIGNED_IN)},
    openapi_extra=raises(WrongCredentialsError, AccountDisabledError),
)
async def log_in(body: Credentials, sessions: Sessions, client: Client, agent: Agent) -> Response:
    """Log in with address and password."""
    return signed_in_response(await sessions.log_in(body.email, body.password, client, agent))


@router.post(
    "/refresh",
    responses={200: answer(ADA_SIGNED_IN)},
    openapi_extra=raises(InvalidRefreshTokenError, RefreshTokenReusedError),
)
async def refresh(body: Refreshing, sessions: Sessions, client: Client) -> Response:
    """Stay logged in: a new access token, and the refresh token to use next.

    A refresh token is for one use. For ten seconds it gets the same answer again, for two tabs that refresh
    at once and for answers that are lost on their way; used later, it ends the session.
    """
    return signed_in_response(await sessions.refresh(body.refresh_token, client))


@router.post("/logout", status_code=204, responses={204: empty_answer("The session has ended.")})
async def log_out(body: Refreshing, sessions: Sessions) -> Response:
    """End the session of this refresh token; nothing happens if it is not valid (as in RFC 7009, section 2.2).

    Access tokens of the session are good until they expire, within fifteen minutes: forget them.
    """
    await sessions.log_out(body.refresh_token)
    return Response(status_code=204)


@router.get("/sessions", responses={200: answer(SessionList([ADA_SESSION]))})
async def list_sessions(caller: Admitted, sessions: Sessions) -> Response:
    """Where the caller is logged in."""
    live = await sessions.live(caller)
    return JsonResponse(as_json(SessionList([SessionOut.of(session, caller.session) for session in live])))


@router.delete("/sessions/{session_id}", status_code=204, responses={204: empty_answer("The session has ended.")})
async def end_session(caller: Admitted, session: PathSession, sessions: Sessions) -> Response:
    """Log the caller out somewhere."""
    await sessions.end(caller, session)
    return Response(status_code=204)
