"""What the head of a request may be: how large, and in no form that two readers could read differently."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from todo.entrypoints.http.refusals import HeadTooLargeError, MalformedRequestError, UriTooLongError

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_ADDRESS: Final = 16 * 1024
"""Bytes, as they are sent."""
LARGEST_HEAD: Final = 64 * 1024
"""Bytes of the address and all header fields together."""
MOST_FIELDS: Final = 100
"""Header fields."""

_HOST: Final = re.compile(rb"[\w.~:\[\]%!$&'()*+,;=-]*", re.ASCII)


def check_head(version: str, method: bytes, address: bytes, fields: Sequence[tuple[bytes, bytes]]) -> None:
    """Refuse what the parser and uvicorn let through (RFC 9112, sections 2.5 and 3.2; RFC 9110, section 4.1)."""
    if version not in {"1.0", "1.1"}:
        raise MalformedRequestError("The versions of HTTP that are understood are 1.0 and 1.1.")
    if len(address) > LONGEST_ADDRESS:
        raise UriTooLongError
    if len(fields) > MOST_FIELDS or len(address) + _size_of(fields, version) > LARGEST_HEAD:
        raise HeadTooLargeError
    if b"#" in address:
        raise MalformedRequestError("The address must not hold a fragment.")
    if method == b"CONNECT":
        raise MalformedRequestError("This is no proxy.")


def _size_of(fields: Sequence[tuple[bytes, bytes]], version: str) -> int:
    """How many bytes they have, if no two readers can differ on where the body ends, whom it is for and whose it is."""
    size = hosts = codings = credentials = 0
    for name, value in fields:
        size += len(name) + len(value)
        if name == b"host":
            hosts += 1
            if not _HOST.fullmatch(value):
                raise MalformedRequestError("The Host header is not the name of a host.")
        elif name == b"transfer-encoding":
            codings += 1
            if value.lower() != b"chunked" or codings > 1 or version != "1.1":
                raise MalformedRequestError("The only Transfer-Encoding that is understood is: chunked.")
        elif name == b"authorization":
            credentials += 1
    if credentials > 1:
        raise MalformedRequestError("There may be one Authorization header, not more.")
    if hosts != 1 and (hosts or version == "1.1"):
        raise MalformedRequestError("There must be one Host header.")
    return size
