"""What routes ask for: each alias is filled in from the request alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from todo.application import admission
from todo.application.accounts import AccountService
from todo.application.ports import Store
from todo.application.tasks import TaskService
from todo.domain.errors import (
    InvalidError,
    InvalidTokenError,
    NotFoundError,
    NotYourUserError,
    StaleError,
    UnavailableError,
)
from todo.domain.values import Revision, TaskId, UserId, parse_task_id
from todo.entrypoints.http.conditions import if_match
from todo.entrypoints.http.cursors import Cursors as CursorCodec
from todo.entrypoints.http.described import Described, parameter

if TYPE_CHECKING:
    from todo.entrypoints.container import Container


def _container(request: Request) -> Container:
    return cast("Container", request.app.state.container)


async def task_service(request: Request) -> TaskService:
    """The use cases of tasks."""
    return _container(request).task_service()


async def account_service(request: Request) -> AccountService:
    """The use cases of accounts."""
    return _container(request).account_service()


async def store(request: Request) -> Store:
    """Where everything is kept."""
    return _container(request).store()


async def cursors(request: Request) -> CursorCodec:
    """What makes and reads cursors."""
    return _container(request).cursors()


async def admitted(request: Request) -> admission.Caller:
    """Who sends the request, by its access token (RFC 6750, section 2.1); also by the path, if that names a user."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidTokenError("Log in, and send the access token in the header Authorization: Bearer …")
    caller = await _container(request).admission_service().admit(token.strip())
    named = request.path_params.get("user_id")
    if named is not None and named not in (caller.user, caller.subject):
        raise NotYourUserError
    return caller


async def caller(request: Request) -> UserId:
    """The user who sends the request."""
    return (await admitted(request)).user


async def task_id(request: Request) -> TaskId:
    """The task that the path names. What is no id of ours is the id of no task."""
    try:
        return parse_task_id(request.path_params["task_id"])
    except InvalidError as error:
        raise NotFoundError from error


_IF_MATCH = parameter(
    "header",
    "If-Match",
    "Write only over one of these states of the task, by their entity tags. Without it, over whatever is there.",
    examples=['"41"'],
)

Caller = Annotated[UserId, Depends(caller), Described(InvalidTokenError, security=[{"bearer": []}])]
Admitted = Annotated[admission.Caller, Depends(admitted)]
PathTask = Annotated[TaskId, Depends(task_id), Described(NotFoundError)]
IfMatch = Annotated[frozenset[Revision] | None, Depends(if_match), Described(StaleError, parameters=[_IF_MATCH])]
Tasks = Annotated[TaskService, Depends(task_service), Described(UnavailableError)]
StoreInUse = Annotated[Store, Depends(store), Described(UnavailableError)]
Cursors = Annotated[CursorCodec, Depends(cursors)]
Accounts = Annotated[AccountService, Depends(account_service), Described(UnavailableError)]
