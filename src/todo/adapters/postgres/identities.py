"""Identities in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import DateTime, Text, and_, bindparam, case, delete, exists, null, or_, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.tables import identities, users
from todo.application.ports.identities import BURIED_FOR, Identity, Subject, mark_of
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.adapters.postgres.database import Database, Transaction
    from todo.domain.values import UserId

ATTEMPTS = 3

_ISSUER = bindparam("issuer", type_=Text)
_SUBJECT = bindparam("subject", type_=Text)
_NOW = bindparam("now", type_=DateTime(timezone=True))
_MARK_ISSUER = bindparam("mark_issuer", type_=Text)
_MARK = bindparam("mark", type_=Text)


def _provision() -> Statement:
    is_taken = or_(
        exists().where(users.c.id == _SUBJECT),
        exists().where(identities.c.subject == _SUBJECT),
        exists().where(identities.c.issuer == _MARK_ISSUER, identities.c.subject == _MARK),
    )
    user_id = case((is_taken, bindparam("fresh_id", type_=Text)), else_=_SUBJECT)
    claim = insert(identities).from_select(["issuer", "subject", "user_id"], select(_ISSUER, _SUBJECT, user_id))
    is_free = and_(
        identities.c.user_id.is_(None), identities.c.ended_at < bindparam("issued_at", type_=DateTime(timezone=True))
    )
    claimed = (
        claim.on_conflict_do_update(
            index_elements=[identities.c.subject, identities.c.issuer],
            set_={"user_id": claim.excluded.user_id},
            where=is_free,
        )
        .returning(identities.c.user_id)
        .cte("claimed")
    )
    # the reference from the identity to the user is checked when the statement ends, and both are there
    account = plain_insert(users).from_select(["id", "created_at"], select(claimed.c.user_id, _NOW))
    return Statement(account.returning(users.c.id))


def _bury() -> Statement:
    expired = (
        delete(identities)
        .where(identities.c.user_id.is_(None), identities.c.ended_at < bindparam("expired", type_=_NOW.type))
        .cte("expired")
    )
    its = identities.c.user_id == bindparam("owner", type_=Text)
    mark = (
        insert(identities)
        .from_select(["issuer", "subject", "ended_at"], select(_MARK_ISSUER, _MARK, _NOW).where(~exists().where(its)))
        .on_conflict_do_nothing()
        .cte("mark")
    )
    return Statement(update(identities).where(its).values(user_id=null(), ended_at=_NOW).add_cte(expired, mark))


_FIND = Statement(
    select(identities.c.user_id, identities.c.ended_at).where(
        identities.c.issuer == _ISSUER, identities.c.subject == _SUBJECT
    )
)
_OF = Statement(
    select(identities.c.issuer, identities.c.subject)
    .where(identities.c.user_id == bindparam("user_id", type_=Text))
    .order_by(identities.c.issuer, identities.c.subject)
)
_PROVISION = _provision()
_BURY = _bury()


class PostgresIdentityDirectory:
    """Identities, before it is known whose request it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, issuer: str, subject: str) -> Identity | None:
        rows = await self._database.fetch(_FIND, {"issuer": issuer, "subject": subject})
        return Identity(*rows[0]) if rows else None

    async def of(self, user: UserId) -> Sequence[Subject]:
        return [Subject(*row) for row in await self._database.fetch(_OF, {"user_id": user})]

    async def provision(
        self, issuer: str, subject: str, *, issued_at: datetime, fresh_id: UserId, now: datetime
    ) -> Identity:
        pair = {"issuer": issuer, "subject": subject}
        for _ in range(ATTEMPTS):
            known = await self.find(issuer, subject) or Identity(None)
            if known.user or (known.ended_at and issued_at <= known.ended_at):
                return known
            values = {**pair, **_mark(subject), "issued_at": issued_at, "fresh_id": fresh_id, "now": now}
            try:
                rows = await self._database.fetch(_PROVISION, values)
            except asyncpg.UniqueViolationError:
                continue  # someone took the id in the meantime: now that is seen
            if rows:
                return known._replace(user=rows[0]["id"])
        raise UnavailableError


class PostgresIdentityRepository:
    """The identities of one owner, inside a transaction."""

    def __init__(self, transaction: Transaction, owner: UserId) -> None:
        self._transaction = transaction
        self._owner = owner

    async def bury(self, now: datetime) -> None:
        values = {"owner": self._owner, **_mark(self._owner), "now": now, "expired": now - BURIED_FOR}
        await self._transaction.fetch(_BURY, values)


def _mark(user: str) -> dict[str, str]:
    issuer, subject = mark_of(user)
    return {"mark": subject, "mark_issuer": issuer}
