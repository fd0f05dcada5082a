"""The words in which routes, and what they depend on, describe themselves (OpenAPI 3.1)."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pydantic import BaseModel

    from todo.domain.errors import TodoError


shapes: dict[type[msgspec.Struct], None] = {}
"""What answers are made of, in the order in which routes speak of it."""
bodies: dict[type[BaseModel], None] = {}
"""What requests are made of, as far as FastAPI does not know."""


UUID_7 = {
    "format": "uuid",
    "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$",
}
"""The schema of an id that a client may choose."""


class Described:
    """Stands beside a dependency, and tells what a route that asks for it owes to it.

    `errors` are those that it can raise; `operation` is a piece of an OpenAPI operation object.
    """

    def __init__(self, *errors: type[TodoError], **operation: Any) -> None:
        self.errors = errors
        self.operation = operation


def raises(*errors: type[TodoError]) -> dict[str, Any]:
    """For `openapi_extra`: the errors of the route itself, beside those of what it depends on."""
    return {"x-errors": [error.code for error in errors]}


def answer(example: msgspec.Struct, *headers: str, when: str | None = None) -> dict[str, Any]:
    """For `responses`: an answer of the shape that the example has."""
    content = {"schema": shape(type(example)), "example": msgspec.to_builtins(example)}
    return empty_answer(when or inspect.getdoc(type(example)) or "", *headers) | {
        "content": {"application/json": content}
    }


def empty_answer(when: str, *headers: str) -> dict[str, Any]:
    """For `responses`: an answer without a body."""
    return {"description": when, "headers": {name: ref("headers", name) for name in headers}}


def parameter(place: str, name: str, description: str, **schema: Any) -> dict[str, Any]:
    """A parameter; those of the path are required."""
    described = {"name": name, "in": place, "description": description, "schema": {"type": "string", **schema}}
    return described | ({"required": True} if place == "path" else {})


def request_body(described: type[BaseModel], *, required: bool) -> dict[str, Any]:
    """For `Described(requestBody=…)`: a body that a dependency reads."""
    bodies[described] = None
    return {"required": required, "content": {"application/json": {"schema": ref("schemas", described.__name__)}}}


def shape(described: type[msgspec.Struct]) -> dict[str, Any]:
    """What stands for the schema of this shape."""
    shapes[described] = None
    return ref("schemas", described.__name__)


def any_of(*described: type[msgspec.Struct]) -> msgspec.Meta:
    """Annotates a value that has one of these shapes."""
    return msgspec.Meta(extra_json_schema={"anyOf": [shape(one) for one in described]})


def ref(kind: str, name: str) -> dict[str, Any]:
    """What stands for a component of the document."""
    return {"$ref": f"#/components/{kind}/{name}"}
