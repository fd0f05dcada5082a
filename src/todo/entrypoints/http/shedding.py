"""Load shedding: of more requests than can be answered in time, those that come last are refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from todo.domain.errors import UnavailableError
from todo.entrypoints.http.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from todo.entrypoints.metrics.tally import Tally

MOST_AT_ONCE: Final = 1_008
"""Requests under way in one process, streams not counted: with a connection to the database, or waiting for one."""
PAUSE: Final = 1.0
"""Seconds until a refusal."""


class LoadShedding:
    """Lets so many requests to the API be under way, and answers the others with 503, after a pause.

    Who is refused at once tries again at once, and soon refusing is all that gets done: measured with 4,000
    connections that know no patience. Whether the process lives and is ready is told even then.
    """

    def __init__(self, app: ASGIApp, tally: Tally) -> None:
        self._app = app
        self._tally = tally
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and self._under_way - self._tally.open_streams >= MOST_AT_ONCE
            and scope["path"].startswith("/api")
        ):
            await asyncio.sleep(PAUSE)
            await problem_response(Request(scope), UnavailableError())(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
