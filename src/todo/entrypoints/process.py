"""What a service owes the machine it runs on: that it stops when told to, and a port that it alone listens on."""

from __future__ import annotations

import errno
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


END_STREAMS = "end_streams"
"""In the state of the application's lifespan: what ends the answers that would never end by themselves."""
WITHDRAW = "withdraw"
"""In there, too: what takes back that the service is ready …"""
READABLE_BY = "readable_by"
"""… and what tells which header fields let a page of this origin, or of none, read an answer."""


class Readiness:
    """Whether new requests are welcome: until the service is told to stop."""

    is_withdrawn = False

    def withdraw(self) -> None:
        """From now on they are not."""
        self.is_withdrawn = True


class PortError(Exception):
    """The port cannot be listened on. One sentence that says why."""


def heed_termination() -> None:
    """From now on SIGTERM, and a terminal that is closed, do what Ctrl-C does: raise `KeyboardInterrupt`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # else `nohup` wants it ignored
        signal.signal(signal.SIGHUP, _terminate)


def _terminate(_: int, __: FrameType | None) -> None:
    # By way of SIGTERM, because the server takes that one over, and then ends in good order.
    signal.raise_signal(signal.SIGTERM)


@contextmanager
def undisturbed() -> Iterator[None]:
    """What is inside is not interrupted: a second Ctrl-C waits for it, as the first one does."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def bound(host: str, port: int) -> socket.socket:
    """A socket on the port: ours from now on, though nobody can connect before `listen`.

    `PortError` if it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise PortError(f"TODO_HOST: {host!r} is not an address or name of this machine.") from None
    listener = socket.socket(family, kind, protocol)
    try:
        # What remains of ended connections is not in the way …
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # … but nobody else may bind the port beside us, and listen first.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError as error:
        listener.close()
        raise PortError(_bind_problem(error, host, port)) from None
    return listener


def listen(listener: socket.socket, backlog: int) -> None:
    """Let clients connect. `PortError` if somebody else was faster, as not every system keeps a port until then."""
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so that what will remain is not in the way
        listener.listen(backlog)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise PortError(_bind_problem(error, host, port)) from None


def _bind_problem(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken: stop what listens there, or choose another with TODO_PORT or --port."
    if error.errno == errno.EACCES:
        return f"Port {port} is not open to this user: choose one above 1023 with TODO_PORT or --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"TODO_HOST: {host!r} is not an address of this machine."
    return f"Port {port} of {host} cannot be listened on: {error.strerror}."
