"""What routes ask for: each alias is filled in from the request alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import Request

from todo.application import admission
from todo.application.accounts import AccountService
from todo.application.feed import FeedService
from todo.application.limits import ClientAddress
from todo.application.ports import Store
from todo.application.sessions import SessionService
from todo.application.tasks import TaskService
from todo.domain.errors import (
    InvalidError,
    InvalidTokenError,
    NotFoundError,
    SessionNotFoundError,
    StaleError,
    TooManyRequestsError,
    UnavailableError,
)
from todo.domain.values import Revision, SessionId, TaskId, UserAgent, UserId, clean_user_agent, parse_task_id
from todo.entrypoints.http.conditions import if_match
from todo.entrypoints.http.cursors import Cursors as CursorCodec
from todo.entrypoints.http.described import Described, parameter
from todo.entrypoints.http.headers import header
from todo.entrypoints.http.refusals import UntaggedError
from todo.entrypoints.metrics.tally import Tally

if TYPE_CHECKING:
    from todo.entrypoints.container import Container


def _container(request: Request) -> Container:
    container: Container = request.scope["container"]
    return container


async def task_service(request: Request) -> TaskService:
    """The use cases of tasks."""
    return _container(request).task_service()


async def account_service(request: Request) -> AccountService:
    """The use cases of accounts."""
    return _container(request).account_service()


async def session_service(request: Request) -> SessionService:
    """The use cases of sessions."""
    return _container(request).session_service()


async def feed_service(request: Request) -> FeedService:
    """Following what happens to tasks."""
    return _container(request).feed_service()


async def ready_store(request: Request) -> Store:
    """The store, unless the service is about to stop; then `UnavailableError`."""
    if _container(request).readiness().is_withdrawn:
        raise UnavailableError
    return _container(request).store()


async def cursors(request: Request) -> CursorCodec:
    """What makes and reads cursors."""
    return _container(request).cursors()


async def admitted(request: Request) -> admission.Caller:
    """Who sends the request, by its access token (RFC 6750, section 2.1); also by the path, if that names a user."""
    scheme, _, token = header(request, b"authorization").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidTokenError("Log in, and send the access token in the header Authorization: Bearer …")
    named = request.path_params.get("user_id")
    caller = await _container(request).admission_service().admit(token.strip(), named)
    request.scope["caller"] = caller.user
    await _container(request).abuse_limits().request(caller.user)
    return caller


async def caller(request: Request) -> UserId:
    """The user who sends the request."""
    return (await admitted(request)).user


async def tally(request: Request) -> Tally:
    """What counts."""
    return _container(request).tally()


async def client(request: Request) -> ClientAddress:
    """Where the request comes from."""
    return _container(request).clients().address(request.scope)


async def user_agent(request: Request) -> UserAgent | None:
    """What the client calls itself."""
    return clean_user_agent(header(request, b"user-agent"))


async def task_id(request: Request) -> TaskId:
    """The task that the path names. What is no id of ours is the id of no task."""
    try:
        return parse_task_id(request.path_params["task_id"])
    except InvalidError as error:
        raise NotFoundError from error


async def session_id(request: Request) -> SessionId:
    """The session that the path names. What is no id of ours is the id of no session."""
    try:
        return SessionId(parse_task_id(request.path_params["session_id"]))
    except InvalidError as error:
        raise SessionNotFoundError from error


async def unconditional(request: Request) -> None:
    """The caller sets no condition that cannot be judged."""
    if await if_match(request) is not None:
        raise UntaggedError


_IF_MATCH = parameter(
    "header",
    "If-Match",
    "Write only over one of these states of the task, by their entity tags. Without it, over whatever is there.",
    examples=['"41"'],
)

_BY_TOKEN = Described(InvalidTokenError, TooManyRequestsError, security=[{"password": []}, {"bearer": []}])

Caller = Annotated[UserId, Depends(caller), _BY_TOKEN]
Counted = Annotated[Tally, Depends(tally)]
Admitted = Annotated[admission.Caller, Depends(admitted), _BY_TOKEN]
Client = Annotated[ClientAddress, Depends(client), Described(TooManyRequestsError)]
Agent = Annotated[UserAgent | None, Depends(user_agent)]
PathSession = Annotated[SessionId, Depends(session_id), Described(SessionNotFoundError)]
PathTask = Annotated[TaskId, Depends(task_id), Described(NotFoundError)]
IfMatch = Annotated[frozenset[Revision] | None, Depends(if_match), Described(StaleError, parameters=[_IF_MATCH])]
Unconditional = Annotated[None, Depends(unconditional), Described(UntaggedError)]
Tasks = Annotated[TaskService, Depends(task_service), Described(UnavailableError)]
Feed = Annotated[FeedService, Depends(feed_service), Described(UnavailableError)]
ReadyStore = Annotated[Store, Depends(ready_store), Described(UnavailableError)]
Cursors = Annotated[CursorCodec, Depends(cursors)]
Sessions = Annotated[SessionService, Depends(session_service), Described(UnavailableError)]
Accounts = Annotated[AccountService, Depends(account_service), Described(UnavailableError)]
