"""What every request passes on its way in and every answer on its way out."""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import ClientDisconnect, Request

from todo.entrypoints.http.headers import field, sort_headers
from todo.entrypoints.http.problems import problem_response
from todo.entrypoints.http.refusals import InternalError
from todo.entrypoints.logs import REQUEST_ID, places
from todo.entrypoints.metrics.tally import LEFT, NO_ROUTE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from todo.entrypoints.container import Container
    from todo.entrypoints.metrics.tally import Tally
    from todo.entrypoints.request_log import RequestLog

log = structlog.get_logger("todo.http")

_NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")
_NO_STORE: Final = (b"cache-control", b"no-store")
_SAFE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~:/+=-]{1,128}")  # and no e-mail address


class Edge:
    """Gives each request an id, a path without trailing slash and a GET for a HEAD, and each answer its common headers.

    Each request is counted and logged. Those behind it say in the scope which `template` of a path the request is
    for, what its `outcome` is if the status does not say it, and who the `caller` is.
    """

    def __init__(self, app: ASGIApp, container: Container) -> None:
        self._app = app
        self._container = container
        self._tally: Tally = container.tally()
        self._log: RequestLog = container.request_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        method: str = scope["method"]
        path: str = scope["path"]
        tally = self._tally
        inner = dict(scope)
        inner["method"] = "GET" if method == "HEAD" else method
        inner["path"] = path[:-1] if path.endswith("/") and len(path) > 1 else path
        inner["container"] = self._container
        sort_headers(inner)
        inner["request_id"] = request_id = _request_id(inner)
        REQUEST_ID.set(request_id)

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                inner["status"] = message["status"]
                _count(tally, method, inner, begun)  # already: streams go on for hours
                headers = message["headers"]
                headers += (b"x-request-id", request_id.encode()), _NO_SNIFFING
                if path.startswith("/api") and b"cache-control" not in dict(headers):
                    headers.append(_NO_STORE)
            await send(message)

        tally.in_progress += 1
        try:
            await self._app(inner, receive, _without_body(finish) if method == "HEAD" else finish)
        finally:
            tally.in_progress -= 1
            if "status" not in inner:
                _count(tally, method, inner, begun)
            route, status = inner.get("template", NO_ROUTE), inner.get("status", LEFT)
            self._log.add(method, route, status, time.perf_counter() - begun, inner.get("caller"))


class Faults:
    """Makes a fault of ours an answer, and a line of log that tells where it happened but not with what data.

    From the edge it knows by the scope whether the answer has begun.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            log.info("client_left")
        except Exception as error:
            if scope["type"] != "http":
                raise
            log.error("fault", error=type(error).__name__, at=places(error))
            if "status" in scope:
                raise
            await problem_response(Request(scope), InternalError())(scope, receive, send)


def _request_id(scope: Scope) -> str:
    given = field(scope, b"x-request-id")
    if given and _SAFE_REQUEST_ID.fullmatch(given):
        return str(given, "ascii")
    return f"{random.getrandbits(128):032x}"


def _count(tally: Tally, method: str, scope: Scope, begun: float) -> None:
    route, status, outcome = scope.get("template", NO_ROUTE), scope.get("status", LEFT), scope.get("outcome", "")
    tally.answered(method, route, status, outcome, time.perf_counter() - begun)


def _without_body(send: Send) -> Send:
    """Not even a body without end is waited for: the server tells whoever streams it that nobody listens."""
    is_over = False

    async def send_head(message: Message) -> None:
        nonlocal is_over
        if message["type"] == "http.response.start":
            await send(message)
        elif not is_over:
            is_over = True
            await send({"type": "http.response.body", "body": b""})

    return send_head
