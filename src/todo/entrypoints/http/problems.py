"""Every refusal as a problem document (RFC 9457)."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, NamedTuple, Self, cast
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Path
from msgspec import UNSET, UnsetType
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.status import HTTP_404_NOT_FOUND, HTTP_405_METHOD_NOT_ALLOWED

from todo.domain import errors
from todo.entrypoints.http.described import answer, raises
from todo.entrypoints.http.refusals import (
    HeadTooLargeError,
    InternalError,
    MalformedJsonError,
    MalformedRequestError,
    MethodNotAllowedError,
    PreflightRefusedError,
    RequestTimeoutError,
    TooLargeError,
    UnknownMethodError,
    UnknownRouteError,
    UnsupportedMediaTypeError,
    UntaggedError,
    UriTooLongError,
)
from todo.entrypoints.http.shapes import JsonResponse, TaskOut, TrashedTaskOut, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from starlette.requests import Request

    from todo.domain.errors import Flaw
    from todo.domain.task import Task

router = APIRouter(prefix="/problems", tags=["problems"])


class Kind(NamedTuple):
    """How one kind of error travels."""

    status: int
    title: str


KINDS: dict[type[errors.TodoError], Kind] = {
    errors.InvalidError: Kind(422, "The request is not valid"),
    errors.InvalidFieldsError: Kind(422, "The request is not valid"),
    errors.CursorMismatchError: Kind(422, "The cursor is not of this list"),
    errors.CursorExpiredError: Kind(410, "The cursor is too old"),
    errors.NotFoundError: Kind(404, "No such task"),
    errors.InTrashError: Kind(409, "The task is in the trash"),
    errors.StaleError: Kind(412, "The task has changed"),
    errors.IdempotencyMismatchError: Kind(422, "The key belongs to another request"),
    errors.EmailTakenError: Kind(409, "The e-mail address is taken"),
    errors.WrongCredentialsError: Kind(401, "Wrong e-mail address or password"),
    errors.AccountDisabledError: Kind(403, "The account is disabled"),
    errors.WrongPasswordError: Kind(403, "Wrong password"),
    errors.FreshTokenNeededError: Kind(403, "A fresh token is needed"),
    errors.InvalidRefreshTokenError: Kind(401, "Not logged in any more"),
    errors.RefreshTokenReusedError: Kind(401, "The refresh token was used before"),
    errors.SessionNotFoundError: Kind(404, "No such session"),
    errors.InvalidTokenError: Kind(401, "Not logged in"),
    errors.NotYourUserError: Kind(403, "Not your user"),
    errors.TooManyRequestsError: Kind(429, "Too many requests"),
    errors.UnavailableError: Kind(503, "Not available right now"),
    UntaggedError: Kind(412, "Nothing matches"),
    MalformedRequestError: Kind(400, "Malformed request"),
    UnknownMethodError: Kind(501, "Unknown method"),
    UriTooLongError: Kind(414, "The address is too long"),
    HeadTooLargeError: Kind(431, "The header fields are too large"),
    RequestTimeoutError: Kind(408, "The request did not arrive in time"),
    MalformedJsonError: Kind(400, "Malformed JSON"),
    UnsupportedMediaTypeError: Kind(415, "Unsupported media type"),
    TooLargeError: Kind(413, "The body is too large"),
    UnknownRouteError: Kind(404, "No such address"),
    MethodNotAllowedError: Kind(405, "Method not allowed"),
    PreflightRefusedError: Kind(400, "Not for this origin"),
    InternalError: Kind(500, "Internal error"),
}


class FlawOut(msgspec.Struct):
    """What is wrong with one field."""

    field: str
    code: str
    message: str


class Problem(msgspec.Struct):
    """A problem document. `code` is stable; `detail` and `message` are one sentence for people."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    message: str
    details: list[FlawOut]
    request_id: str
    index: int | UnsetType = UNSET
    current: TaskOut | UnsetType = UNSET

    @classmethod
    def of(cls, error: errors.TodoError, instance: str, request_id: str) -> Self:
        """The wire shape of this error, at the path `instance`, which is percent-encoded (RFC 3986, section 4.1)."""
        kind = KINDS[type(error)]
        return cls(
            type=f"/problems/{error.code}",
            title=kind.title,
            status=kind.status,
            detail=str(error),
            instance=instance,
            code=error.code,
            message=str(error),
            details=[FlawOut(flaw.field, flaw.code, flaw.message) for flaw in _flaws(error)],
            request_id=request_id,
            index=UNSET if error.index is None else error.index,
            current=_shown(error.current) if isinstance(error, errors.StaleError) else UNSET,
        )


