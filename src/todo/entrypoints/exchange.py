"""A request and its answer, which leaves in one write.

uvicorn writes the head of an answer and its body one after the other, and uvloop sends each the moment it comes: two
calls of the kernel, often two packets. It also looks through each header field twice for what must not be in it. This
holds the head back for the body and looks through it once: together a tenth of what a request costs the server before
any of our code. Make `Connection` begin a `RequestResponseCycle` again, and all is as uvicorn does it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    from starlette.types import Message


class Exchange(RequestResponseCycle):
    """What uvicorn makes of each request, but for how the answer is sent.

    An answer of unknown length is a stream: its head leaves at once, and each part of its body as a chunk; to a
    client that only knows HTTP/1.0 as it is, up to the end of the connection (RFC 9112, section 6.1).
    """

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._head = b""
        self._left: float = 0

    async def send(self, message: Message) -> None:  # type: ignore[override]  # Starlette has one type for all messages
        """Send the next part of the answer; a `RuntimeError` if it cannot follow what was sent."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._begin(message["status"], [*self.default_headers, *message["headers"]])
        elif self.response_complete:
            raise RuntimeError("The answer is complete already.")
        else:
            self._go_on(message.get("body", b""), message.get("more_body", False))

    def _begin(self, status: int, fields: list[tuple[bytes, bytes]]) -> None:
        # first of all: from here on nothing but the answer itself decides whether it says that it is the last
        self.response_started, self.waiting_for_100_continue = True, False
        named = dict(fields)
        if b"connection" in named:  # of its values, the only one in use is `close`
            self.keep_alive = False
        elif not self.keep_alive:
            fields.append((b"connection", b"close"))
        has_body = status not in {204, 304} and self.scope["method"] != "HEAD"
        length = named.get(b"content-length")
        is_stream = length is None and has_body
        if is_stream and self.scope["http_version"] == "1.1":
            self.chunked_encoding = True
            fields.append((b"transfer-encoding", b"chunked"))
        head = STATUS_LINE[status] + b"\r\n".join(map(b": ".join, fields)) + b"\r\n\r\n"
        if not head.count(b"\r") == head.count(b"\n") == len(fields) + 2:
            raise RuntimeError("A header field must not hold the end of a line.")
        if is_stream:
            self._left = math.inf
            self.transport.write(head)
        else:
            self._left = int(length or 0) if has_body else 0
            self._head = head

    def _go_on(self, body: bytes, has_more: bool) -> None:
        if self.chunked_encoding:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self.transport.write(chunk if has_more else chunk + b"0\r\n\r\n")
        else:
            self._left -= len(body)
            if self._left < 0 or (0 < self._left < math.inf and not has_more):
                raise RuntimeError("The body is not as long as its Content-Length.")
            self.transport.write(self._head + body)
            self._head = b""
        if not has_more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
