"""Tasks in PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Integer,
    Text,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import UUID

from todo.adapters.postgres.statements import Statement, me
from todo.adapters.postgres.tables import tasks, users
from todo.application.queries import Page, Position
from todo.domain.errors import InvalidTokenError, NotFoundError, StaleError, TodoError
from todo.domain.task import Task
from todo.domain.values import Priority, Revision

if TYPE_CHECKING:
    from asyncpg import Record

    from todo.adapters.postgres.database import Database, Transaction
    from todo.application.queries import TaskQuery
    from todo.domain.values import TaskId, UserId

_COLUMNS = (
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
_SET_ONCE = {"id", "owner_id", "created_at", "revision"}
_PRIORITIES = {int(priority): priority for priority in Priority}

_OWNER = bindparam("owner", type_=Text)
_ID = bindparam("id", type_=UUID)
_NOT_IN_TRASH = tasks.c.deleted_at.is_(None)


def _get() -> Statement:
    asking = me()
    one = select(*_COLUMNS).where(tasks.c.owner_id == asking.c.owner, tasks.c.id == _ID, _NOT_IN_TRASH).lateral("task")
    return Statement(select(one).select_from(asking.outerjoin(one, true())))


def _page(*, goes_on: bool) -> Statement:
    asking = me()
    mine = (tasks.c.owner_id == asking.c.owner, _NOT_IN_TRASH)
    page = select(*_COLUMNS).where(*mine)
    if goes_on:
        place = tuple_(bindparam("after_created_at", type_=tasks.c.created_at.type), bindparam("after_id", type_=UUID))
        page = page.where(tuple_(tasks.c.created_at, tasks.c.id) < place)
    page = page.order_by(tasks.c.created_at.desc(), tasks.c.id.desc())
    tasks_of_page = page.limit(bindparam("rows", type_=Integer)).lateral("task")
    total = select(func.count().label("total")).select_from(tasks).where(*mine).lateral("counted")
    return Statement(
        select(tasks_of_page, total.c.total).select_from(asking.join(total, true()).outerjoin(tasks_of_page, true()))
    )


def _find() -> Statement:
    its = users.outerjoin(tasks, and_(tasks.c.owner_id == users.c.id, tasks.c.id == _ID))
    return Statement(select(*_COLUMNS).select_from(its).where(users.c.id == _OWNER))


def _next_revision() -> Any:
    turn = (
        update(users)
        .where(users.c.id == _OWNER)
        .values(revision=users.c.revision + literal_column("1"))
        .returning(users.c.revision)
    )
    return turn.cte("turn")


def _add() -> Statement:
    turn = _next_revision()
    columns = [column for column in _COLUMNS if column is not tasks.c.revision]
    values = [_OWNER if column is tasks.c.owner_id else bindparam(column.name, type_=column.type) for column in columns]
    row = select(*values, turn.c.revision)
    return Statement(insert(tasks).from_select([*columns, tasks.c.revision], row).returning(tasks.c.revision))


def _update() -> Statement:
    turn = _next_revision()
    fields = {
        column.name: bindparam(f"new_{column.name}", type_=column.type)
        for column in _COLUMNS
        if column.name not in _SET_ONCE
    }
    return Statement(
        update(tasks)
        .where(tasks.c.owner_id == _OWNER, tasks.c.id == _ID, tasks.c.revision == bindparam("seen", type_=BigInteger))
        .values(**fields, revision=turn.c.revision)
        .returning(tasks.c.revision)
    )


_GET = _get()
_FIRST_PAGE = _page(goes_on=False)
_NEXT_PAGE = _page(goes_on=True)
_FIND = _find()
_ADD = _add()
_UPDATE = _update()


class PostgresTaskReader:
    """Tasks to look at, each look in one round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, owner: UserId, task: TaskId) -> Task:
        rows = await self._database.fetch(_GET, {"owner": owner, "id": task})
        found = _task_of(rows)
        if found is None:
            raise NotFoundError
        return found

    async def page(self, owner: UserId, query: TaskQuery) -> Page:
        # one row more than asked for tells whether the list goes on
        values = {"owner": owner, "rows": query.limit + 1}
        if query.after:
            values |= {"after_created_at": query.after.created_at, "after_id": query.after.id}
        rows = await self._database.fetch(_NEXT_PAGE if query.after else _FIRST_PAGE, values)
        if not rows:
            raise InvalidTokenError
        found = [_task(row) for row in rows[: query.limit] if row["id"] is not None]
        goes_on = len(rows) > query.limit
        end = Position(found[-1].created_at, found[-1].id) if goes_on else None
        return Page(found, rows[0]["total"], end)


class PostgresTaskRepository:
    """The tasks of one owner, inside a transaction."""

    def __init__(self, transaction: Transaction, owner: UserId) -> None:
        self._transaction = transaction
        self._owner = owner

    async def get(self, task: TaskId) -> Task:
        found = await self.find(task)
        if found is None or found.deleted_at:
            raise NotFoundError
        return found

    async def find(self, task: TaskId) -> Task | None:
        return _task_of(await self._transaction.fetch(_FIND, {"owner": self._owner, "id": task}))

    async def add(self, task: Task) -> Task:
        rows = await self._transaction.fetch(_ADD, {"owner": self._owner, **_row(task), "created_at": task.created_at})
        if not rows:
            raise InvalidTokenError
        return replace(task, revision=Revision(rows[0]["revision"]))

    async def update(self, task: Task) -> Task:
        fields = {f"new_{name}": value for name, value in _row(task).items()}
        values = {"owner": self._owner, "id": task.id, "seen": task.revision, **fields}
        rows = await self._transaction.fetch(_UPDATE, values)
        if not rows:
            raise await self._why_not_updated(task)
        return replace(task, revision=Revision(rows[0]["revision"]))

    async def _why_not_updated(self, task: Task) -> TodoError:
        stored = await self.find(task.id)
        return StaleError(stored) if stored else NotFoundError()


def _row(task: Task) -> dict[str, Any]:
    is_instant = isinstance(task.due, datetime)
    return {
        "id": task.id,
        "title": task.title,
        "description": task.description,
        "completed_at": task.completed_at,
        "priority": task.priority,
        "tags": task.tags,
        "due_on": None if is_instant else task.due,
        "due_at": task.due if is_instant else None,
        "updated_at": task.updated_at,
        "deleted_at": task.deleted_at,
    }


def _task_of(rows: list[Record]) -> Task | None:
    """The task of a statement that has one row for the account, with or without a task in it."""
    if not rows:
        raise InvalidTokenError
    return _task(rows[0]) if rows[0]["id"] is not None else None


def _task(row: Record) -> Task:
    """What is stored was checked on its way in, and by the table's own constraints: it is not checked again."""
    (
        task_id, owner, title, description, completed_at, priority, tags, due_on, due_at,
        created_at, updated_at, deleted_at, revision,
    ) = row[:13]  # fmt: skip
    return Task(
        id=task_id,
        owner=owner,
        title=title,
        description=description,
        completed_at=completed_at,
        priority=_PRIORITIES[priority],
        tags=tuple(tags),
        due=due_on or due_at,
        created_at=created_at,
        updated_at=updated_at,
        deleted_at=deleted_at,
        revision=revision,
    )
