"""Answers to what never became a request, and so meets neither the application nor its middleware."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from todo.domain.errors import UnavailableError
from todo.entrypoints.http.problems import ProblemResponse
from todo.entrypoints.http.shapes import as_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from todo.domain.errors import TodoError
    from todo.entrypoints.http.problems import Problem


def bare_answer(problem: Problem, error: TodoError, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The bytes of an answer after which the connection ends."""
    body = as_json(problem)
    fields = [
        *headers,
        (b"content-type", (ProblemResponse.media_type or "").encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", problem.request_id.encode()),
        (b"connection", b"close"),
    ]
    if isinstance(error, UnavailableError):
        fields.append((b"retry-after", str(error.retry_after).encode()))
    start = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n".encode()
    return b"".join([start, *(b"%s: %s\r\n" % field for field in fields), b"\r\n", body])
