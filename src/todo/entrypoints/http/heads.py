"""Why a request is refused before it is known what it wants, and how large and how slow one may be."""

from __future__ import annotations

from typing import Final

from todo.domain.errors import TodoError

LONGEST_ADDRESS: Final = 16 * 1024
"""Bytes, as they are sent."""
LARGEST_HEAD: Final = 64 * 1024
"""Bytes of the address and all header fields together."""
MOST_FIELDS: Final = 100
"""Header fields."""
REQUEST_WITHIN: Final = 30.0
"""Seconds from the first byte of a request to the last of its body."""


class MalformedRequestError(TodoError):
    """It is not HTTP/1.1 (RFC 9112), or in a form that servers and proxies read in different ways."""

    code = "malformed_request"
    sentence = "This is not a valid HTTP/1.1 request."


class UnknownMethodError(TodoError):
    """No address knows the method (RFC 9110, section 15.6.2), so no Allow header could tell which do."""

    code = "unknown_method"
    sentence = (
        "The method is none of HTTP's. The methods that are understood are GET, HEAD, POST, PUT, PATCH and DELETE."
    )


class UriTooLongError(TodoError):
    """The address is longer than any request needs."""

    code = "uri_too_long"
    sentence = "The address may have at most 16 KiB (16,384 bytes)."


class HeadTooLargeError(TodoError):
    """There are more header fields than any request needs, or they are longer."""

    code = "head_too_large"
    sentence = "A request may have at most 100 header fields, which together have at most 64 KiB (65,536 bytes)."


class RequestTimeoutError(TodoError):
    """The rest of the request did not come."""

    code = "request_timeout"
    sentence = "The request must arrive within 30 seconds."
