"""Tasks in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, Integer, Text, and_, bindparam, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import UUID

from todo.adapters.postgres.rows import READ_COLUMNS, task_of_account
from todo.adapters.postgres.statements import Statement, me
from todo.adapters.postgres.tables import tasks, users
from todo.adapters.postgres.task_lists import read_page
from todo.adapters.postgres.task_stats import read_stats
from todo.adapters.postgres.task_writes import add_task, update_task
from todo.domain.errors import InvalidTokenError, NotFoundError, StaleError, TodoError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from todo.adapters.postgres.database import Database, Lease, Transaction
    from todo.application.queries import Page, Stats, TaskQuery
    from todo.application.zones import Moment
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId

_OWNER = bindparam("owner", type_=Text)
_ID = bindparam("id", type_=UUID)
_IS_ALLOWED = and_(users.c.id == _OWNER, users.c.disabled_at.is_(None))
_NOT_IN_TRASH = tasks.c.deleted_at.is_(None)


def _get() -> Statement:
    asking = me()
    one = (
        select(*READ_COLUMNS)
        .where(tasks.c.owner_id == asking.c.owner, tasks.c.id == _ID, _NOT_IN_TRASH)
        .lateral("task")
    )
    return Statement(select(one).select_from(asking.outerjoin(one, true())))


def _find() -> Statement:
    its = users.outerjoin(tasks, and_(tasks.c.owner_id == users.c.id, tasks.c.id == _ID))
    return Statement(select(*READ_COLUMNS).select_from(its).where(_IS_ALLOWED))


def _purge(task: ColumnElement[Any] | None) -> Statement:
    """One row for the account. Whoever has not read as far as the last change of what is purged, never will."""
    gone = delete(tasks).where(tasks.c.owner_id == _OWNER, tasks.c.deleted_at.is_not(None))
    if task is not None:
        gone = gone.where(tasks.c.id == task)
    purged = gone.returning(tasks.c.revision).cte("purged")
    horizon = func.greatest(users.c.purged_revision, select(func.max(purged.c.revision)).scalar_subquery())
    count = select(func.count()).select_from(purged).scalar_subquery()
    return Statement(update(users).where(_IS_ALLOWED).values(purged_revision=horizon).returning(count.label("purged")))


def _purge_before() -> Statement:
    """One row for the account, which then notes the age of what is left."""
    mine = (tasks.c.owner_id == _OWNER, tasks.c.deleted_at.is_not(None))
    old = select(tasks.c.id).where(*mine, tasks.c.deleted_at < bindparam("before", type_=DateTime(timezone=True)))
    old = old.order_by(tasks.c.deleted_at, tasks.c.id).limit(bindparam("rows", type_=Integer))
    chosen = old.cte("chosen").prefix_with("MATERIALIZED")
    gone = delete(tasks).where(tasks.c.owner_id == _OWNER, tasks.c.id.in_(select(chosen.c.id)))
    purged = gone.returning(tasks.c.revision).cte("purged")
    horizon = func.greatest(users.c.purged_revision, select(func.max(purged.c.revision)).scalar_subquery())
    left = select(func.min(tasks.c.deleted_at)).where(*mine, tasks.c.id.not_in(select(chosen.c.id))).scalar_subquery()
    count = select(func.count()).select_from(purged).scalar_subquery()
    noted = update(users).where(users.c.id == _OWNER).values(purged_revision=horizon, trash_since=left)
    return Statement(noted.returning(count.label("purged")))


_GET = _get()
_FIND = _find()
_PURGE = _purge(_ID)
_PURGE_ALL = _purge(None)
_PURGE_BEFORE = _purge_before()
_OWNERS_OF_TRASH = Statement(
    select(users.c.id)
    .where(users.c.trash_since < bindparam("before", type_=DateTime(timezone=True)))
    .order_by(users.c.trash_since)
    .limit(bindparam("rows", type_=Integer))
)


async def get_task(place: Database | Lease, owner: UserId, task: TaskId) -> Task:
    """A task that is not in the trash. `NotFoundError`; `InvalidTokenError` if the owner has no account."""
    found = task_of_account(await place.fetch(_GET, {"owner": owner, "id": task}))
    if found is None:
        raise NotFoundError
    return found


class PostgresTaskReader:
    """Tasks to look at, each look in one round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, owner: UserId, task: TaskId) -> Task:
        return await get_task(self._database, owner, task)

    async def page(self, owner: UserId, query: TaskQuery) -> Page:
        return await read_page(self._database, owner, query)

    async def stats(self, owner: UserId, moment: Moment) -> Stats:
        return await read_stats(self._database, owner, moment)


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
        return task_of_account(await self._transaction.fetch(_FIND, {"owner": self._owner, "id": task}))

    async def add(self, task: Task) -> Task:
        return await add_task(self._transaction, self._owner, task)

    async def update(self, task: Task) -> Task:
        stored = await update_task(self._transaction, self._owner, task)
        if stored is None:
            raise await self._why_not_updated(task)
        return stored

    async def purge(self, task: TaskId) -> None:
        rows = await self._transaction.fetch(_PURGE, {"owner": self._owner, "id": task})
        if not rows:
            raise InvalidTokenError
        if not rows[0]["purged"]:
            raise NotFoundError

    async def purge_all(self) -> None:
        if not await self._transaction.fetch(_PURGE_ALL, {"owner": self._owner}):
            raise InvalidTokenError

    async def purge_before(self, deleted_before: datetime, limit: int) -> int:
        values = {"owner": self._owner, "before": deleted_before, "rows": limit}
        rows = await self._transaction.fetch(_PURGE_BEFORE, values)
        return rows[0]["purged"] if rows else 0

    async def _why_not_updated(self, task: Task) -> TodoError:
        stored = await self.find(task.id)
        return StaleError(stored) if stored else NotFoundError()


class PostgresTrashDirectory:
    """Trash, by the note that each account keeps: the policies would show no task without an owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owners(self, deleted_before: datetime, limit: int) -> Sequence[UserId]:
        rows = await self._database.fetch(_OWNERS_OF_TRASH, {"before": deleted_before, "rows": limit})
        return [row["id"] for row in rows]
