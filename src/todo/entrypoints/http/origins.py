"""Pages of other web origins (CORS), and what their browsers are told when they ask first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from todo.entrypoints.http.problems import problem_response
from todo.entrypoints.http.refusals import PreflightRefusedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Receive, Scope, Send

_SENT: Final = [
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "Last-Event-ID",
    "X-Request-ID",
]
_SHOWN: Final = [
    "ETag",
    "Location",
    "Link",
    "Retry-After",
    "Idempotency-Replayed",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-Request-ID",
]


class Origins(CORSMiddleware):
    """Starlette's, whose refusals are problem documents like all others."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_credentials=True,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=_SENT,
            expose_headers=_SHOWN,
            max_age=3600,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        return response if response.status_code < 400 else _Refusal(headers=dict(response.headers))


def readable_by(page: bytes | None, origins: Collection[str]) -> list[tuple[bytes, bytes]]:
    """The header fields that let a page of this origin read an answer, if it is one of the `origins`.

    For answers that do not come by the middleware, which says the same.
    """
    if page is None or page.decode("latin-1") not in origins:
        return []
    return [
        (b"access-control-allow-origin", page),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", ", ".join(_SHOWN).encode()),
        (b"vary", b"Origin"),
    ]


class _Refusal(Response):
    """A problem document, made when it is known of which request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = problem_response(Request(scope), PreflightRefusedError())
        ours = {"content-length", "content-type"}
        problem.headers.update({name: value for name, value in self.headers.items() if name not in ours})
        await problem(scope, receive, send)
