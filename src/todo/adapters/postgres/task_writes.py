"""Adding and changing a task in PostgreSQL: each is one statement, which needs no transaction around it.

It tells the policies whose it is, takes the owner's next number, counts the owner's tasks and writes the
task. Inside a transaction the same statement is one of several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Integer,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import UUID

from todo.adapters.postgres.rows import FOLDED_COLUMNS, SET_ONCE, TASK_COLUMNS, new_row_of
from todo.adapters.postgres.statements import Statement, me, new_values
from todo.adapters.postgres.tables import tasks, users
from todo.domain.errors import InvalidTokenError
from todo.domain.values import Revision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from todo.adapters.postgres.database import Database, Lease, Transaction
    from todo.domain.task import Task
    from todo.domain.values import UserId


_ROW_PLACE: ColumnElement[Any] = literal_column("tasks.ctid")


def _add() -> Statement:
    """The row to insert comes from the turn, and the turn from `me`: so both come before the policies look."""
    asking = me()
    taken = (tasks.c.owner_id, tasks.c.revision)
    new = new_values(*(column for column in (*TASK_COLUMNS, *FOLDED_COLUMNS) if column not in taken))
    is_open, is_completed = _counted(new[tasks.c.completed_at], new[tasks.c.deleted_at])
    counts = {"open_tasks": users.c.open_tasks + is_open, "completed_tasks": users.c.completed_tasks + is_completed}
    turn = (
        update(users)
        .where(users.c.id == asking.c.owner)
        .values(revision=users.c.revision + literal_column("1"), trash_since=_trash_since(new), **counts)
        .returning(users.c.id, users.c.revision)
        .cte("turn")
    )
    row = select(turn.c.id, turn.c.revision, *new.values())
    columns = [tasks.c.owner_id, tasks.c.revision, *new]
    return Statement(insert(tasks).from_select(columns, row).returning(tasks.c.revision))


def _update() -> Statement:
    """One row, if the task is as it was seen. If not, no number is taken: the turn follows from the change.

    It waits for its turn, then finds the task, and then changes the very row that it found, unless that was
    replaced while it waited. Each of these steps needs the one before, so PostgreSQL cannot ask the policies
    before they are told who asks. The last one names the revision once more, because releases before
    autumn 2025 forget to look at the row's place again after waiting.
    """
    asking, seen = me(turn=True), tasks.c.revision == bindparam("seen", type_=BigInteger)
    is_asked = and_(tasks.c.owner_id == asking.c.owner, tasks.c.id == bindparam("id", type_=UUID), seen)
    before = (
        select(
            asking.c.owner,
            _ROW_PLACE.label("place"),
            (asking.c.revision + literal_column("1")).label("number"),
            *_counted(tasks.c.completed_at, tasks.c.deleted_at),
        )
        .select_from(asking.outerjoin(tasks, is_asked))
        .cte("before")
        .prefix_with("MATERIALIZED")
    )
    new = new_values(*(column for column in (*TASK_COLUMNS, *FOLDED_COLUMNS) if column.name not in SET_ONCE))
    changed = (
        update(tasks)
        .where(tasks.c.owner_id == before.c.owner, before.c.place == _ROW_PLACE, seen)
        .values({**new, tasks.c.revision: before.c.number})
        .returning(tasks.c.owner_id, tasks.c.revision, before.c.is_open, before.c.is_completed)
        .cte("changed")
    )
    is_open, is_completed = _counted(new[tasks.c.completed_at], new[tasks.c.deleted_at])
    counts = {
        "open_tasks": users.c.open_tasks - changed.c.is_open + is_open,
        "completed_tasks": users.c.completed_tasks - changed.c.is_completed + is_completed,
    }
    return Statement(
        update(users)
        .where(users.c.id == changed.c.owner_id)
        .values(revision=changed.c.revision, trash_since=_trash_since(new), **counts)
        .returning(users.c.revision)
    )


def _counted(completed_at: ColumnElement[Any], deleted_at: ColumnElement[Any]) -> tuple[Any, Any]:
    """By how much such a task adds to the two counts of its owner's tasks."""
    outside = deleted_at.is_(None)
    return (
        cast(and_(outside, completed_at.is_(None)), Integer).label("is_open"),
        cast(and_(outside, completed_at.is_not(None)), Integer).label("is_completed"),
    )


def _trash_since(new: Mapping[Any, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Whoever puts something into the empty trash leaves a note of when that was."""
    return func.coalesce(users.c.trash_since, new[tasks.c.deleted_at])


_ADD = _add()
_UPDATE = _update()


async def add_task(place: Database | Transaction, owner: UserId, task: Task) -> Task:
    """Add a task to those of the owner. `InvalidTokenError` if the owner has no account."""
    rows = await place.fetch(_ADD, {"owner": owner, **new_row_of(task)})
    if not rows:
        raise InvalidTokenError
    return task._replace(revision=Revision(rows[0]["revision"]))


async def update_task(place: Lease | Transaction, owner: UserId, task: Task) -> Task | None:
    """Store the change of a task; None if the stored one no longer has its revision, or there is none."""
    rows = await place.fetch(_UPDATE, {"owner": owner, "seen": task.revision, **new_row_of(task)})
    return task._replace(revision=Revision(rows[0]["revision"])) if rows else None
