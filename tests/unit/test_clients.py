"""Whom `X-Forwarded-For` makes a client, and whom it does not."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Literal

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from todo.entrypoints.http.clients import Clients

PROXIES = ("127.0.0.1", "10.0.0.0/8", "2001:db8:ffff::/48")


def address(peer: str | None, *lines: str | bytes, trusted: tuple[str, ...] = PROXIES) -> str:
    headers = [(b"x-forwarded-for", line if isinstance(line, bytes) else line.encode()) for line in lines]
    unix: tuple[Literal["unix"], ...] = ("unix",) if "unix" in trusted else ()
    networks = [ip_network(text) for text in trusted if text != "unix"]
    client = (peer, 5000) if peer is not None else None
    return Clients([*networks, *unix]).address({"type": "http", "client": client, "headers": headers})


@pytest.mark.parametrize(
    ("peer", "lines", "client"),
    [
        # nobody in between
        ("203.0.113.9", [], "203.0.113.9"),
        # whoever is not trusted is the client, whatever it says
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("203.0.113.9", ["10.0.0.1"], "203.0.113.9"),
        ("192.0.2.7", ["127.0.0.1"], "192.0.2.7"),
        # one proxy
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        # several: from the right, past those that are trusted
        ("10.0.0.1", ["198.51.100.1, 10.0.0.3, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1,10.0.0.3", "10.0.0.2"], "198.51.100.1"),
        # what the client itself wrote in front does not count
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["10.9.9.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["garbage, 198.51.100.1"], "198.51.100.1"),
        # all of them ours
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        # a proxy that names no address stands for its client
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, _hidden, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["198.51.100.1,"], "10.0.0.1"),
        # ports
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::/64"),
        ("10.0.0.1", ["[2001:db8::1]"], "2001:db8::/64"),
        # IPv6: all of a /64 is one client, zones or not
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("10.0.0.1", ["fe80::1%" + "z" * 1000], "fe80::/64"),
        ("2001:db8:ffff::1", ["2001:db8:1:2::1"], "2001:db8:1:2::/64"),
        # IPv4 on a socket of both families
        ("::ffff:203.0.113.9", [], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        # no address at all
        (None, [], "unix"),
        (None, ["198.51.100.1"], "unix"),
        ("", ["198.51.100.1"], "unix"),
        ("testclient", ["198.51.100.1"], "unix"),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_trusted(peer: str | None, lines: list[str], client: str) -> None:
    assert address(peer, *lines) == client


def test_nobody_is_trusted_unless_it_is_said() -> None:
    assert address("127.0.0.1", "198.51.100.1", trusted=()) == "127.0.0.1"


def test_whoever_comes_through_a_unix_socket_can_be_trusted() -> None:
    assert address(None, "198.51.100.1", trusted=("unix",)) == "198.51.100.1"
    assert address("203.0.113.9", "198.51.100.1", trusted=("unix",)) == "203.0.113.9"


def test_there_are_no_more_hops_than_any_service_has_proxies() -> None:
    assert address("10.0.0.1", "198.51.100.1, " + ", ".join(["10.0.0.2"] * 1000)) == "10.0.0.2"


@example(b"\xff" * 8192)
@example(b"," * 8192)
@example(b":" * 8192)
@example(b"[" * 8192)
@example(b"9" * 8192)
@example("²".encode("latin-1") + b".1.1.1")
@example(b"1.1.1.1\x00")
@example(b"::%")
@given(st.binary() | st.text("0123456789abcdef:.[]%, ").map(str.encode))
def test_whatever_the_header_holds_there_is_a_client(line: bytes) -> None:
    for trusted in (PROXIES, (*PROXIES, "unix")):
        for peer in ("10.0.0.1", None):
            assert 0 < len(address(peer, line, trusted=trusted)) < 50
