"""What a request for a list means, with neither SQL nor HTTP in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from todo.domain.values import Priority, title_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from todo.application.zones import DueRange, Moment
    from todo.domain.task import Task
    from todo.domain.values import Due, Revision, TaskId

PAGE_SIZE = 1000

SortKey: TypeAlias = datetime | int | str | None


class Sort(Enum):
    """By what a list is ordered. Tasks without the value come last, whichever the direction."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    DUE = "due"
    """A day among instants stands where it begins in UTC."""
    PRIORITY = "priority"
    """The greater, the more it matters."""
    TITLE = "title"
    """Without regard to case and accents."""
    DELETED_AT = "deleted_at"

    @property
    def descends_by_default(self) -> bool:
        """Whether what is greatest comes first, unless asked otherwise."""
        return self not in (Sort.DUE, Sort.TITLE)

    def key(self, task: Task) -> SortKey:
        """What tells where this task stands: alike for all tasks of a list, but for None, which is last."""
        match self:
            case Sort.CREATED_AT:
                return task.created_at
            case Sort.UPDATED_AT:
                return task.updated_at
            case Sort.DUE:
                return _beginning(task.due)
            case Sort.PRIORITY:
                return -task.priority if task.priority is not Priority.NONE else None
            case Sort.TITLE:
                return title_key(task.title)
            case Sort.DELETED_AT:
                return task.deleted_at


def _beginning(due: Due | None) -> datetime | None:
    return due if due is None or isinstance(due, datetime) else datetime.combine(due, time.min, UTC)


class Position(NamedTuple):
    """A place in a list: just behind the task that has this sort key and this id."""

    key: SortKey
    id: TaskId


class Overdue(NamedTuple):
    """Only what is overdue at this moment; or, if not `wanted`, only what is not.

    A day is overdue once it is over, an instant once it has passed, a completed task never.
    """

    moment: Moment
    wanted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """A page of a list: the tasks that pass every filter, in order, at most `limit` of them.

    `open` and `completed`: whether such tasks are listed. `priorities`: any of these, if there are any.
    `tags`: all of these tag keys. `words`: each of these folded words somewhere in title or description.
    `due`: due in this range, so not without due. Tasks with the same sort key stand in the order of their
    ids, in the same direction.
    """

    in_trash: bool = False
    open: bool = True
    completed: bool = True
    priorities: tuple[Priority, ...] = ()
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    due: DueRange | None = None
    overdue: Overdue | None = None
    sort: Sort = Sort.CREATED_AT
    descending: bool = True
    limit: int = PAGE_SIZE
    after: Position | None = None

    def position(self, task: Task) -> Position:
        """The place just behind this task."""
        return Position(self.sort.key(task), task.id)


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. `total` counts the whole list; `next` is where it goes on, or None at its end.

    `revision` is that of the owner's last write that this page has seen.
    """

    tasks: Sequence[Task]
    total: int
    next: Position | None
    revision: Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How many tasks there are outside the trash: in all, and of each kind.

    `overdue` and `due_today` count open tasks. `by_priority` has every priority. `by_tag` counts the
    spellings of a tag as one, under the one that is first by code points; the most frequent comes first.
    """

    total: int
    open: int
    completed: int
    overdue: int
    due_today: int
    by_priority: Mapping[Priority, int]
    by_tag: Mapping[str, int]
