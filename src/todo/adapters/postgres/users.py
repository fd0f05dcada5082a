"""Accounts in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, Text, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from todo.adapters.postgres.statements import Statement, new_values
from todo.adapters.postgres.tables import users
from todo.domain.errors import EmailTakenError, InvalidTokenError
from todo.domain.user import User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from todo.adapters.postgres.database import Database, Transaction
    from todo.domain.values import Email, UserId

_COLUMNS = (users.c.id, users.c.email, users.c.name, users.c.password_hash, users.c.created_at, users.c.disabled_at)

_GET = Statement(select(*_COLUMNS).where(users.c.id == bindparam("id", type_=Text)))
_PAGE = Statement(
    select(*_COLUMNS)
    .where(users.c.id > bindparam("after", type_=Text))
    .order_by(users.c.id)
    .limit(bindparam("rows", type_=Integer))
)
_UPDATE = Statement(
    update(users)
    .where(users.c.id == bindparam("id", type_=Text))
    .values(new_values(users.c.name, users.c.password_hash, users.c.disabled_at))
    .returning(users.c.id)
)
_DELETE = Statement(delete(users).where(users.c.id == bindparam("id", type_=Text)))  # all that is theirs goes with them
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

    async def page(self, after: UserId | None, limit: int) -> Sequence[User]:
        rows = await self._database.fetch(_PAGE, {"after": after or "", "rows": limit})
        return [_user(row) for row in rows]


class PostgresUserRepository:
    """The account of one owner, inside a transaction."""

    def __init__(self, transaction: Transaction, owner: UserId) -> None:
        self._transaction = transaction
        self._owner = owner

    async def get(self) -> User | None:
        return _first(await self._transaction.fetch(_GET, {"id": self._owner}))

    async def add(self, user: User) -> None:
        if not await self._transaction.fetch(_ADD, _row(user)):
            raise EmailTakenError

    async def update(self, user: User) -> None:
        if not await self._transaction.fetch(_UPDATE, {**_row(user), "id": self._owner}):
            raise InvalidTokenError

    async def delete(self) -> None:
        await self._transaction.fetch(_DELETE, {"id": self._owner})


def _row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "password_hash": user.password_hash,
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
    }


def _first(rows: list[Record]) -> User | None:
    return _user(rows[0]) if rows else None


def _user(row: Record) -> User:
    return User(**dict(row.items()))
