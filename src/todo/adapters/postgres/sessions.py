"""Sessions in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    DateTime,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import UUID

from todo.adapters.postgres.statements import Statement, me, new_values
from todo.adapters.postgres.tables import sessions
from todo.domain.errors import InvalidTokenError, SessionNotFoundError
from todo.domain.session import IDLE_LIFETIME, LIFETIME, Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from asyncpg import Record

    from todo.adapters.postgres.database import Database, Transaction
    from todo.domain.values import SessionId, UserId

_COLUMNS = (
    sessions.c.id,
    sessions.c.user_id,
    sessions.c.user_agent,
    sessions.c.created_at,
    sessions.c.last_used_at,
    sessions.c.generation,
    sessions.c.revoked_at,
)

_OWNER = bindparam("owner", type_=Text)
_ID = bindparam("id", type_=UUID)
_NOW = bindparam("now", type_=DateTime(timezone=True))
_MINE = sessions.c.user_id == _OWNER


def _owner_of() -> Statement:
    """The policies show a session to whoever names it, as `me()` shows an owner's rows to the owner."""
    name = func.set_config(literal_column("'todo.session'"), bindparam("id", type_=Text), true())
    named = select(name.label("id")).cte("named").prefix_with("MATERIALIZED")
    one = select(sessions.c.user_id).where(sessions.c.id == named.c.id.cast(UUID)).lateral("session")
    return Statement(select(one).select_from(named.join(one, true())))


def _of() -> Statement:
    asking = me()
    mine = select(*_COLUMNS).where(sessions.c.user_id == asking.c.owner).lateral("session")
    newest_first = (mine.c.created_at.desc(), mine.c.id.desc())
    return Statement(select(mine).select_from(asking.outerjoin(mine, true())).order_by(*newest_first))


def _update() -> Statement:
    moved = new_values(sessions.c.last_used_at, sessions.c.generation, sessions.c.revoked_at)
    return Statement(update(sessions).where(_MINE, sessions.c.id == _ID).values(moved).returning(sessions.c.id))


def _revoke_all() -> Statement:
    spared = bindparam("spare", type_=UUID)
    others = (_MINE, sessions.c.revoked_at.is_(None), sessions.c.id.is_distinct_from(spared))
    return Statement(update(sessions).where(*others).values(revoked_at=_NOW))


def _forget() -> Statement:
    ended = or_(
        sessions.c.revoked_at < bindparam("ended_before", type_=DateTime(timezone=True)),
        sessions.c.last_used_at < bindparam("used_before", type_=DateTime(timezone=True)),
        sessions.c.created_at < bindparam("created_before", type_=DateTime(timezone=True)),
    )
    return Statement(delete(sessions).where(_MINE, ended))


_OWNER_OF = _owner_of()
_OF = _of()
_GET = Statement(select(*_COLUMNS).where(_MINE, sessions.c.id == _ID))
_ADD = Statement(insert(sessions).values({column: bindparam(column.name, type_=column.type) for column in _COLUMNS}))
_UPDATE = _update()
_REVOKE_ALL = _revoke_all()
_FORGET = _forget()


class PostgresSessionDirectory:
    """Sessions to look at, each look in one round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owner_of(self, session: SessionId) -> UserId | None:
        rows = await self._database.fetch(_OWNER_OF, {"id": str(session)})
        return rows[0]["user_id"] if rows else None

    async def of(self, owner: UserId) -> Sequence[Session]:
        rows = await self._database.fetch(_OF, {"owner": owner})
        if not rows:
            raise InvalidTokenError
        return [_session(row) for row in rows if row["id"] is not None]


class PostgresSessionRepository:
    """The sessions of one owner, inside a transaction."""

    def __init__(self, transaction: Transaction, owner: UserId) -> None:
        self._transaction = transaction
        self._owner = owner

    async def get(self, session: SessionId) -> Session:
        rows = await self._transaction.fetch(_GET, {"owner": self._owner, "id": session})
        if not rows:
            raise SessionNotFoundError
        return _session(rows[0])

    async def add(self, session: Session) -> None:
        await self._transaction.fetch(_ADD, _row(session))

    async def update(self, session: Session) -> None:
        if not await self._transaction.fetch(_UPDATE, {"owner": self._owner, **_row(session)}):
            raise SessionNotFoundError

    async def revoke_all(self, now: datetime, *, spare: SessionId | None = None) -> None:
        await self._transaction.fetch(_REVOKE_ALL, {"owner": self._owner, "now": now, "spare": spare})

    async def forget(self, ended_before: datetime) -> None:
        ends = {
            "ended_before": ended_before,
            "used_before": ended_before - IDLE_LIFETIME,
            "created_before": ended_before - LIFETIME,
        }
        await self._transaction.fetch(_FORGET, {"owner": self._owner, **ends})


def _row(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "user_id": session.user,
        "user_agent": session.user_agent,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "generation": session.generation,
        "revoked_at": session.revoked_at,
    }


def _session(row: Record) -> Session:
    session_id, user, user_agent, created_at, last_used_at, generation, revoked_at = row
    return Session(
        id=session_id,
        user=user,
        user_agent=user_agent,
        created_at=created_at,
        last_used_at=last_used_at,
        generation=generation,
        revoked_at=revoked_at,
    )
