"""Writing the parts of an answer at once.

uvicorn writes the head and the body one after the other, and uvloop sends each the moment it comes: two calls of
the kernel, often two packets, and a fifth of what a request costs the server before any of our code. Without the one
line in `connections.py` that puts this in between, all is as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class CorkedTransport:
    """The transport of a connection, but for what is written: that goes out together, once the loop comes round."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send these bytes soon, behind those before."""
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(data)

    def close(self) -> None:
        """Send what was written, and then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.write(b"".join(waiting))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