def _shown(task: Task) -> TaskOut:
    return TrashedTaskOut.of(task) if task.deleted_at else TaskOut.of(task)


class ProblemResponse(Response):
    """A problem document on its way."""

    media_type = "application/problem+json"


def problem_response(request: Request, error: errors.TodoError) -> Response:
    """The answer to a request that is refused."""
    request.scope["outcome"] = error.code
    problem = Problem.of(error, quote(request.scope["path"]), request.scope["request_id"])
    return ProblemResponse(as_json(problem), problem.status, dict(_headers(error)))


def add_problems(app: FastAPI) -> None:
    """Make every refusal of this application a problem document, whatever raises it."""

    async def refused(request: Request, error: Exception) -> Response:
        return problem_response(request, cast("errors.TodoError", error))

    async def not_routed(request: Request, error: Exception) -> Response:
        status = cast("HTTPException", error).status_code
        if status == HTTP_405_METHOD_NOT_ALLOWED:
            return problem_response(request, MethodNotAllowedError(", ".join(_allowed(app, request))))
        return problem_response(request, UnknownRouteError() if status == HTTP_404_NOT_FOUND else InternalError())

    app.add_exception_handler(errors.TodoError, refused)
    app.add_exception_handler(HTTPException, not_routed)


def _allowed(app: FastAPI, request: Request) -> Iterator[str]:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
        if any(route.matches(scope)[0] is Match.FULL for route in app.router.routes):
            yield method


def _flaws(error: errors.TodoError) -> tuple[Flaw, ...]:
    return error.flaws if isinstance(error, errors.InvalidFieldsError) else ()


def _headers(error: errors.TodoError) -> Iterator[tuple[str, str]]:
    match error:
        case errors.InvalidTokenError():
            yield "WWW-Authenticate", 'Bearer error="invalid_token"'
        case errors.WrongCredentialsError() | errors.InvalidRefreshTokenError() | errors.RefreshTokenReusedError():
            yield "WWW-Authenticate", "Bearer"
        case errors.UnavailableError():
            yield "Retry-After", str(error.retry_after)
        case errors.TooManyRequestsError():
            yield "Retry-After", str(error.retry_after)
            # draft-ietf-httpapi-ratelimit-headers-06, the last with one field for each number: what clients read.
            yield "RateLimit-Limit", str(error.limit)
            yield "RateLimit-Remaining", "0"
            yield "RateLimit-Reset", str(error.retry_after)
        case errors.StaleError():
            yield "ETag", f'"{error.current.revision}"'
        case MethodNotAllowedError():
            yield "Allow", error.allowed
        case _:
            pass


class Explanation(msgspec.Struct):
    """What a code means."""

    code: str
    title: str
    status: int
    explanation: str


EXPLANATIONS = {
    error.code: Explanation(error.code, kind.title, kind.status, inspect.getdoc(error) or "")
    for error, kind in reversed(KINDS.items())
}


_Code = Annotated[
    str, Path(description="The `code` of a problem document.", json_schema_extra={"enum": [*EXPLANATIONS]})
]


@router.get("/{code}", responses={200: answer(EXPLANATIONS["stale"])}, openapi_extra=raises(UnknownRouteError))
async def explain_problem(code: _Code) -> Response:
    """What an error code means, and what to do."""
    if code not in EXPLANATIONS:
        raise UnknownRouteError
    return JsonResponse(as_json(EXPLANATIONS[code]))
