"""A TCP proxy in front of PostgreSQL that reads its protocol far enough to cut at a chosen message.

See "Message Formats" in PostgreSQL's manual: a first message has a length only, every later one a letter and a length.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_WRITE = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\s+tasks\b")
_SSL_REQUEST = 80877103
_GSS_REQUEST = 80877104


class Cut(Enum):
    """When a connection is cut, as seen from the message that is waited for."""

    BEFORE = "before the server gets it"
    WITHIN = "when the server has half of it"
    UNANSWERED = "when the server has carried it out and before the client learns of it"
    AFTER = "when the client has the answer"


@dataclass(slots=True)
class Trap:
    """Waits for the message that makes a write of tasks last, and cuts the connection it came through. Springs once.

    That is a COMMIT, or outside a transaction the statement itself.
    """

    cut: Cut
    sprung: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """Passes everything on, until it is told otherwise."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._wires: set[_Wire] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0
        self.delay = 0.0
        """Seconds by which each answer of the server comes later."""
        self.trap: Trap | None = None
        self.cuts = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut_all()
            self.heal()
            for wire in list(self._wires):
                await wire.over.wait()

    def url(self, database: str = "todo") -> str:
        """The URL of a database behind the proxy."""
        return f"postgresql://todo@127.0.0.1:{self.port}/{database}"

    def set_trap(self, cut: Cut) -> Trap:
        """Cut when the next write of tasks is made to last."""
        self.trap = Trap(cut)
        return self.trap

    def part(self) -> None:
        """From now on nothing gets through, either way, and nobody is told: as when a cable is pulled."""
        self._open.clear()

    def heal(self) -> None:
        """Everything that was held up arrives."""
        self._open.set()

    def cut_all(self) -> None:
        """Cut every connection."""
        for wire in list(self._wires):
            wire.cut()

    async def pass_through(self) -> None:
        """Return when messages may go on their way."""
        await self._open.wait()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = _Wire(self, reader, writer)
        self._wires.add(wire)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await wire.run(self._socket)
        finally:
            wire.cut()
            wire.over.set()
            self._wires.discard(wire)


class _Wire:
    """One connection from a client to the server."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.over = asyncio.Event()
        self._proxy = proxy
        self._client = reader, writer
        self._to_server: asyncio.StreamWriter | None = None
        self._prepared: dict[bytes, str] = {}
        self._sprung: Trap | None = None
        self._in_transaction = False

    async def run(self, socket: str) -> None:
        from_client, to_client = self._client
        first = await self._first()
        from_server, self._to_server = await asyncio.open_unix_connection(socket)
        self._to_server.write(first)
        ways = [
            asyncio.create_task(self._from_client(from_client, self._to_server)),
            asyncio.create_task(self._from_server(from_server, to_client)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for ended in await asyncio.gather(*ways, return_exceptions=True):
                if isinstance(ended, Exception) and not isinstance(ended, OSError | asyncio.IncompleteReadError):
                    raise ended

    def cut(self) -> None:
        """Hang up on both sides at once."""
        self._proxy.cuts += not self.over.is_set()
        for writer in (self._client[1], self._to_server):
            if writer:
                writer.transport.abort()

    async def _first(self) -> bytes:
        """The message that opens a session. An offer of encryption is declined, and then the client goes on."""
        reader, writer = self._client
        while True:
            size = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(size) - 4)
            await self._proxy.pass_through()
            if int.from_bytes(body[:4]) not in (_SSL_REQUEST, _GSS_REQUEST):
                return size + body
            writer.write(b"N")

    async def _from_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            kind, message = await _message(reader)
            await self._proxy.pass_through()
            trap = self._proxy.trap
            statement = self._carried_out(kind, message)
            if trap and statement and self._decides(statement):
                self._proxy.trap, self._sprung = None, trap
                if trap.cut is Cut.WITHIN:
                    writer.write(message[: len(message) // 2])
                    await writer.drain()
                if trap.cut in (Cut.BEFORE, Cut.WITHIN):
                    self.cut()
                    trap.sprung.set()
                    return
            writer.write(message)
            await writer.drain()

    async def _from_server(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            kind, message = await _message(reader)
            sprung = self._sprung  # as it was before the client can answer
            if kind == b"Z":
                self._in_transaction = message[5:] != b"I"
            if self._proxy.delay and kind == b"Z":
                await asyncio.sleep(self._proxy.delay)
            await self._proxy.pass_through()
            if sprung and sprung.cut is Cut.UNANSWERED:
                if kind != b"Z":  # ready for the next: then it is carried out
                    continue
                self.cut()
                sprung.sprung.set()
                return
            writer.write(message)
            await writer.drain()
            if sprung and kind == b"Z":
                writer.close()  # what was written before goes out before
                await writer.wait_closed()
                self.cut()
                sprung.sprung.set()
                return

    def _carried_out(self, kind: bytes, message: bytes) -> str | None:
        """The SQL that this message has carried out, if it does; what is prepared is remembered by its name."""
        body = message[5:]
        if kind == b"Q":
            return body.rstrip(b"\0").decode()
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            self._prepared[name] = sql.decode()
        if kind == b"B":
            _, name, _ = body.split(b"\0", 2)
            return self._prepared.get(name)
        return None

    def _decides(self, sql: str) -> bool:
        if sql.strip().upper() == "COMMIT":
            return True
        return not self._in_transaction and bool(_WRITE.search(sql))


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:]) - 4)
