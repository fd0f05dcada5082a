"""Header fields, found by one look: the edge sorts them by name once, and Starlette goes through them at each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

HeaderField: TypeAlias = tuple[bytes, bytes]
"""A name in lower case, and a value."""

_FIELDS: Final = "headers_by_name"
_BLANKS: Final = " \t"  # no part of a value (RFC 9110, section 5.5), but the parser leaves those behind it


def sort_headers(scope: Scope) -> None:
    """Make them ready to be found."""
    scope[_FIELDS] = dict(scope["headers"])


def field(scope: Scope, name: bytes) -> bytes | None:
    """The value of the last field line of this name, which is in lower case."""
    fields: dict[bytes, bytes] = scope[_FIELDS]
    return fields.get(name)


def header(request: Request, name: bytes, default: str = "") -> str:
    """The same as text."""
    value = field(request.scope, name)
    return default if value is None else value.decode("latin-1").strip(_BLANKS)


def header_lines(request: Request, name: bytes) -> list[str]:
    """The values of all field lines of this name, which is in lower case."""
    if name not in request.scope[_FIELDS]:
        return []
    return [value.decode("latin-1").strip(_BLANKS) for each, value in request.scope["headers"] if each == name]
