"""A way to a server of PostgreSQL that can be shut, and that can lose what is on it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import TYPE_CHECKING

from todo.adapters.postgres.url import connect_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SSL_REQUEST = 80877103


class Way(Enum):
    """What becomes of who wants to connect."""

    OPEN = "passes"
    STARTING = "is told that the database is starting"
    HUNG_UP = "is hung up on"


class Loss(Enum):
    """What becomes of the next message on an open connection, whose end it is."""

    BEFORE = "is lost"
    AFTER = "arrives, and its answer is lost"


class Gate:
    """Shut and opened by tests."""

    def __init__(self, server_url: str) -> None:
        named = connect_arguments(server_url)
        self._host, self._port = named["host"], named["port"]
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._server_url = server_url
        self.way = Way.OPEN
        self._loss: Loss | None = None
        self.knocks = 0
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Gate]:
        server = await asyncio.start_server(self._come, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def url(self, database: str) -> str:
        """The way to a database of the server, unencrypted."""
        named = connect_arguments(self._server_url)
        who = f"{named['user']}:{named.get('password', '')}".replace(" ", "%20").removesuffix(":")
        return f"postgresql://{who}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def cut(self) -> None:
        """Hang up on everybody."""
        for writer in list(self._writers):
            writer.transport.abort()

    def lose(self, loss: Loss) -> None:
        """Hang up on whoever sends the next message, when that is done to it."""
        self._loss = loss

    def has_lost(self) -> bool:
        return self._loss is None

    def swallow(self) -> None:
        """From now on nothing arrives on what is open, and nobody is told; who connects anew passes."""
        self._passing.clear()
        self._passing = asyncio.Event()
        self._passing.set()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks += 1
        self._writers.add(writer)
        passing = self._passing
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                first = await _first(reader, writer)
                if self.way is Way.STARTING:
                    writer.write(_error("57P03", "the database system is starting up"))
                    await writer.drain()
                elif self.way is Way.OPEN:
                    await self._pass(first, reader, writer, passing)
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _pass(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passing: asyncio.Event
    ) -> None:
        if self._host.startswith("/"):
            answers, server = await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        else:
            answers, server = await asyncio.open_connection(self._host, self._port)
        self._writers.add(server)
        server.write(first)
        back = asyncio.create_task(_pump(answers, writer, passing))
        try:
            while said := await reader.read(65_536):
                if self._loss and passing.is_set():
                    loss, self._loss = self._loss, None
                    if loss is Loss.AFTER:
                        back.cancel()
                        await asyncio.wait([back])  # one may read at a time
                        server.write(said)
                        await answers.read(65_536)  # it has answered, so it has done it
                    return
                if passing.is_set():
                    server.write(said)
        finally:
            back.cancel()
            server.close()
            self._writers.discard(server)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passing: asyncio.Event) -> None:
    with suppress(OSError):
        while said := await reader.read(65_536):
            if passing.is_set():
                writer.write(said)
        writer.close()


async def _first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The message that opens a session. An offer of encryption is declined."""
    while True:
        size = await reader.readexactly(4)
        body = await reader.readexactly(int.from_bytes(size) - 4)
        if int.from_bytes(body[:4]) != _SSL_REQUEST:
            return size + body
        writer.write(b"N")


def _error(code: str, sentence: str) -> bytes:
    """ErrorResponse."""
    fields = b"".join(kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"V", "FATAL")))
    fields += b"C" + code.encode() + b"\0M" + sentence.encode() + b"\0\0"
    return b"E" + (len(fields) + 4).to_bytes(4) + fields
