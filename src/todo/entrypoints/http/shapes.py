"""What a task looks like on the wire, and how anything becomes JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from todo.domain.task import Task
from todo.domain.values import Description, Priority, Revision, Tag, TaskId, Title, UserId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from todo.entrypoints.http.headers import HeaderField

as_json = msgspec.json.Encoder().encode


class JsonResponse(Response):
    """An answer whose content is JSON in bytes already.

    Of what Starlette does for any content, it does what this one needs: 3 µs less.
    """

    media_type = "application/json"

    def __init__(self, body: bytes, status_code: int = 200, fields: Iterable[HeaderField] = ()) -> None:
        self.status_code = status_code
        self.body = body
        self.background = None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _JSON, *fields]


_JSON: Final = (b"content-type", b"application/json")


def not_modified(*fields: HeaderField) -> Response:
    """The client has it already."""
    response = Response(status_code=304)
    response.raw_headers += fields
    return response


PRIORITY_NAMES = {priority: priority.name.lower() for priority in Priority}
PRIORITIES = {name: priority for priority, name in PRIORITY_NAMES.items()}


Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]

DUE = {
    "description": "A day, or an instant with its offset; what was sent as a day stays a day.",
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "null"},
    ],
}


class TaskOut(msgspec.Struct):
    """A task as clients see it. Times are in UTC (RFC 3339)."""

    id: UUID
    user_id: str
    title: str
    description: str | None
    completed: bool
    completed_at: Instant | None
    priority: Annotated[str, Meta(extra_json_schema={"enum": list(PRIORITIES)})]
    tags: tuple[str, ...]
    due: Annotated[Any, Meta(extra_json_schema=DUE)]
    created_at: Instant
    updated_at: Instant
    revision: int

    @classmethod
    def of(cls, task: Task) -> Self:
        """The wire shape of this task."""
        (
            task_id, owner, title, created_at, updated_at, description, completed_at,
            priority, tags, due, _, revision,
        ) = task  # fmt: skip  # at once: a list has fifty, and each look for a field takes as long as this
        return cls(
            task_id,
            owner,
            title,
            description,
            completed_at is not None,
            completed_at,
            PRIORITY_NAMES[priority],
            tags,
            due,
            created_at,
            updated_at,
            revision,
        )


class TrashedTaskOut(TaskOut):
    """A task in the trash, and since when it lies there."""

    deleted_at: Instant | None = None

    @classmethod
    def of(cls, task: Task) -> Self:
        """The wire shape of this task."""
        shown = super().of(task)
        shown.deleted_at = task.deleted_at
        return shown


A_TASK = Task(
    id=TaskId(UUID("0199e1b2-7c3d-7000-8000-000000000000")),
    owner=UserId("0199e1a0-1f2e-7000-8000-000000000000"),
    title=Title("Buy milk"),
    description=Description("Two litres, fresh."),
    completed_at=datetime(2026, 11, 21, 12, 15, tzinfo=UTC),
    priority=Priority.HIGH,
    tags=(Tag("home"),),
    due=date(2026, 12, 1),
    created_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    updated_at=datetime(2026, 11, 21, 12, 15, tzinfo=UTC),
    revision=Revision(41),
)
"""What the documentation shows, with something in every field."""
