"""All that an owner has, from PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, Text, bindparam, select, true
from sqlalchemy.dialects.postgresql import UUID

from todo.adapters.postgres.receipts import receipt_of
from todo.adapters.postgres.rows import TASK_COLUMNS, task_of
from todo.adapters.postgres.statements import Statement, me
from todo.adapters.postgres.tables import receipts, tasks
from todo.application.ports import KeptReceipt
from todo.domain.errors import InvalidTokenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record
    from sqlalchemy import Column, ColumnElement

    from todo.adapters.postgres.database import Database
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


_RECEIPT_COLUMNS = (receipts.c.key, receipts.c.created_at, receipts.c.fingerprint, receipts.c.outcome)


def _part(columns: Sequence[Column[Any]], behind: ColumnElement[bool] | None = None) -> Statement:
    """The next rows of the owner's in the order of the first column, from one `behind` which they are."""
    asking = me()
    owned = columns[0].table.c.owner_id == asking.c.owner
    part = select(*columns).where(owned if behind is None else owned & behind)
    mine = part.order_by(columns[0]).limit(bindparam("rows", type_=Integer)).lateral("part")
    return Statement(select(mine).select_from(asking.outerjoin(mine, true())).order_by(mine.c[columns[0].name]))


_FIRST_TASKS = _part(TASK_COLUMNS)
_NEXT_TASKS = _part(TASK_COLUMNS, tasks.c.id > bindparam("after", type_=UUID))
_FIRST_RECEIPTS = _part(_RECEIPT_COLUMNS)
_NEXT_RECEIPTS = _part(_RECEIPT_COLUMNS, receipts.c.key > bindparam("after", type_=Text))


class PostgresArchive:
    """A range of the primary key for each part."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tasks(self, owner: UserId, after: TaskId | None, limit: int) -> Sequence[Task]:
        rows = await self._rows(_FIRST_TASKS if after is None else _NEXT_TASKS, owner, after, limit)
        return [task_of(row) for row in rows if row["id"] is not None]

    async def receipts(self, owner: UserId, after: str | None, limit: int) -> Sequence[KeptReceipt]:
        rows = await self._rows(_FIRST_RECEIPTS if after is None else _NEXT_RECEIPTS, owner, after, limit)
        return [KeptReceipt(row["key"], row["created_at"], receipt_of(row)) for row in rows if row["key"] is not None]

    async def _rows(self, part: Statement, owner: UserId, after: TaskId | str | None, limit: int) -> list[Record]:
        """One row at least, without anything in it, if the account has nothing more."""
        rows = await self._database.fetch(part, {"owner": owner, "after": after, "rows": limit})
        if not rows:
            raise InvalidTokenError
        return rows
