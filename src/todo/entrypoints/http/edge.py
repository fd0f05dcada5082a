"""What every request passes on its way in and every answer on its way out."""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import ClientDisconnect, Request

from todo.entrypoints.http.headers import sort_headers
from todo.entrypoints.http.problems import problem_response
from todo.entrypoints.http.refusals import InternalError
from todo.entrypoints.logs import REQUEST_ID, places
from todo.entrypoints.metrics.tally import LEFT, NO_ROUTE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from todo.entrypoints.container import Container
    from todo.entrypoints.http.pseudonyms import Pseudonyms
    from todo.entrypoints.metrics.tally import Tally
    from todo.entrypoints.request_log import RequestLog

log = structlog.get_logger("todo.http")

_NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")
_NO_STORE: Final = (b"cache-control", b"no-store")
_SAFE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")


class Edge:
    """Gives each request an id, a path without trailing slash and a GET for a HEAD, and each answer its common headers.

    Each request is counted and logged. Those behind it say in the scope which `template` of a path the request is
    for, what its `outcome` is if the status does not say it, and who the `caller` is.
    """

    def __init__(self, app: ASGIApp, container: Container) -> None:
        self._app = app
        self._container = container
        self._tally: Tally = container.tally()
        self._pseudonyms: Pseudonyms = container.pseudonyms()
        self._log: RequestLog = container.request_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        method: str = scope["method"]
        path: str = scope["path"]
        request_id = _request_id(scope)
        REQUEST_ID.set(request_id)
        common = (b"x-request-id", request_id.encode()), _NO_SNIFFING
        inner = dict(scope)
        inner["method"] = "GET" if method == "HEAD" else method
        inner["path"] = path[:-1] if path.endswith("/") and len(path) > 1 else path
        inner["container"] = self._container
        sort_headers(inner)
        inner["state"] = {**scope.get("state", {}), "request_id": request_id}
        status = LEFT
        tally = self._tally
        tally.in_progress += 1

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _count(tally, method, inner, status, begun)  # already: streams go on for hours
                headers = message["headers"]
                headers += common
                if path.startswith("/api") and not _says_how_to_cache(headers):
                    headers.append(_NO_STORE)
            await send(message)

        try:
            await self._app(inner, receive, _without_body(finish) if method == "HEAD" else finish)
        finally:
            tally.in_progress -= 1
            if status == LEFT:
                _count(tally, method, inner, status, begun)
            caller = inner.get("caller")
            user = self._pseudonyms.of(caller) if caller else None
            self._log.add(method, inner.get("template", NO_ROUTE), status, time.perf_counter() - begun, user)


class Faults:
    """Makes a fault of ours an answer, and a line of log that tells where it happened but not with what data."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_answered = False

        async def watch(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            log.info("client_left")
        except Exception as error:
            if scope["type"] != "http":
                raise
            log.error("fault", error=type(error).__name__, at=places(error))
            if is_answered:
                raise
            await problem_response(Request(scope), InternalError())(scope, receive, send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SAFE_REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return f"{random.getrandbits(128):032x}"


def _count(tally: Tally, method: str, scope: Scope, status: int, begun: float) -> None:
    route, outcome = scope.get("template", NO_ROUTE), scope.get("outcome", "")
    tally.answered(method, route, status, outcome, time.perf_counter() - begun)


def _says_how_to_cache(headers: list[tuple[bytes, bytes]]) -> bool:
    for name, _ in headers:  # noqa: SIM110 - a generator for `any` takes three times as long, on each request
        if name == b"cache-control":
            return True
    return False


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
