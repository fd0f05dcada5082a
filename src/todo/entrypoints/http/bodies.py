"""Reading the body of a request: its size, its type, its JSON, and whether it is what the route wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError, core_schema

from todo.domain.errors import Flaw, InvalidError, InvalidFieldsError
from todo.entrypoints.http.problems import MalformedJsonError, TooLargeError, UnsupportedMediaTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic_core import ErrorDetails
    from starlette.requests import Request

LARGEST_BODY = 1024 * 1024
"""In bytes."""

BODY_ERRORS = (MalformedJsonError, TooLargeError, UnsupportedMediaTypeError, InvalidFieldsError)
"""Why a body can be refused."""

_MEDIA_TYPES = {"application/json", "application/merge-patch+json"}
_REFUSED: Any = object()


def _tidy(schema: dict[str, Any], model: type[Body]) -> None:
    """Leave out of a schema what pydantic makes up: titles that repeat the names, defaults in Python's terms."""
    for described in schema["properties"].values():
        described.pop("title", None)
        described.pop("default", None)
    schema["examples"] = [model.example]


class Body(BaseModel):
    """What a request may carry. Unknown fields are refused: a misspelt one must not be silently lost."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_tidy)

    example: ClassVar[dict[str, Any]]


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
    body = await _read(request)
    if not body and if_empty is not None:
        return if_empty
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise UnsupportedMediaTypeError
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error, model) from error


async def _read(request: Request) -> bytes:
    """Starlette's own limit answers in plain text, past every handler of errors: so it is kept here."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise TooLargeError
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise TooLargeError
    return body


def _refusal(error: ValidationError, model: type[Body]) -> Exception:
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return MalformedJsonError(f"The body is not valid JSON: {found[0]['ctx']['error']}.")
    return InvalidFieldsError([_flaw(one, model) for one in found])


def _flaw(error: ErrorDetails, model: type[Body]) -> Flaw:
    name = ".".join(map(str, error["loc"])) or "body"
    match error["type"]:
        case "invalid":
            return Flaw(name, error["ctx"]["flaw"], error["msg"])
        case "missing":
            return Flaw(name, "missing", "is required.")
        case "extra_forbidden":
            return Flaw(name, "unknown_field", f"is not a known field.{did_you_mean(name, model.model_fields)}")
        case "bool_type":
            return Flaw(name, "wrong_type", "must be true or false.")
        case "model_type":
            return Flaw(name, "wrong_type", "must be a JSON object.")
        case own:
            return Flaw(name, own, error["msg"])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the nearest known name, if any is near."""
    near = get_close_matches(name, list(known), 1)
    return f" Did you mean {near[0]}?" if near else ""
