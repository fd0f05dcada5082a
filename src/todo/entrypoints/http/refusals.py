"""Why HTTP refuses what the domain never gets to see; beside the errors of the domain, which are answered likewise."""

from __future__ import annotations

from todo.domain.errors import TodoError


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


class MalformedJsonError(TodoError):
    """The body is not JSON (RFC 8259), or not UTF-8."""

    code = "malformed_json"
    sentence = "The body is not valid JSON."


class UnsupportedMediaTypeError(TodoError):
    """The body is of another type than the route reads."""

    code = "unsupported_media_type"
    sentence = "The body must be sent as Content-Type: application/json."


class UntaggedError(TodoError):
    """What is to be written over has no entity tag, so `If-Match` cannot name the state of it that was seen."""

    code = "untagged"
    sentence = "This has no ETag that If-Match could name. Leave If-Match out, or send If-Match: *."


class TooLargeError(TodoError):
    """The body is larger than any request needs."""

    code = "too_large"
    sentence = "The body may have at most 1 MiB (1,048,576 bytes)."


class UnknownRouteError(TodoError):
    """No route has this path."""

    code = "unknown_route"
    sentence = "There is nothing at this address. The documentation is at /docs."


class MethodNotAllowedError(TodoError):
    """The path exists, but not for this method."""

    code = "method_not_allowed"
    sentence = "This address does not know this method. The Allow header names those it knows."

    def __init__(self, allowed: str) -> None:
        super().__init__()
        self.allowed = allowed


class PreflightRefusedError(TodoError):
    """A browser asked whether a page of another origin may send such a request, and it may not."""

    code = "preflight_refused"
    sentence = "Pages of this origin may not send such requests. TODO_CORS_ORIGINS names the origins that may."


class InternalError(TodoError):
    """A fault of the service. What it was stands in the log, under the request id."""

    code = "internal"
    sentence = "Something went wrong on our side. Tell us the request_id, with which we can find out what."
