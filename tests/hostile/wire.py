"""Bytes to a server and bytes back, with no library in between that would put them right."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 60.0
"""Seconds after which what should have come never will."""


class Answer(NamedTuple):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> Any:
        """The problem document that it must be."""
        assert self.headers["content-type"] == "application/problem+json", self
        document = json.loads(self.body)
        assert document["status"] == self.status
        assert document["detail"] == document["message"] != ""
        assert document["request_id"] == self.headers["x-request-id"]
        assert self.headers["x-content-type-options"] == "nosniff"
        return document

    @property
    def code(self) -> tuple[int, str]:
        """Its status, and the code of its problem."""
        return self.status, self.problem["code"]


class Wire:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *parts: bytes) -> None:
        """All of it, or what the server takes before it hangs up."""
        try:
            for part in parts:
                self._writer.write(part)
                async with asyncio.timeout(PATIENCE):
                    await self._writer.drain()
        except ConnectionError:
            pass

    async def answer(self) -> Answer | None:
        """The next answer; None if the server has hung up."""
        async with asyncio.timeout(PATIENCE):
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"HTTP/1.1 100 "):
                    head = await self._reader.readuntil(b"\r\n\r\n")
                start, *fields = head.decode("latin-1").split("\r\n")[:-2]
                version, status, _ = start.split(" ", 2)
                assert version == "HTTP/1.1"
                headers = dict(re.split(": *", field.lower(), maxsplit=1) for field in fields)
                body = await self._reader.readexactly(int(headers.get("content-length", "0")))
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
        return Answer(int(status), headers, body)

    async def answers(self) -> list[Answer]:
        """All answers until the server hangs up."""
        found = []
        while answer := await self.answer():
            found.append(answer)
        return found

    async def is_closed(self) -> bool:
        """Whether the server hangs up without another word."""
        return await self.answer() is None


class Host:
    """Where the service listens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._place = urlsplit(url)

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        """A new connection."""
        assert self._place.hostname
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()

    async def exchange(self, *parts: bytes) -> Answer:
        """The first answer to these bytes, which there must be."""
        async with self.wire() as wire:
            await wire.send(*parts)
            answer = await wire.answer()
        assert answer, "no answer"
        return answer

    async def is_alive(self) -> bool:
        """Whether it answers a polite request."""
        return (await self.exchange(request("GET", "/livez"))).status == 200


def request(method: str, path: str, *fields: str | bytes, body: bytes | None = None) -> bytes:
    """A request in good order, but for what is asked for. With a body, its length goes with it."""
    lines: list[bytes] = [f"{method} {path} HTTP/1.1".encode(), b"Host: todo.test"]
    lines += [field.encode() if isinstance(field, str) else field for field in fields]
    if body is not None:
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, b"", body or b""])
