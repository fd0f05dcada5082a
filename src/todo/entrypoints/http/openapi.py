"""The OpenAPI document, made complete.

FastAPI knows paths, methods and bodies. The rest stands beside the routes and what they depend on
(`described.py`), and is put together here: for each operation, what it may be asked and answers, and
every reason for which it refuses.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.utils import deep_dict_update

from todo.domain.errors import NotYourUserError, TodoError
from todo.domain.values import USER_ID_LENGTH
from todo.entrypoints.http.accounts import SignedInOut, UserOut
from todo.entrypoints.http.bodies import BODY_ERRORS, Body
from todo.entrypoints.http.described import Described, parameter, ref
from todo.entrypoints.http.health import Health
from todo.entrypoints.http.problems import KINDS, Explanation, InternalError, Problem, example_problem
from todo.entrypoints.http.shapes import A_TASK, TaskOut
from todo.entrypoints.http.tasks import TaskList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fastapi import FastAPI
    from starlette.routing import BaseRoute

_DESCRIPTION = """\
Register, and send the `access_token` of the answer as `Authorization: Bearer …` with everything else.

* Every path answers with and without a trailing slash, and HEAD wherever GET is.
* Every route of tasks has two doors, `/api/tasks…` and `/api/{user_id}/tasks…`: they do the same, and the
  second refuses (403) whoever is not the user it names.
* Every refusal is a problem document (RFC 9457, `application/problem+json`). Its `code` is stable, its
  `detail` is one sentence for people, and `GET /problems/{code}` explains it.
* Every answer carries an `X-Request-ID`: yours if you sent one, else one of ours.
* Times are RFC 3339 in UTC. Texts are Unicode in normal form NFC, and their lengths are counted in code points.
* A task's entity tag is its revision. With `If-Match` a write fails (412) if the task has changed since;
  without it, it changes what it names of the task as it now is.
"""

_TAGS = [
    {"name": "tasks", "description": "What a person means to do. Nobody else sees it."},
    {"name": "accounts", "description": "Who a person is."},
    {"name": "health", "description": "How the service is."},
    {"name": "problems", "description": "What went wrong."},
]

_SHAPES = (TaskOut, TaskList, UserOut, SignedInOut, Health, Problem, Explanation)

_HEADERS = {
    "X-Request-ID": "The id of the request, by which we find it in our log.",
    "ETag": "The entity tag of the task: its revision, in quotes.",
    "Location": "Where the task is.",
    "Link": 'The next part of the list, as `<…>; rel="next"`, if there is one.',
    "WWW-Authenticate": "`Bearer`: send an access token.",
    "Retry-After": "In how many seconds to try again.",
}
_HEADERS_OF_REFUSALS = {401: "WWW-Authenticate", 412: "ETag", 503: "Retry-After"}

_COMPONENTS = {
    "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()},
    "parameters": {
        "RequestId": parameter(
            "header", "X-Request-ID", "An id for this request, if you have one.", maxLength=128, minLength=1
        ),
        "UserId": parameter("path", "user_id", "The id of the caller.", minLength=1, maxLength=USER_ID_LENGTH),
        "TaskId": parameter("path", "task_id", "The id of a task.", format="uuid", examples=[str(A_TASK.id)]),
    },
    "securitySchemes": {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The `access_token`."}
    },
}

_EVERYWHERE = Described(InternalError, parameters=[ref("parameters", "RequestId")])
_IN_PATHS = {
    "{user_id}": Described(NotYourUserError, parameters=[ref("parameters", "UserId")]),
    "{task_id}": Described(parameters=[ref("parameters", "TaskId")]),
}
_BODY = Described(*BODY_ERRORS)
_BY_CODE = {error.code: error for error in reversed(KINDS)}


def complete_openapi(app: FastAPI) -> None:
    """Make the application's document complete; FastAPI still makes it when it is first asked for, and keeps it."""
    bare = app.openapi

    def completed() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(bare(), app.routes)
        return bare()

    app.openapi = completed  # type: ignore[method-assign]  # FastAPI's documented way


def _complete(document: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    document["info"]["description"] = _DESCRIPTION
    document["tags"] = _TAGS
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _, ours = msgspec.json.schema_components(_SHAPES, "#/components/schemas/{name}")
    schemas |= ours
    document["components"] |= _COMPONENTS
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema and route.path_format:
            operations = document["paths"][route.path_format]
            for method in route.methods or ():
                _complete_operation(operations[method.lower()], route.path_format, route.original_route)
            if body := operations.get("patch", {}).get("requestBody"):
                body["content"]["application/merge-patch+json"] = body["content"]["application/json"]


def _complete_operation(operation: dict[str, Any], path: str, route: APIRoute) -> None:
    summary, _, more = (inspect.getdoc(route.endpoint) or "").partition("\n\n")
    operation["operationId"] = route.name + ("_of_user" if "{user_id}" in path else "")
    operation["summary"], operation["description"] = summary, more
    operation["responses"].pop("422", None)  # FastAPI's own, which we never answer with
    errors = [_BY_CODE[code] for code in operation.pop("x-errors", ())]
    for described in _all_described(path, route.endpoint):
        deep_dict_update(operation, described.operation)
        errors += described.errors
    operation["responses"] |= _refusals(errors)
    for response in operation["responses"].values():
        response.setdefault("headers", {})["X-Request-ID"] = ref("headers", "X-Request-ID")


def _all_described(path: str, endpoint: Callable[..., Any]) -> Iterator[Described]:
    yield _EVERYWHERE
    yield from (described for name, described in _IN_PATHS.items() if name in path)
    for hint in get_type_hints(endpoint, include_extras=True).values():
        if isinstance(hint, type) and issubclass(hint, Body):
            yield _BODY
        yield from (extra for extra in get_args(hint) if isinstance(extra, Described))


def _refusals(errors: Iterable[type[TodoError]]) -> dict[str, Any]:
    by_status: defaultdict[int, list[type[TodoError]]] = defaultdict(list)
    for error in sorted(set(errors), key=list(KINDS).index):
        by_status[KINDS[error].status].append(error)
    return {str(status): _refusal(status, by_status[status]) for status in sorted(by_status)}


def _refusal(status: int, errors: Sequence[type[TodoError]]) -> dict[str, Any]:
    code = {"type": "string", "enum": [error.code for error in errors]}
    headers = [_HEADERS_OF_REFUSALS[status]] if status in _HEADERS_OF_REFUSALS else []
    return {
        "description": " ".join(inspect.getdoc(error) or "" for error in errors),
        "headers": {name: ref("headers", name) for name in headers},
        "content": {
            "application/problem+json": {
                "schema": {**ref("schemas", "Problem"), "properties": {"code": code}},
                "examples": {error.code: {"value": msgspec.to_builtins(example_problem(error))} for error in errors},
            }
        },
    }
