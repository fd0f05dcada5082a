"""Receipts in PostgreSQL."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, Integer, Text, bindparam, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from todo.adapters.postgres.rows import row_of, task_of
from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.tables import receipts, users
from todo.application.ports import Outcome, Receipt
from todo.domain.values import UserId

if TYPE_CHECKING:
    from asyncpg import Record

    from todo.adapters.postgres.database import Database, Transaction
    from todo.application.ports import Once

_OWNER = bindparam("owner", type_=Text)
_KEY = bindparam("key", type_=Text)
_SINCE = bindparam("since", type_=DateTime(timezone=True))
_NOW = bindparam("now", type_=DateTime(timezone=True))


class _TaskThen(msgspec.Struct):
    """A task as it was: its columns, in the order of `TASK_COLUMNS`."""

    id: UUID
    owner_id: str
    title: str
    description: str | None
    completed_at: datetime | None
    priority: int
    tags: list[str]
    due_on: date | None
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    revision: int


class _OutcomeThen(msgspec.Struct):
    """An outcome as it was."""

    tasks: list[_TaskThen]
    is_new: bool


def _find() -> Statement:
    mine = (receipts.c.owner_id == _OWNER, receipts.c.key == _KEY, receipts.c.created_at > _SINCE)
    allowed = exists().where(users.c.id == _OWNER, users.c.disabled_at.is_(None))
    return Statement(select(receipts.c.fingerprint, receipts.c.outcome).where(*mine, allowed))


def _add() -> Statement:
    old = delete(receipts).where(receipts.c.owner_id == _OWNER, receipts.c.created_at <= _SINCE, receipts.c.key != _KEY)
    new = insert(receipts).values(
        owner_id=_OWNER,
        key=_KEY,
        fingerprint=bindparam("fingerprint", type_=Text),
        outcome=bindparam("outcome", type_=JSONB),
        created_at=_NOW,
    )
    its = new.excluded
    newest = {"fingerprint": its.fingerprint, "outcome": its.outcome, "created_at": its.created_at}
    place = [receipts.c.owner_id, receipts.c.key]
    noted = update(users).where(users.c.id == _OWNER, users.c.receipts_since.is_(None)).values(receipts_since=_NOW)
    kept = new.on_conflict_do_update(index_elements=place, set_=newest)
    return Statement(kept.add_cte(old.cte("old"), noted.cte("noted")))


def _forget() -> Statement:
    """One row for the account, which then notes the age of what is left."""
    mine = receipts.c.owner_id == _OWNER
    gone = delete(receipts).where(mine, receipts.c.created_at <= _SINCE).returning(receipts.c.key).cte("gone")
    left = select(func.min(receipts.c.created_at)).where(mine, receipts.c.created_at > _SINCE).scalar_subquery()
    count = select(func.count()).select_from(gone).scalar_subquery()
    noted = update(users).where(users.c.id == _OWNER).values(receipts_since=left)
    return Statement(noted.returning(count.label("forgotten")))


_FIND = _find()
_ADD = _add()
_FORGET = _forget()
_OWNERS = Statement(
    select(users.c.id)
    .where(users.c.receipts_since <= _SINCE)
    .order_by(users.c.receipts_since)
    .limit(bindparam("rows", type_=Integer))
)


def receipt_of(row: Record) -> Receipt:
    """What lies in the row of a receipt."""
    then = msgspec.json.decode(row["outcome"], type=_OutcomeThen)
    tasks = tuple(task_of(msgspec.structs.astuple(task)) for task in then.tasks)
    return Receipt(row["fingerprint"], Outcome(tasks, then.is_new))


class PostgresReceiptDirectory:
    """Receipts, before it is known whose: by the note that is left with the account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owners(self, since: datetime, limit: int) -> list[UserId]:
        rows = await self._database.fetch(_OWNERS, {"since": since, "rows": limit})
        return [UserId(row["id"]) for row in rows]


class PostgresReceiptRepository:
    """The receipts of one owner, inside a transaction."""

    def __init__(self, transaction: Transaction, owner: UserId) -> None:
        self._transaction = transaction
        self._owner = owner

    async def find(self, key: str, since: datetime) -> Receipt | None:
        rows = await self._transaction.fetch(_FIND, {"owner": self._owner, "key": key, "since": since})
        return receipt_of(rows[0]) if rows else None

    async def add(self, once: Once, outcome: Outcome, now: datetime, since: datetime) -> None:
        then = _OutcomeThen([_TaskThen(**row_of(task)) for task in outcome.tasks], outcome.is_new)
        values = {
            "owner": self._owner,
            "key": once.key,
            "fingerprint": once.fingerprint,
            "outcome": msgspec.json.encode(then).decode(),
            "now": now,
            "since": since,
        }
        await self._transaction.fetch(_ADD, values)

    async def forget(self, since: datetime) -> int:
        rows = await self._transaction.fetch(_FORGET, {"owner": self._owner, "since": since})
        return int(rows[0]["forgotten"]) if rows else 0
