"""The feed in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Integer, bindparam, select, true

from todo.adapters.postgres.rows import READ_COLUMNS, task_of
from todo.adapters.postgres.statements import Statement, me
from todo.adapters.postgres.tables import tasks
from todo.application.ports import NO_HORIZON, START, Changes
from todo.domain.errors import CursorExpiredError, InvalidTokenError
from todo.domain.values import Revision

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from todo.adapters.postgres.database import Database
    from todo.adapters.postgres.signals import Signals
    from todo.application.watches import Watch
    from todo.domain.values import UserId


def _head() -> Statement:
    return Statement(select(me().c.revision))


def _changes() -> Statement:
    asking = me()
    behind = tasks.c.revision > bindparam("since", type_=BigInteger)
    changed = select(*READ_COLUMNS).where(tasks.c.owner_id == asking.c.owner, behind)
    part = changed.order_by(tasks.c.revision).limit(bindparam("rows", type_=Integer)).lateral("task")
    return Statement(
        select(part, asking.c.revision.label("head"), asking.c.purged_revision)
        .select_from(asking.outerjoin(part, true()))
        .order_by(part.c.revision)
    )


_HEAD = _head()
_CHANGES = _changes()


class PostgresTaskFeed:
    """What changed, in one round trip: a range of the index on (owner, revision)."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals

    async def head(self, owner: UserId) -> Revision:
        rows = await self._database.fetch(_HEAD, {"owner": owner})
        if not rows:
            raise InvalidTokenError
        return Revision(rows[0]["revision"])

    async def changes(self, owner: UserId, since: Revision, limit: int, horizon: Revision = NO_HORIZON) -> Changes:
        # one row more than asked for tells whether there are more
        rows = await self._database.fetch(_CHANGES, {"owner": owner, "since": since, "rows": limit + 1})
        if not rows:
            raise InvalidTokenError
        head, purged = Revision(rows[0]["head"]), Revision(rows[0]["purged_revision"])
        if since > head or (since > START and max(since, horizon) < purged):
            raise CursorExpiredError
        changed = [task_of(row) for row in rows[:limit] if row["id"] is not None]
        has_more = len(rows) > limit
        until = changed[-1].revision if has_more else head
        return Changes(changed, until, has_more, horizon if since > START else purged)

    def watch(self, owner: UserId) -> AbstractContextManager[Watch]:
        return self._signals.watch(owner)

    def close(self) -> None:
        self._signals.close()
