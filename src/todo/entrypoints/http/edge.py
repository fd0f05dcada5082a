"""What every request passes on its way in and every answer on its way out."""

from __future__ import annotations

import re
import time
import traceback
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect, Request

from todo.entrypoints.http.problems import InternalError, problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("todo.http")

_SAFE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")


class Edge:
    """Gives each request an id, a path without trailing slash and a GET for a HEAD, and each answer its common headers.

    One line of log for each request names the route, never the path: paths hold ids.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id = _request_id(scope)
        path: str = scope["path"]
        is_head = scope["method"] == "HEAD"
        inner = dict(scope)
        inner["method"] = "GET" if is_head else scope["method"]
        inner["path"] = path[:-1] if path.endswith("/") and len(path) > 1 else path
        inner["state"] = {**scope.get("state", {}), "request_id": request_id}
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0
        is_over = False

        async def finish(message: Message) -> None:
            nonlocal status, is_over
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, request_id, path)
            elif is_head:
                # Not even a body without end is waited for: the server tells whoever streams it that nobody listens.
                if is_over:
                    return
                is_over, message = True, {"type": "http.response.body", "body": b""}
            await send(message)

        await self._app(inner, receive, finish)
        endpoint = inner.get("endpoint")
        log.info(
            "request",
            method=scope["method"],
            route=getattr(endpoint, "__name__", "none"),
            status=status,
            milliseconds=round((time.perf_counter() - begun) * 1000, 2),
        )


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
            log.error("fault", error=type(error).__name__, at=_frames(error))
            if is_answered:
                raise
            await problem_response(Request(scope), InternalError())(scope, receive, send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SAFE_REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return uuid4().hex


def _add_headers(start: Message, request_id: str, path: str) -> None:
    headers = start["headers"]
    headers.append((b"x-request-id", request_id.encode()))
    headers.append((b"x-content-type-options", b"nosniff"))
    if path.startswith("/api") and not any(name == b"cache-control" for name, _ in headers):
        headers.append((b"cache-control", b"no-store"))


def _frames(error: BaseException) -> list[str]:
    """Where it was raised, outermost first, without the messages: they can quote what a user wrote."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
