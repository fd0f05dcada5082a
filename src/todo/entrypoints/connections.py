"""Connections of clients that need not be polite: each request is bounded in size and in time before it is one.

uvicorn's parser refuses most of what is not HTTP. What it lets through, and what it would wait for or collect
without end, is refused here; all of it as problem documents.
"""

from __future__ import annotations

import asyncio
import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote
from uuid import uuid4

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from todo.domain.errors import TodoError, UnavailableError
from todo.entrypoints.bare_answers import bare_answer
from todo.entrypoints.deadline import Deadline
from todo.entrypoints.exchange import Exchange
from todo.entrypoints.http.heads import LARGEST_HEAD, check_head
from todo.entrypoints.http.problems import Problem
from todo.entrypoints.http.refusals import (
    HeadTooLargeError,
    MalformedRequestError,
    RequestTimeoutError,
    UnknownMethodError,
)
from todo.entrypoints.open_files import most_connections
from todo.entrypoints.process import READABLE_BY
from todo.entrypoints.stall import Stall

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

MOST_WAITING: Final = 100
"""Requests that one connection may send ahead of the answers."""
REQUEST_WITHIN: Final = 30.0
"""Seconds from the first byte of a request to the last of its body."""

log = structlog.get_logger("todo.http")

_LINE: Final = re.compile(rb"[A-Z-]{1,40} [!-~]+ HTTP/1\.[01]\r\n")


class _Stage(Enum):
    """Which part of a request the next bytes belong to."""

    BETWEEN = "none has begun"
    HEAD = "its line and its fields"
    BODY = "its body"


class Connection(HttpToolsProtocol):
    """A client's connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._stage = _Stage.BETWEEN
        self._unread = 0
        self._asks_upgrade = False
        self._is_refused = False
        self._deadline = Deadline(self.loop, self._give_up)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # no pipe connects here
        super().connection_made(transport)
        self._stall = Stall(self.loop, transport)
        if len(self.connections) > most_connections():
            self._refuse(UnavailableError("There are too many connections right now. Try again in a moment."))
        else:
            self._deadline.set(REQUEST_WITHIN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.close()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._unread += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, TodoError) else _refusal_of(error, data))
        else:
            if self._stage is _Stage.HEAD and self._unread > LARGEST_HEAD:
                self._refuse(HeadTooLargeError())

    def on_message_begin(self) -> None:
        self._stage = _Stage.HEAD
        self._deadline.set(REQUEST_WITHIN)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        version, method = self.parser.get_http_version(), self.parser.get_method()
        check_head(version, method, self.url, self.headers)
        if len(self.pipeline) >= MOST_WAITING:
            raise MalformedRequestError("Too many requests were sent ahead.")
        if self.parser.should_upgrade():
            self._asks_upgrade = True
            return
        self._stage, self._unread = _Stage.BODY, 0
        address = httptools.parse_url(self.url)
        path = address.path.decode("ascii")
        self.scope |= {
            "http_version": version,
            "method": method.decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": address.path,
            "query_string": address.query or b"",
        }
        self._begin()

    def on_message_complete(self) -> None:
        if self._asks_upgrade:
            return
        self._stage, self._unread = _Stage.BETWEEN, 0
        self._deadline.lift()
        if self.cycle.response_complete:
            self._rest()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._stage is _Stage.BETWEEN:
            self._rest()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.watch()

    def resume_writing(self) -> None:
        self._stall.over()
        super().resume_writing()

    def retire(self) -> None:
        """Let the answer to the request that came last be the last, if it can still say so (RFC 9112, section 9.6).

        A signal calls this at any moment. Who is not told, and sends another request, is told with its answer.
        """
        if self._latest and not self._latest.response_started:
            self._latest.keep_alive = False

    def _begin(self) -> None:
        """Have the request answered, once those before it are."""
        before = self._latest
        # who is refused before the body is asked for may leave it out, or not: what comes next cannot be told
        may_last = self.scope["http_version"] == "1.1" and not self.expect_100_continue
        self.cycle = Exchange(
            self.scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            False,
            self.server_state.default_headers,
            asyncio.Event(),
            self.expect_100_continue,
            may_last and self.parser.should_keep_alive(),
            self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _rest(self) -> None:
        """Wait for the next request."""
        self._deadline.set(self.timeout_keep_alive)

    def _feed(self, data: bytes) -> None:
        """Parse. Who asks for another protocol gets an answer in this one (RFC 9110, section 7.8).

        The parser passes over the body of such a request and all that follows: it is read again without the wish.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                start = b"%s %s HTTP/%s\r\n" % (
                    self.parser.get_method(),
                    self.url,
                    self.parser.get_http_version().encode(),
                )
                fields = [b"%s: %s\r\n" % field for field in self.headers if field[0] != b"upgrade"]
                data = b"".join([start, *fields, b"\r\n", data[upgrade.args[0] :]])
                self._asks_upgrade = False
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            else:
                return

    def _give_up(self) -> None:
        """What should have arrived by now has not."""
        if self._stage is _Stage.BETWEEN:
            self.transport.close()
        else:
            self._refuse(RequestTimeoutError())

    def _refuse(self, error: TodoError) -> None:
        """End the connection; with an answer, if the next one due is that to the request which is refused."""
        self._is_refused = True
        self._deadline.lift()
        cycle = self._latest
        if cycle is None or cycle.response_complete:
            # of a request that has its answer already, the rest of the body is worth none
            if self._stage is not _Stage.BODY or cycle is None:
                self._answer(error)
        elif self._stage is not _Stage.BODY:
            cycle.keep_alive = False  # answers to the requests before are still due, and then it ends
            return
        elif not cycle.response_started and not self.pipeline:
            self._answer(error)
        self.transport.close()

    @property
    def _latest(self) -> RequestResponseCycle | None:
        """The request whose head came last."""
        return cast("RequestResponseCycle | None", self.cycle)

    def _answer(self, error: TodoError) -> None:
        request_id = uuid4().hex
        problem = Problem.of(error, "", request_id)
        shown = self.app_state[READABLE_BY](dict(self.headers or ()).get(b"origin"))
        self.transport.write(bare_answer(problem, error, [*self.server_state.default_headers, *shown]))
        log.info("refused", request_id=request_id, code=error.code, status=problem.status)


def _refusal_of(error: httptools.HttpParserError, data: bytes) -> TodoError:
    """Why the parser could not make sense of these bytes: of a request, but for its method, or of anything else."""
    is_method = isinstance(error, httptools.HttpParserInvalidMethodError) and _LINE.match(data)
    return UnknownMethodError() if is_method else MalformedRequestError()
