"""Where a request comes from, told without believing anyone who must not be believed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from todo.application.limits import ClientAddress

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from ipaddress import IPv4Network
    from typing import Literal

    from starlette.types import Scope

_UNIX: Final = "unix"

_HOPS: Final = 32
"""More proxies than stand before any service."""


class Clients:
    """Tells clients apart. `trusted` are the proxies whose word about their own peer is taken.

    `unix` stands for whoever connects through a Unix socket, who has no address.
    """

    def __init__(self, trusted: Collection[IPv4Network | IPv6Network | Literal["unix"]] = ()) -> None:
        self._trusts_unix = _UNIX in trusted
        self._trusted = [network for network in trusted if network != _UNIX]

    def address(self, scope: Scope) -> ClientAddress:
        """The peer; behind trusted proxies, the last address in `X-Forwarded-For` that is not one of them.

        What stands further left was written by that client, who may write anything. If a proxy names no
        address, that proxy is the client. Of IPv6 it is the /64 network, all of which one person may have.
        """
        peer = scope.get("client")
        client = _parsed(peer[0]) if peer else None
        if self._trusts_unix if client is None else self._trusts(client):
            for text in _forwarded_for(scope):
                hop = _parsed(text)
                if hop is None:
                    break
                client = hop
                if not self._trusts(client):
                    break
        return ClientAddress(_UNIX if client is None else _written(client))

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _forwarded_for(scope: Scope) -> Iterator[str]:
    """From the nearest hop to the farthest. The field may be sent as several lines (RFC 9110, section 5.3)."""
    lines = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    if lines:
        yield from reversed(str(lines, "latin-1").rsplit(",", _HOPS)[-_HOPS:])


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address, maybe with a port: `192.0.2.1:80`, `[2001:db8::1]:80`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _written(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), 64), strict=False))
