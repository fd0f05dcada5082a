"""Reading the body of a request: its size, its type, its JSON, and whether it is what the route wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError, core_schema
from starlette.requests import ClientDisconnect

from todo.domain.errors import Flaw, InvalidError, InvalidFieldsError
from todo.entrypoints.http.headers import header
from todo.entrypoints.http.refusals import MalformedJsonError, TooLargeError, UnsupportedMediaTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic_core import ErrorDetails
    from starlette.requests import Request

LARGEST_BODY = 1024 * 1024
"""In bytes."""
MOST_VALUES = 10_000
"""In all objects and lists of a body together; a batch of a hundred whole tasks has a third of it."""

BODY_ERRORS = (MalformedJsonError, TooLargeError, UnsupportedMediaTypeError, InvalidFieldsError)
"""Why a body can be refused."""

MOST_FLAWS = 20
"""As many are told of at once: whoever sends more has another trouble than these."""
LONGEST_NAME = 60
"""In characters: what is longer is told in part, and is no misspelling of anything."""

_MEDIA_TYPES = {"application/json", "application/merge-patch+json"}
_REFUSED: Any = object()


def _in_plain_words(schema: dict[str, Any]) -> None:
    """Leave out what pydantic makes up: titles that repeat the names, and defaults in Python's terms."""
    for described in schema["properties"].values():
        described.pop("title", None)
        described.pop("default", None)


class Body(BaseModel):
    """What a request may carry. Unknown fields are refused: a misspelt one must not be silently lost."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_in_plain_words)


def shown_as(**example: Any) -> Callable[[dict[str, Any]], None]:
    """For `json_schema_extra`: document a body by this example."""

    def show(schema: dict[str, Any]) -> None:
        _in_plain_words(schema)
        schema["examples"] = [example]

    return show


Model = TypeVar("Model", bound=Body)


@dataclass(frozen=True, slots=True)
class Text:
    """Marks a field that is text, of which `parse` makes a value or raises `InvalidError`.

    `null` is what null stands for; without it, null is refused. `schema` is for the documentation.
    """

    parse: Callable[[str], Any]
    schema: dict[str, Any] = field(default_factory=dict)
    null: Any = _REFUSED

    def __get_pydantic_core_schema__(self, *_: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(self, *_: object) -> dict[str, Any]:
        return {"type": "string" if self.null is _REFUSED else ["string", "null"], **self.schema}

    def _validated(self, value: Any) -> Any:
        if value is None and self.null is not _REFUSED:
            return self.null
        if not isinstance(value, str):
            raise PydanticCustomError("wrong_type", "must be text.")
        return _parsed(self.parse, value)


@dataclass(frozen=True, slots=True)
class Texts:
    """The same for a list of texts. Null stands for the empty one."""

    parse: Callable[[list[str]], Any]
    schema: dict[str, Any] = field(default_factory=dict)

    def __get_pydantic_core_schema__(self, *_: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(self, *_: object) -> dict[str, Any]:
        return {"type": ["array", "null"], **self.schema}

    def _validated(self, value: Any) -> Any:
        if value is None:
            value = []
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise PydanticCustomError("wrong_type", "must be a list of texts.")
        return _parsed(self.parse, value)


def _parsed(parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except InvalidError as error:
        raise PydanticCustomError("invalid", "{sentence}", {"flaw": error.flaw, "sentence": str(error)}) from error


async def read_json(request: Request, model: type[Model], *, if_empty: Model | None = None) -> Model:
    """The body as this model; `if_empty`, where it is given, stands for a body of no bytes."""
    body = await read_bytes(request)
    if not body and if_empty is not None:
        return if_empty
    media_type = header(request, b"content-type").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise UnsupportedMediaTypeError
    if (b"NaN" in body or b"Infinity" in body) and (wrong := _fault_of(body)):
        raise MalformedJsonError(f"The body is not valid JSON: {wrong}.")
    if body.count(b",") >= MOST_VALUES and _has_too_many_values(body):
        raise InvalidFieldsError([Flaw("body", "too_many", f"may hold at most {MOST_VALUES} values.")])
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error, model) from error


async def read_bytes(request: Request) -> bytes:
    """The body, of at most 1 MiB, however often it is asked for.

    Starlette's own limit answers in plain text, past every handler of errors: so it is kept here.
    """
    if (kept := request.scope.get("todo.body")) is not None:
        return cast("bytes", kept)
    if header(request, b"content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaTypeError("The body must be sent as it is, without Content-Encoding.")
    declared = header(request, b"content-length")
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise TooLargeError
    body, has_more = b"", True
    while has_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise TooLargeError
        has_more = message.get("more_body", False)
    request.scope["todo.body"] = body
    return body


def _fault_of(body: bytes) -> str:
    """What is wrong with it as JSON (RFC 8259, section 6). pydantic takes `NaN` and `Infinity` for numbers."""
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        return str(error)
    return ""


def _has_too_many_values(body: bytes) -> bool:
    """To find fault with each of a hundred thousand fields takes a quarter of a second; to count them, a fiftieth."""
    try:
        waiting: list[Any] = [msgspec.json.decode(body)]
    except (msgspec.DecodeError, RecursionError):
        return False  # what is wrong with it is told in the usual way, and soon
    values = 0
    while waiting and values <= MOST_VALUES:
        value = waiting.pop()
        if isinstance(value, dict | list):
            values += len(value)
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return values > MOST_VALUES


def _refusal(error: ValidationError, model: type[Body]) -> Exception:
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return MalformedJsonError(f"The body is not valid JSON: {found[0]['ctx']['error']}.")
    return InvalidFieldsError([_flaw(one, model) for one in found[:MOST_FLAWS]])


_NO_OBJECT = ("wrong_type", "must be a JSON object.")
_NO_NUMBER = ("wrong_type", "must be a whole number, not below 0.")
_PLAIN_FLAWS = {
    "missing": ("missing", "is required."),
    "bool_type": ("wrong_type", "must be true or false."),
    "list_type": ("wrong_type", "must be a list."),
    "int_type": _NO_NUMBER,
    "greater_than_equal": _NO_NUMBER,
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "dict_type": _NO_OBJECT,
    "none_required": ("not_allowed", "must be left out of this operation, or null."),
}
"""What pydantic's errors are called here."""


