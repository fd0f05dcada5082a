"""A connection whose server is told to stop, at any moment of an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from uvicorn.server import ServerState

from todo.entrypoints.connections import Connection
from todo.entrypoints.server import configured

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ASKED = b"GET / HTTP/1.1\r\nHost: todo.test\r\n\r\n"


class Wire(asyncio.Transport):
    """What the client would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = b""
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.seen += data

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


@pytest.mark.parametrize(("moment", "is_last"), [("before", True), ("between", False), ("behind", False)])
async def test_an_answer_is_the_last_if_and_only_if_it_says_so(moment: str, is_last: bool) -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        if moment == "before":
            connection.retire()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        if moment == "between":
            connection.retire()
        await send({"type": "http.response.body", "body": b"done"})
        if moment == "behind":
            connection.retire()

    wire = Wire()
    connection = Connection(configured(app), ServerState(), {})
    connection.app = app
    connection.connection_made(wire)
    connection.data_received(ASKED)
    await asyncio.sleep(0.01)
    assert wire.seen.endswith(b"\r\n\r\ndone")
    assert (b"connection: close" in wire.seen) is is_last
    assert wire.is_closed is is_last
    connection.connection_lost(None)
