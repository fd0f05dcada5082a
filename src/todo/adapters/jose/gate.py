"""What a text must look like before any key is tried on it.

python-jose decodes leniently, parses headers of any depth, and ignores `crit` and `typ`: all of that is
decided here, first.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NamedTuple, NoReturn

from todo.domain.errors import InvalidTokenError

LONGEST = 8192
"""In characters."""

_FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_TYPES = {"JWT", "at+jwt"}
_REFUSED = {"crit", "jku", "jwk", "x5u", "x5c"}
"""Header parameters that ask for more than we know, or bring a key of their own (RFC 7515, section 4.1)."""


class Unverified(NamedTuple):
    """What a token says of itself. Nobody has vouched for it yet."""

    algorithm: str
    key_id: str | None
    claims: dict[str, Any]


def look_at(token: str) -> Unverified:
    """The header and the claims of a signed JWT (RFC 7515, section 3.1). `InvalidTokenError` if it is none."""
    parts = _FORM.fullmatch(token) if len(token) <= LONGEST else None
    if parts is None:
        raise InvalidTokenError
    header, claims, _ = _object(parts[1]), _object(parts[2]), decoded(parts[3])
    algorithm, key_id = header.get("alg"), header.get("kid")
    is_flat = not any(isinstance(value, dict | list) for value in header.values())
    if (
        not is_flat
        or not _REFUSED.isdisjoint(header)
        or header.get("typ", "JWT") not in _TYPES
        or not isinstance(algorithm, str)
        or not isinstance(header.get("kid", ""), str)
    ):
        raise InvalidTokenError
    return Unverified(algorithm, key_id, claims)


def decoded(part: str) -> bytes:
    """The bytes of base64url without padding (RFC 7515, section 2); there is one way to write them."""
    try:
        found = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as error:
        raise InvalidTokenError from error
    if urlsafe_b64encode(found).rstrip(b"=") != part.encode():
        raise InvalidTokenError
    return found


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(decoded(part).decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidTokenError from error
    if not isinstance(found, dict):
        raise InvalidTokenError
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands twice means one thing to us and another to somebody else (RFC 7515, section 4)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidTokenError
    return found


def _no_constant(name: str) -> NoReturn:
    """`NaN` and `Infinity` are Python's, not JSON's."""
    raise ValueError(name)
