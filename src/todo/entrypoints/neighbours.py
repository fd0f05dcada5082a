"""What may stand around the service: pages that call it, proxies in front of it, and servers that work for it."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final
from urllib.parse import urlsplit

_USUAL_PORTS: Final = {"http": 80, "https": 443}
_WITHOUT_BLANKS: Final = re.compile(r"[!-~]+")


def lower(value: object) -> object:
    """The same word in lower case, whichever way it was typed."""
    return value.lower() if isinstance(value, str) else value


def parse_origins(value: object) -> object:
    """Origins as browsers name themselves (RFC 6454, section 6.2), from a list with commas in between."""
    if not isinstance(value, str):
        return value
    listed = [text.strip() for text in value.split(",") if text.strip()]
    if "*" in listed:
        raise ValueError(
            "must name each origin: `*` would let every web site act for whoever is logged in, and browsers refuse it"
            " together with credentials."
        )
    return tuple(_origin(text) for text in listed)


def origin_of(url: str) -> str | None:
    """Scheme, host and port of an http or https URL, as browsers write them (RFC 6454, section 6.2)."""
    origin = _written(url)
    return origin if origin and origin.startswith(("http://", "https://")) else None


def parse_proxies(value: object) -> object:
    """Addresses and networks in CIDR notation, and the word `unix`, from a list with commas in between."""
    if not isinstance(value, str):
        return value
    return tuple(_proxy(text.strip()) for text in value.split(",") if text.strip())


def check_redis_url(url: str | None) -> str | None:
    """The same URL, if it is one that names a server of Redis or Valkey with its port."""
    if url and not _is_redis_url(url):
        raise ValueError("must be a URL like redis://:password@host:6379/0, with the port; rediss:// encrypts.")
    return url


def check_collector_url(url: str | None) -> str | None:
    """The same URL without a slash at the end, if it can be the one of an OpenTelemetry collector."""
    if url and not (origin_of(url) and re.fullmatch(r"https?://[^?#@]*", url)):
        raise ValueError("must be a URL like http://127.0.0.1:4318: that of a collector, without /v1/traces.")
    return url and url.rstrip("/").removesuffix("/v1/traces")


def _origin(text: str) -> str:
    origin = _written(_in_ascii(text))
    if not origin or not re.fullmatch(r"[^:]+://[^/?#@*]+", text):
        raise ValueError(
            f"holds {text!r}, but an origin is scheme://host or scheme://host:port, as in https://app.example.com."
        )
    return origin


def _in_ascii(text: str) -> str:
    """The same origin with its host as browsers send it, if that has other letters (RFC 5891; UTS #46)."""
    if text.isascii():
        return text
    import idna  # whose tables few need

    scheme, mark, place = text.partition("://")
    host, colon, port = place.partition(":")
    try:
        return f"{scheme}{mark}{idna.encode(host, uts46=True).decode()}{colon}{port}"
    except idna.IDNAError:
        raise ValueError(f"holds {text!r}, whose host can be no name: write it in its ASCII form (xn--…).") from None


def _written(url: str) -> str | None:
    """The origin of a URL of any scheme, as browsers write it; None if it has none."""
    if not _WITHOUT_BLANKS.fullmatch(url):  # urlsplit leaves some out without a word
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname or parts.username is not None or port == 0:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_usual = port in {None, _USUAL_PORTS.get(parts.scheme)}
    return f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{port}"


def _proxy(text: str) -> IPv4Network | IPv6Network | str:
    if text == "unix":
        return text
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(
            f"holds {text!r}, but a proxy is an address or a network, as in 127.0.0.1 or 10.0.0.0/8, or the word unix."
        ) from None
    if not network.prefixlen:
        raise ValueError(
            f"must not hold {text}, which is everyone: who is trusted can pretend to be anywhere. Name your proxies."
        )
    return network


def _is_redis_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_server = parts.scheme in {"redis", "rediss"} and bool(parts.hostname and parts.port)
        return has_server and bool(re.fullmatch("(/[0-9]{0,5})?", parts.path)) and not parts.query
    except ValueError:
        return False
