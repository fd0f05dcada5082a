"""Accounts over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from todo.domain.errors import EmailTakenError, FreshTokenNeededError, WrongPasswordError
from todo.domain.values import Email, Name, Password
from todo.entrypoints.http.bodies import BODY_ERRORS, Body, read_json, shown_as
from todo.entrypoints.http.dependencies import Accounts, Admitted, Agent, Caller, Client
from todo.entrypoints.http.described import Described, answer, empty_answer, raises, request_body
from todo.entrypoints.http.people import (
    ADA,
    ADA_SIGNED_IN,
    EMAIL,
    NAME,
    NEW_PASSWORD,
    TYPED_PASSWORD,
    UserOut,
    signed_in_response,
)
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import JsonResponse, as_json

router = APIRouter(route_class=PlannedRoute, prefix="/api/auth", tags=["accounts"])


class Registration(
    Body, json_schema_extra=shown_as(email="ada@example.com", password="correct horse battery", name="Ada")
):
    """A person who wants an account."""

    email: Annotated[Email, EMAIL]
    password: Annotated[Password, NEW_PASSWORD]
    name: Annotated[Name | None, NAME] = None


class Renaming(Body, json_schema_extra=shown_as(name="Ada L.")):
    """A change of an account, as a JSON Merge Patch (RFC 7396). Null takes the name away."""

    name: Annotated[Name | None, NAME] = None


class PasswordChange(
    Body, json_schema_extra=shown_as(current_password="correct horse battery", new_password="staple of my own")
):
    """The password as it is, and as it is to be."""

    current_password: Annotated[str, TYPED_PASSWORD]
    new_password: Annotated[Password, NEW_PASSWORD]


class Farewell(Body, json_schema_extra=shown_as(password="correct horse battery")):
    """The password of an account that is to be deleted."""

    password: Annotated[str | None, TYPED_PASSWORD] = None


async def _farewell(request: Request) -> str | None:
    """The password; None if there is no body, as for those who have no password here."""
    return (await read_json(request, Farewell, if_empty=Farewell())).password


PasswordIn = Annotated[
    str | None,
    Depends(_farewell),
    Described(*BODY_ERRORS, requestBody=request_body(Farewell, required=False)),
]


@router.post(
    "/register", status_code=201, responses={201: answer(ADA_SIGNED_IN)}, openapi_extra=raises(EmailTakenError)
)
async def register(body: Registration, accounts: Accounts, client: Client, agent: Agent) -> Response:
    """Open an account, and be logged in."""
    return signed_in_response(await accounts.register(body.email, body.password, body.name, client, agent), 201)


@router.get("/me", responses={200: answer(ADA)})
async def me(caller: Caller, accounts: Accounts) -> Response:
    """The caller's account."""
    return JsonResponse(as_json(UserOut.of(await accounts.me(caller))))


@router.patch("/me", responses={200: answer(ADA)})
async def change_me(caller: Caller, body: Renaming, accounts: Accounts) -> Response:
    """Change the caller's name."""
    is_named = "name" in body.model_fields_set
    user = await (accounts.rename(caller, body.name) if is_named else accounts.me(caller))
    return JsonResponse(as_json(UserOut.of(user)))


@router.delete(
    "/me",
    status_code=204,
    responses={204: empty_answer("All that was the caller's is gone.")},
    openapi_extra=raises(WrongPasswordError, FreshTokenNeededError),
)
async def delete_me(caller: Admitted, password: PasswordIn, accounts: Accounts) -> Response:
    """Delete the caller's account, and everything that belongs to it.

    Whoever logs in elsewhere has no password here, sends no body, and needs a token of the last five minutes.
    """
    await accounts.delete(caller, password)
    return Response(status_code=204)


@router.post(
    "/password",
    status_code=204,
    responses={204: empty_answer("The new password holds; every other session has ended.")},
    openapi_extra=raises(WrongPasswordError),
)
async def change_password(caller: Admitted, body: PasswordChange, accounts: Accounts) -> Response:
    """Change the caller's password, and end all sessions but this one."""
    await accounts.change_password(caller, body.current_password, body.new_password)
    return Response(status_code=204)
