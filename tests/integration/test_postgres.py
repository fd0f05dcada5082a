"""The store in PostgreSQL keeps every promise of the ports."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_user_id, keep, sign_up
from tests.contracts.accounts import AccountsContract
from tests.contracts.archive import ArchiveContract
from tests.contracts.identities import BurialContract, IdentitiesContract, first_sight
from tests.contracts.receipts import ForgettingReceiptsContract, ReceiptRepositoryContract
from tests.contracts.sessions import SessionsContract
from tests.contracts.store import StoreContract
from tests.contracts.task_feed import TaskFeedContract
from tests.contracts.task_lists import TaskListsContract
from tests.contracts.task_reader import TaskReaderContract
from tests.contracts.task_repository import TaskRepositoryContract
from tests.contracts.trash import TrashContract
from tests.contracts.trash_purge import TrashPurgeContract
from tests.contracts.unit_of_work import UnitOfWorkContract
from todo.adapters.postgres import identities
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.store import PostgresStore
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from todo.application.ports import Store


class TestStore(StoreContract): ...


class TestTaskReader(TaskReaderContract): ...


class TestTaskLists(TaskListsContract): ...


class TestTrash(TrashContract): ...


async def test_who_changes_a_task_stands_in_line_once(database_url: str, store: Store) -> None:
    user = await sign_up(store)
    task = await keep(store, a_task(user.id))
    database = Database(database_url, size=1)  # in whose line no hint of what was kept stands
    narrow = PostgresStore(database)
    order: list[str] = []

    async def note(name: str, work: Awaitable[object]) -> None:
        await work
        order.append(name)

    async with asyncio.TaskGroup() as group, database.transaction(user.id):
        group.create_task(note("before", narrow.tasks.get(user.id, task.id)))
        group.create_task(note("change", narrow.change_task(user.id, task.id, lambda seen: seen.toggled(NOON))))
        for _ in range(3):
            group.create_task(note("behind", narrow.tasks.get(user.id, task.id)))
        await asyncio.sleep(0)
        assert database.use.waiting == 5
    await narrow.close()
    assert order == ["before", "change", "behind", "behind", "behind"]


class TestTaskRepository(TaskRepositoryContract): ...


class TestUnitOfWork(UnitOfWorkContract): ...


class TestAccounts(AccountsContract): ...


class TestIdentities(IdentitiesContract):
    async def test_who_comes_too_late_each_time_is_told_to_come_again(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(identities, "ATTEMPTS", 0)
        with pytest.raises(UnavailableError):
            await first_sight(store, a_user_id())


class TestBurial(BurialContract): ...


class TestSessions(SessionsContract): ...


class TestArchive(ArchiveContract): ...


class TestReceipts(ReceiptRepositoryContract): ...


class TestForgettingReceipts(ForgettingReceiptsContract): ...


class TestTaskFeed(TaskFeedContract): ...


class TestTrashPurge(TrashPurgeContract): ...
