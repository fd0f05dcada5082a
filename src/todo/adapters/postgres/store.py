"""The store in PostgreSQL: reading, finding, and units of work."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from todo.adapters.postgres.archive import PostgresArchive
from todo.adapters.postgres.feed import PostgresTaskFeed
from todo.adapters.postgres.identities import PostgresIdentityDirectory, PostgresIdentityRepository
from todo.adapters.postgres.receipts import PostgresReceiptDirectory, PostgresReceiptRepository
from todo.adapters.postgres.sessions import PostgresSessionDirectory, PostgresSessionRepository
from todo.adapters.postgres.signals import Signals
from todo.adapters.postgres.task_writes import add_task, update_task
from todo.adapters.postgres.tasks import (
    PostgresTaskReader,
    PostgresTaskRepository,
    PostgresTrashDirectory,
    get_task,
)
from todo.adapters.postgres.users import PostgresUserDirectory, PostgresUserRepository
from todo.application.changing import change_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from todo.adapters.postgres.database import Database, Transaction
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class PostgresStore:
    """Where tasks and accounts are kept: one PostgreSQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.tasks = PostgresTaskReader(database)
        self.trash = PostgresTrashDirectory(database)
        self.receipts = PostgresReceiptDirectory(database)
        self.users = PostgresUserDirectory(database)
        self.sessions = PostgresSessionDirectory(database)
        self.archive = PostgresArchive(database)
        self.identities = PostgresIdentityDirectory(database)
        self._signals = Signals(database)
        self.feed = PostgresTaskFeed(database, self._signals)
        self._look: asyncio.Task[None] | None = None

    async def add_task(self, task: Task) -> Task:
        stored = await add_task(self._database, task.owner, task)
        self._signals.announce(task.owner)
        return stored

    async def change_task(self, owner: UserId, task: TaskId, change: Callable[[Task], Task]) -> Task:
        async with self._database.lease() as lease:
            found = await get_task(lease, owner, task)
            changed = change(found)
            if changed is found:
                return found
            stored = await update_task(lease, owner, changed)
        if stored is None:  # another write got in between: now it waits for its turn
            async with self.unit_of_work(owner) as work:
                stored = await change_in(work, task, change)
                await work.commit()
            return stored
        self._signals.announce(owner)
        return stored

    @asynccontextmanager
    async def unit_of_work(self, owner: UserId) -> AsyncIterator[PostgresUnitOfWork]:
        async with self._database.transaction(owner) as transaction:
            yield PostgresUnitOfWork(transaction, owner, self._signals)

    async def close(self) -> None:
        self.feed.close()
        await self._database.close()

    async def check(self) -> None:
        if self._look is None or self._look.done():
            # anyone may ask, without a token: so all who ask at once take one connection
            self._look = asyncio.create_task(self._database.check())
            self._look.add_done_callback(_look_at)
        await asyncio.shield(self._look)


def _look_at(look: asyncio.Task[None]) -> None:
    """An error that nobody waits for any more is no fault."""
    if not look.cancelled():
        _ = look.exception()


class PostgresUnitOfWork:
    """A transaction of one owner."""

    def __init__(self, transaction: Transaction, owner: UserId, signals: Signals) -> None:
        self._transaction = transaction
        self._owner = owner
        self._signals = signals
        self.tasks = PostgresTaskRepository(transaction, owner)
        self.receipts = PostgresReceiptRepository(transaction, owner)
        self.users = PostgresUserRepository(transaction, owner)
        self.sessions = PostgresSessionRepository(transaction, owner)
        self.identities = PostgresIdentityRepository(transaction, owner)

    async def commit(self) -> None:
        try:
            await self._transaction.commit()
        finally:
            self._signals.announce(self._owner)  # it may have been kept even if the answer got lost
