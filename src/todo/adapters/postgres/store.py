"""The store in PostgreSQL: reading, finding, and units of work."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from todo.adapters.postgres.tasks import PostgresTaskReader, PostgresTaskRepository
from todo.adapters.postgres.users import PostgresUserDirectory, PostgresUserRepository

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.adapters.postgres.database import Database, Transaction
    from todo.domain.values import UserId


class PostgresStore:
    """Where tasks and accounts are kept: one PostgreSQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.tasks = PostgresTaskReader(database)
        self.users = PostgresUserDirectory(database)

    @asynccontextmanager
    async def unit_of_work(self, owner: UserId) -> AsyncIterator[PostgresUnitOfWork]:
        async with self._database.transaction(owner) as transaction:
            yield PostgresUnitOfWork(transaction, owner)

    async def close(self) -> None:
        await self._database.close()

    async def check(self) -> None:
        await self._database.check()


class PostgresUnitOfWork:
    """A transaction of one owner."""

    def __init__(self, transaction: Transaction, owner: UserId) -> None:
        self._transaction = transaction
        self.tasks = PostgresTaskRepository(transaction, owner)
        self.users = PostgresUserRepository(transaction)

    async def commit(self) -> None:
        await self._transaction.commit()
