"""What can be done to tasks, one at a time or several as one.

`seen` holds the revisions that the caller would write over; None stands for whatever is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection

    from todo.domain.task import TaskChanges
    from todo.domain.values import Revision, TaskId, Title

    Seen: TypeAlias = Collection[Revision] | None


@dataclass(frozen=True, slots=True)
class Create:
    """Make a task, under an id of its maker's or a new one."""

    title: Title
    changes: TaskChanges
    task_id: TaskId | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Set the fields that are named, and leave the others as they are."""

    task_id: TaskId
    changes: TaskChanges
    seen: Seen = None


@dataclass(frozen=True, slots=True)
class Toggle:
    """Mark as done what is open, and as open what is done."""

    task_id: TaskId
    seen: Seen = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Put into the trash."""

    task_id: TaskId
    seen: Seen = None


Operation: TypeAlias = Create | Change | Toggle | Delete