def _flaw(error: ErrorDetails, model: type[Body]) -> Flaw:
    name = ".".join(map(_shown, error["loc"])) or "body"
    details = error.get("ctx", {})
    if plain := _PLAIN_FLAWS.get(error["type"]):
        return Flaw(name, *plain)
    match error["type"]:
        case "invalid":
            return Flaw(name, details["flaw"], error["msg"])
        case "union_tag_not_found":
            return Flaw(f"{name}.{_tag(details)}", "missing", "is required.")
        case "union_tag_invalid":
            return Flaw(f"{name}.{_tag(details)}", "unknown_value", f"must be one of {details['expected_tags']}.")
        case "too_long":
            return Flaw(name, "too_many", f"may hold at most {details['max_length']}.")
        case "too_short":
            return Flaw(name, "empty", f"must hold at least {details['min_length']}.")
        case "extra_forbidden":
            near = did_you_mean(name.rpartition(".")[2], model.model_fields)
            return Flaw(name, "unknown_field", f"is not a known field.{near}")
        case own:
            return Flaw(name, own, error["msg"])


def _shown(place: int | str) -> str:
    name = str(place)
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def _tag(details: dict[str, Any]) -> str:
    """The field that tells what the rest is; pydantic puts its name into quotes."""
    return str(details["discriminator"]).strip("'")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the nearest known name, if any is near: one that looks like it, or is part of it."""
    if len(name) > LONGEST_NAME:
        return ""
    names = sorted(known, key=len)
    near = get_close_matches(name.lower(), names, 1) or [part for part in names if part in name.lower()][-1:]
    return f" Did you mean {near[0]}?" if near else ""
