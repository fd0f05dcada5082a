"""How a task lies in its row."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func

from todo.adapters.postgres.signatures import signature_of
from todo.adapters.postgres.statements import joined
from todo.adapters.postgres.tables import tasks
from todo.domain.errors import InvalidTokenError
from todo.domain.task import Task
from todo.domain.values import Priority, searched_text, tag_key

if TYPE_CHECKING:
    from asyncpg import Record

TASK_COLUMNS = (
    tasks.c.id,
    tasks.c.owner_id,
    tasks.c.title,
    tasks.c.description,
    tasks.c.completed_at,
    tasks.c.priority,
    tasks.c.tags,
    tasks.c.due_on,
    tasks.c.due_at,
    tasks.c.created_at,
    tasks.c.updated_at,
    tasks.c.deleted_at,
    tasks.c.revision,
)
_LAST_STEP = func.coalesce(tasks.c.completed_at, tasks.c.created_at)
_CHANGED_SINCE = func.nullif(tasks.c.updated_at, _LAST_STEP, type_=tasks.c.updated_at.type).label("updated_at")
READ_COLUMNS = tuple(_CHANGED_SINCE if column is tasks.c.updated_at else column for column in TASK_COLUMNS)
"""The same as they are read, for `task_of`.

Most tasks were changed last when they were completed, or when they were made: of those that moment is sent once. To
make an instant of what the driver gives takes half a microsecond, so that a page of fifty takes 5 % less.
"""
FOLDED_COLUMNS = (tasks.c.tag_keys, tasks.c.search, tasks.c.signature)
"""What is made of a task's texts for filters, searches and orders, and is never read back."""
SET_ONCE = {"id", "owner_id", "created_at", "revision"}
"""The columns that no change of a task touches."""
_tuple: Final = tuple.__new__
_PRIORITIES = {int(priority): priority for priority in Priority}


def row_of(task: Task) -> dict[str, Any]:
    """The value of each column."""
    is_instant = isinstance(task.due, datetime)
    return {
        "id": task.id,
        "owner_id": task.owner,
        "title": task.title,
        "description": task.description,
        "completed_at": task.completed_at,
        "priority": task.priority,
        "tags": task.tags,
        "due_on": None if is_instant else task.due,
        "due_at": task.due if is_instant else None,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "deleted_at": task.deleted_at,
        "revision": task.revision,
    }


def new_row_of(task: Task) -> dict[str, Any]:
    """The new value of each column, also of the folded ones."""
    search = searched_text(task.title, task.description)
    return row_of(task) | {
        "tags": joined(task.tags),
        "tag_keys": joined(map(tag_key, task.tags)),
        "search": search,
        "signature": signature_of(search),
    }


def task_of_account(rows: list[Record]) -> Task | None:
    """The task of a statement that has one row for the account, with or without a task in it."""
    if not rows:
        raise InvalidTokenError
    return task_of(rows[0]) if rows[0]["id"] is not None else None


def task_of(row: Record | tuple[Any, ...]) -> Task:
    """What is stored was checked on its way in, and by the table's own constraints: it is not checked again.

    The task is made past its class, which would hand on each of twelve arguments by itself: half of the time.
    """
    (
        task_id, owner, title, description, completed_at, priority, tags, due_on, due_at,
        created_at, updated_at, deleted_at, revision,
    ) = row[:13]  # fmt: skip
    return _tuple(
        Task,
        (
            task_id,
            owner,
            title,
            created_at,
            updated_at or completed_at or created_at,
            description,
            completed_at,
            _PRIORITIES[priority],
            tuple(tags),
            due_on or due_at,
            deleted_at,
            revision,
        ),
    )
