"""What the OpenAPI document says once, for all operations."""

from __future__ import annotations

from typing import Any

from todo.domain.values import USER_ID_LENGTH
from todo.entrypoints.http.described import parameter
from todo.entrypoints.http.people import ADA_SESSION
from todo.entrypoints.http.shapes import A_TASK

DESCRIPTION = """\
Register, and send the `access_token` of the answer as `Authorization: Bearer …` with everything else.

* Every path answers with and without a trailing slash, and HEAD wherever GET is.
* Every route of tasks has two doors, `/api/tasks…` and `/api/{user_id}/tasks…`: they do the same, and the
  second refuses (403) whoever is not the user it names.
* Every refusal is a problem document (RFC 9457, `application/problem+json`). Its `code` is stable, its
  `detail` is one sentence for people, and `GET /problems/{code}` explains it.
* Every answer carries an `X-Request-ID`: yours if you sent one, else one of ours.
* Times are RFC 3339 in UTC. Texts are Unicode in normal form NFC, and their lengths are counted in code points.
* A task's entity tag is its revision. With `If-Match` a write fails (412) if the task has changed since;
  without it, it changes what it names of the task as it now is. With `If-None-Match` it writes over nothing (412).
"""

TAGS = [
    {"name": "accounts", "description": "Who a person is."},
    {"name": "tasks", "description": "What a person means to do. Nobody else sees it."},
    {"name": "tasks by user", "description": "The same, through the second door."},
    {"name": "sync", "description": "What changed."},
    {"name": "sync by user", "description": "The same, through the second door."},
    {"name": "trash", "description": "What was deleted, and can still be taken back."},
    {"name": "trash by user", "description": "The same, through the second door."},
    {"name": "problems", "description": "What went wrong."},
    {"name": "health", "description": "How the service is."},
]

_HEADERS = {
    "X-Request-ID": "The id of the request, by which we find it in our log.",
    "ETag": "The entity tag of the task: its revision, in quotes.",
    "Location": "Where the task is.",
    "Link": 'The next part of the list, as `<…>; rel="next"`, if there is one.',
    "WWW-Authenticate": "`Bearer`: send an access token.",
    "Retry-After": "In how many seconds to try again.",
    "RateLimit-Limit": "How often it may be done in one window (draft-ietf-httpapi-ratelimit-headers-06).",
    "RateLimit-Remaining": "How often it may still be done in this window.",
    "RateLimit-Reset": "In how many seconds this window ends.",
}
HEADERS_OF_REFUSALS = {
    401: ["WWW-Authenticate"],
    412: ["ETag"],
    429: ["Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"],
    503: ["Retry-After"],
}

COMPONENTS: dict[str, dict[str, Any]] = {
    "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()},
    "parameters": {
        "RequestId": parameter("header", "X-Request-ID", "An id for this request, of up to 128 characters."),
        "UserId": parameter("path", "user_id", "The id of the caller.", minLength=1, maxLength=USER_ID_LENGTH),
        "SessionId": parameter(
            "path", "session_id", "The id of a session.", format="uuid", examples=[str(ADA_SESSION.id)]
        ),
        "TaskId": parameter("path", "task_id", "The id of a task.", format="uuid", examples=[str(A_TASK.id)]),
    },
    "securitySchemes": {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The `access_token`."},
        "password": {
            "type": "oauth2",
            "description": "Logs in here, with the e-mail address as user name. Clients have no credentials.",
            "flows": {"password": {"tokenUrl": "/api/auth/token", "refreshUrl": "/api/auth/token", "scopes": {}}},
        },
    },
}
