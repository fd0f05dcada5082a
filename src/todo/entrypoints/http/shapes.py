"""What a task looks like on the wire, and how anything becomes JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from todo.domain.values import Priority

if TYPE_CHECKING:
    from todo.domain.task import Task

as_json = msgspec.json.Encoder().encode


class JsonResponse(Response):
    """An answer whose content is JSON in bytes already."""

    media_type = "application/json"


PRIORITY_NAMES = {priority: priority.name.lower() for priority in Priority}
PRIORITIES = {name: priority for priority, name in PRIORITY_NAMES.items()}


_DUE = {
    "description": "A day, or an instant; what was sent as a day stays a day.",
    "oneOf": [
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
    completed_at: datetime | None
    priority: str
    tags: tuple[str, ...]
    due: Annotated[Any, Meta(extra_json_schema=_DUE)]
    created_at: datetime
    updated_at: datetime
    revision: int

    @classmethod
    def of(cls, task: Task) -> Self:
        """The wire shape of this task."""
        return cls(
            task.id,
            task.owner,
            task.title,
            task.description,
            task.completed_at is not None,
            task.completed_at,
            PRIORITY_NAMES[task.priority],
            task.tags,
            task.due,
            task.created_at,
            task.updated_at,
            task.revision,
        )
