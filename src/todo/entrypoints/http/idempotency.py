"""Writes that may be repeated: the `Idempotency-Key` header."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import Request

from todo.application.ports import Once
from todo.domain.errors import Flaw, IdempotencyMismatchError, InvalidFieldsError
from todo.entrypoints.http.bodies import read_bytes
from todo.entrypoints.http.described import Described, parameter
from todo.entrypoints.http.headers import header_lines
from todo.entrypoints.http.refusals import TooLargeError, UnsupportedMediaTypeError

if TYPE_CHECKING:
    from todo.application.ports import Outcome
    from todo.entrypoints.http.headers import HeaderField

LONGEST_KEY = 255


def replayed(outcome: Outcome) -> tuple[HeaderField, ...]:
    """The field that tells so, if this is what an earlier request led to."""
    return ((b"idempotency-replayed", b"true"),) if outcome.is_replayed else ()


async def once(request: Request) -> Once | None:
    """What the key asks for; None without one. The same request is: the same method, path and body."""
    lines = header_lines(request, b"idempotency-key")
    body = await read_bytes(request)
    if not lines:
        return None
    key = lines[0]
    if len(lines) > 1 or not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        message = f"must be sent once, and have 1 to {LONGEST_KEY} printable ASCII characters."
        raise InvalidFieldsError([Flaw("Idempotency-Key", "not_a_key", message)])
    head = f"{request.method} {request.scope['path']}\n".encode()
    return Once(key, hashlib.sha256(head + body).hexdigest())


_KEY = parameter(
    "header",
    "Idempotency-Key",
    "Repeats of a request with the same key answer as the first did, for 24 hours. Choose a new one for each request.",
    minLength=1,
    maxLength=LONGEST_KEY,
)

_REFUSALS = (IdempotencyMismatchError, InvalidFieldsError, TooLargeError, UnsupportedMediaTypeError)

OncePerKey = Annotated[Once | None, Depends(once), Described(*_REFUSALS, parameters=[_KEY])]
