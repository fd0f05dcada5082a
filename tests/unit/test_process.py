"""A port of this machine: whose it is from when on."""

from __future__ import annotations

import socket

import pytest

from todo.entrypoints.process import PortError, bound, listen


def test_a_port_is_ours_before_anybody_can_connect() -> None:
    with bound("127.0.0.1", 0) as ours:
        port = ours.getsockname()[1]
        with pytest.raises(PortError, match=f"Port {port} is taken: stop what listens there, or choose another with"):
            bound("127.0.0.1", port)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        listen(ours, 1)
        socket.create_connection(("127.0.0.1", port)).close()


def test_who_listens_later_than_another_is_told() -> None:
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(("127.0.0.1", 0))
        port = first.getsockname()[1]
        second.bind(("127.0.0.1", port))
        first.listen()
        with pytest.raises(PortError, match=f"Port {port} is taken"):
            listen(second, 1)


def test_connections_that_have_ended_are_in_nobodys_way() -> None:
    with bound("127.0.0.1", 0) as ours:
        port = ours.getsockname()[1]
        listen(ours, 1)
        with socket.create_connection(("127.0.0.1", port)):
            ours.accept()[0].close()  # first, so that what remains of it is here
    with bound("127.0.0.1", port) as again:
        listen(again, 1)
