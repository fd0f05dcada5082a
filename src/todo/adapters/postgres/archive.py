"""All of an owner's tasks, from PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Integer, bindparam, select, true
from sqlalchemy.dialects.postgresql import UUID

from todo.adapters.postgres.rows import TASK_COLUMNS, task_of
from todo.adapters.postgres.statements import Statement, me
from todo.adapters.postgres.tables import tasks
from todo.domain.errors import InvalidTokenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todo.adapters.postgres.database import Database
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


def _tasks(*, goes_on: bool) -> Statement:
    asking = me()
    part = select(*TASK_COLUMNS).where(tasks.c.owner_id == asking.c.owner)
    if goes_on:
        part = part.where(tasks.c.id > bindparam("after", type_=UUID))
    mine = part.order_by(tasks.c.id).limit(bindparam("rows", type_=Integer)).lateral("task")
    return Statement(select(mine).select_from(asking.outerjoin(mine, true())).order_by(mine.c.id))


_FIRST_PART = _tasks(goes_on=False)
_NEXT_PART = _tasks(goes_on=True)


class PostgresTaskArchive:
    """A range of the primary key for each part."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tasks(self, owner: UserId, after: TaskId | None, limit: int) -> Sequence[Task]:
        values = {"owner": owner, "after": after, "rows": limit}
        rows = await self._database.fetch(_NEXT_PART if after else _FIRST_PART, values)
        if not rows:
            raise InvalidTokenError
        return [task_of(row) for row in rows if row["id"] is not None]
