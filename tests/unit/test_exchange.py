"""How an answer is written to its connection."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from todo.entrypoints.exchange import Exchange

LENGTH = (b"content-length", b"4")
TYPE = (b"content-type", b"text/plain")


class Wire(asyncio.Transport):
    """Notes what the kernel would be asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("close")


class Asked:
    """A request under way, and what was written in answer to it."""

    def __init__(
        self,
        method: str = "GET",
        *,
        version: str = "1.1",
        default: tuple[bytes, bytes] = TYPE,
        keep_alive: bool = True,
    ) -> None:
        self.wire = Wire()
        self.completed = 0
        logger = logging.getLogger("uvicorn")
        self._exchange = Exchange(
            {"type": "http", "http_version": version, "method": method},
            self.wire,
            FlowControl(self.wire),
            logger,
            logger,
            False,
            [default],
            asyncio.Event(),
            True,
            keep_alive,
            self._complete,
        )

    def _complete(self) -> None:
        self.completed += 1

    async def start(self, *fields: tuple[bytes, bytes], status: int = 200) -> None:
        await self._exchange.send({"type": "http.response.start", "status": status, "headers": [*fields]})

    async def body(self, body: bytes = b"", **message: Any) -> None:
        await self._exchange.send({"type": "http.response.body", "body": body, **message})

    def leave(self) -> None:
        self._exchange.disconnected = True


async def test_head_and_body_leave_in_one_write() -> None:
    asked = Asked()
    await asked.start(LENGTH)
    assert asked.wire.done == []
    await asked.body(b"done")
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\n"
    assert asked.wire.done == [head + b"done"]
    assert asked.completed == 1


async def test_a_body_of_known_length_may_come_in_parts() -> None:
    asked = Asked()
    await asked.start(LENGTH)
    await asked.body(b"do", more_body=True)
    assert asked.completed == 0
    await asked.body(b"ne")
    assert [part[-2:] for part in asked.wire.done] == [b"do", b"ne"]
    assert asked.completed == 1


async def test_the_head_of_a_stream_waits_for_nothing() -> None:
    asked = Asked()
    await asked.start()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
    assert asked.wire.done == [head]
    await asked.body(b"0123456789abcdef", more_body=True)
    await asked.body(b"end")
    assert asked.wire.done[1:] == [b"10\r\n0123456789abcdef\r\n", b"3\r\nend\r\n0\r\n\r\n"]


async def test_an_empty_part_of_a_stream_does_not_end_it() -> None:
    asked = Asked()
    await asked.start()
    await asked.body(b"", more_body=True)
    await asked.body(b"")
    assert b"".join(part for part in asked.wire.done[1:] if isinstance(part, bytes)) == b"0\r\n\r\n"


async def test_a_stream_to_an_old_client_has_no_chunks_and_ends_with_the_connection() -> None:
    asked = Asked(version="1.0", keep_alive=False)
    await asked.start()
    await asked.body(b"one ", more_body=True)
    await asked.body(b"two")
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n"
    assert asked.wire.done == [head, b"one ", b"two", "close"]
    assert asked.completed == 1


@pytest.mark.parametrize(("method", "status"), [("GET", 204), ("DELETE", 304), ("HEAD", 200)])
async def test_an_answer_that_has_no_body_has_no_length_of_our_making(method: str, status: int) -> None:
    asked = Asked(method)
    await asked.start(status=status)
    await asked.body()
    (head,) = asked.wire.done
    assert isinstance(head, bytes)
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert head.endswith(b"\r\ncontent-type: text/plain\r\n\r\n")


async def test_a_head_tells_how_long_the_body_would_be() -> None:
    asked = Asked("HEAD")
    await asked.start(LENGTH)
    await asked.body()
    assert asked.wire.done == [b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\n"]


@pytest.mark.parametrize("is_server_stopping", [True, False])
async def test_the_last_answer_says_so_once_and_closes(is_server_stopping: bool) -> None:
    farewell = (b"connection", b"close")
    asked = Asked(default=farewell) if is_server_stopping else Asked(keep_alive=False)
    await asked.start(LENGTH)
    await asked.body(b"done")
    answer, end = asked.wire.done
    assert isinstance(answer, bytes)
    assert answer.count(b"connection: close\r\n") == 1
    assert end == "close"


@pytest.mark.parametrize("bodies", [[b"longer"], [b"no"], [b"do", b"n"], [b"don", b"ee"]])
async def test_a_body_of_another_length_is_a_fault_and_never_completes(bodies: list[bytes]) -> None:
    asked = Asked()
    await asked.start(LENGTH)
    for body in bodies[:-1]:
        await asked.body(body, more_body=True)
    with pytest.raises(RuntimeError, match="Content-Length"):
        await asked.body(bodies[-1])
    assert asked.completed == 0


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b"\n\r", b"\r\n\r\n"])
async def test_no_field_can_end_its_own_line(end: bytes) -> None:
    for field in ((b"location", b"/here" + end + b"set-cookie: a=b"), (b"x" + end + b"y", b"z")):
        asked = Asked()
        with pytest.raises(RuntimeError, match="end of a line"):
            await asked.start(LENGTH, field)
        assert asked.wire.done == []


async def test_nothing_follows_a_complete_answer() -> None:
    asked = Asked()
    await asked.start(LENGTH)
    await asked.body(b"done")
    with pytest.raises(RuntimeError, match="complete"):
        await asked.body(b"more")
    assert len(asked.wire.done) == 1


async def test_nothing_is_written_to_a_client_that_has_left() -> None:
    asked = Asked()
    asked.leave()
    await asked.start(LENGTH)
    await asked.body(b"done")
    assert asked.wire.done == []
