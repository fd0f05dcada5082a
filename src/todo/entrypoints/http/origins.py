"""Pages of other web origins (CORS), and what their browsers are told when they ask first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from todo.entrypoints.http.problems import problem_response
from todo.entrypoints.http.refusals import PreflightRefusedError

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Receive, Scope, Send


class Origins(CORSMiddleware):
    """Starlette's, whose refusals are problem documents like all others."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        return response if response.status_code < 400 else _Refusal(headers=dict(response.headers))


class _Refusal(Response):
    """A problem document, made when it is known of which request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = problem_response(Request(scope), PreflightRefusedError())
        ours = {"content-length", "content-type"}
        problem.headers.update({name: value for name, value in self.headers.items() if name not in ours})
        await problem(scope, receive, send)
