"""Load shedding: of more requests than can be answered in time, those that come last are refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from todo.domain.errors import UnavailableError
from todo.entrypoints.http.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_AT_ONCE: Final = 1_000
"""Requests under way in one process: with a connection to the database, or waiting for one.

A few less than the pool has places, for what is no request: hints, looks, clearing up. The pool refuses at once.
"""
PAUSE: Final = 1.0
"""Seconds until a refusal."""


class LoadShedding:
    """Lets so many requests to the API be under way, and answers the others with 503, after a pause.

    Who is refused at once tries again at once, and soon refusing is all that gets done: measured with 4,000
    connections that know no patience. Whether the process lives and is ready is told even then.

    What waits for its client is not under way meanwhile: for a body that comes slowly or never, or, as streams
    do, for the client to leave. Else whoever sends a thousand heads and no body would shut all others out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._under_way >= MOST_AT_ONCE and scope["path"].startswith("/api"):
            await asyncio.sleep(PAUSE)
            await problem_response(Request(scope), UnavailableError())(scope, receive, send)
            return

        async def wait_for_client() -> Message:
            self._under_way -= 1
            try:
                return await receive()
            finally:
                self._under_way += 1

        self._under_way += 1
        try:
            await self._app(scope, wait_for_client, send)
        finally:
            self._under_way -= 1
