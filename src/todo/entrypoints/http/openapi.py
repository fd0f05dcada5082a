"""The OpenAPI document, made complete.

FastAPI knows paths, methods and bodies. The rest stands beside the routes and what they depend on
(`described.py`) or holds for all of them (`components.py`), and is put together here: for each operation,
what it may be asked and answers, and every reason for which it refuses.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.utils import deep_dict_update
from pydantic.json_schema import models_json_schema

from todo.domain.errors import (
    Flaw,
    InvalidFieldsError,
    NotYourUserError,
    StaleError,
    TodoError,
    TooManyRequestsError,
)
from todo.entrypoints.http.bodies import BODY_ERRORS, Body
from todo.entrypoints.http.components import COMPONENTS, DESCRIPTION, HEADERS_OF_REFUSALS, TAGS
from todo.entrypoints.http.described import Described, bodies, ref, shape, shapes
from todo.entrypoints.http.problems import KINDS, Problem
from todo.entrypoints.http.refusals import InternalError
from todo.entrypoints.http.shapes import A_TASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fastapi import FastAPI
    from starlette.routing import BaseRoute

_SENTENCE_END = re.compile(r"(?<=\.)\s+")

_EVERYWHERE = Described(InternalError, parameters=[ref("parameters", "RequestId")])
_IN_PATHS = {
    "{user_id}": Described(NotYourUserError, parameters=[ref("parameters", "UserId")]),
    "{session_id}": Described(parameters=[ref("parameters", "SessionId")]),
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
    document["info"]["description"] = DESCRIPTION
    document["tags"] = TAGS
    schemas = document["components"]["schemas"]
    _, more = models_json_schema([(one, "validation") for one in bodies], ref_template="#/components/schemas/{model}")
    schemas |= more["$defs"]
    for unused in ("HTTPValidationError", "Priority", "ValidationError"):
        schemas.pop(unused, None)
    shape(Problem)
    _, ours = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    schemas |= ours
    refusals: dict[str, Any] = {}
    document["components"] |= {**COMPONENTS, "responses": refusals}
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema and route.path_format:
            operations = document["paths"][route.path_format]
            for method in route.methods or ():
                refusals |= _complete_operation(operations[method.lower()], route.path_format, route.original_route)
            if body := operations.get("patch", {}).get("requestBody"):
                body["content"]["application/merge-patch+json"] = body["content"]["application/json"]


def _complete_operation(operation: dict[str, Any], path: str, route: APIRoute) -> dict[str, Any]:
    """Returns the refusals that the operation refers to."""
    operation["operationId"] = route.name
    if "{user_id}" in path:
        operation["operationId"] += "_by_user"
        operation["tags"] = [f"{tag} by user" for tag in operation["tags"]]
    operation["summary"], *more = _SENTENCE_END.split(inspect.getdoc(route.endpoint) or "", 1)
    operation["description"] = "".join(more)
    operation["responses"].pop("422", None)  # FastAPI's own, which we never answer with
    errors = [_BY_CODE[code] for code in operation.pop("x-errors", ())]
    for described in _all_described(path, route.endpoint):
        deep_dict_update(operation, described.operation)
        errors += described.errors
    for response in operation["responses"].values():
        response["headers"]["X-Request-ID"] = ref("headers", "X-Request-ID")
        if "content" in response:  # FastAPI adds its own guess, without a schema
            response["content"] = {name: one for name, one in response["content"].items() if one["schema"]}
    refusals = {}
    for status, alike in _by_status(errors).items():
        name = "_or_".join(error.code for error in alike)
        refusals[name] = _refusal(status, alike)
        operation["responses"][str(status)] = ref("responses", name)
    return refusals


def _all_described(path: str, endpoint: Callable[..., Any]) -> Iterator[Described]:
    yield _EVERYWHERE
    yield from (described for name, described in _IN_PATHS.items() if name in path)
    for hint in get_type_hints(endpoint, include_extras=True).values():
        if isinstance(hint, type) and issubclass(hint, Body):
            yield _BODY
        yield from (extra for extra in get_args(hint) if isinstance(extra, Described))


def _by_status(errors: Iterable[type[TodoError]]) -> dict[int, list[type[TodoError]]]:
    by_status: defaultdict[int, list[type[TodoError]]] = defaultdict(list)
    for error in sorted(set(errors), key=list(KINDS).index):
        by_status[KINDS[error].status].append(error)
    return dict(sorted(by_status.items()))


def _refusal(status: int, errors: Sequence[type[TodoError]]) -> dict[str, Any]:
    code = {"type": "string", "enum": [error.code for error in errors]}
    headers = ["X-Request-ID", *HEADERS_OF_REFUSALS.get(status, ())]
    return {
        "description": " ".join(inspect.getdoc(error) or "" for error in errors),
        "headers": {name: ref("headers", name) for name in headers},
        "content": {
            "application/problem+json": {
                "schema": {**ref("schemas", "Problem"), "properties": {"code": code}},
                "examples": {error.code: {"value": _example(error)} for error in errors},
            }
        },
    }


def _example(error: type[TodoError]) -> Any:
    made: TodoError
    if error is StaleError:
        made = StaleError(A_TASK)
    elif error is InvalidFieldsError:
        made = InvalidFieldsError([Flaw("title", "too_long", "may have at most 500 characters, not 501.")])
    elif error is TooManyRequestsError:
        made = TooManyRequestsError(10, 42)
    else:
        made = error()
    return msgspec.to_builtins(Problem.of(made, "/api/tasks", "0199e1b27c3d70008000000000000000"))
