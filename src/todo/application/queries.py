"""What a request for a list means, with neither SQL nor HTTP in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.domain.task import Task
    from todo.domain.values import TaskId

PAGE_SIZE = 1000


class Position(NamedTuple):
    """A place in a list, newest first: just behind the task that was created then and has this id."""

    created_at: datetime
    id: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """A page of the tasks that are not in the trash, newest first; the greater id first where times are equal."""

    limit: int = PAGE_SIZE
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. `total` counts the whole list; `next` is where it goes on, or None at its end."""

    tasks: Sequence[Task]
    total: int
    next: Position | None
