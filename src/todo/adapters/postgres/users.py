"""Accounts in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.tables import users
from todo.domain.errors import EmailTakenError
from todo.domain.user import User

if TYPE_CHECKING:
    from asyncpg import Record

    from todo.adapters.postgres.database import Database, Transaction
    from todo.domain.values import Email, UserId

_COLUMNS = (users.c.id, users.c.email, users.c.name, users.c.password_hash, users.c.created_at)

_GET = Statement(select(*_COLUMNS).where(users.c.id == bindparam("id", type_=Text)))
_FIND_BY_EMAIL = Statement(select(*_COLUMNS).where(users.c.email == bindparam("email", type_=Text)))
_ADD = Statement(
    insert(users)
    .values({column: bindparam(column.name, type_=column.type) for column in _COLUMNS})
    .on_conflict_do_nothing(index_elements=[users.c.email])
    .returning(users.c.id)
)


class PostgresUserDirectory:
    """Accounts, before it is known whose request it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user: UserId) -> User | None:
        return _first(await self._database.fetch(_GET, {"id": user}))

    async def find_by_email(self, email: Email) -> User | None:
        return _first(await self._database.fetch(_FIND_BY_EMAIL, {"email": email}))


class PostgresUserRepository:
    """The account of one owner, inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, user: User) -> None:
        if not await self._transaction.fetch(_ADD, _row(user)):
            raise EmailTakenError


def _row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "password_hash": user.password_hash,
        "created_at": user.created_at,
    }


def _first(rows: list[Record]) -> User | None:
    return User(**dict(rows[0].items())) if rows else None
