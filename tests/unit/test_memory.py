"""The store in memory keeps every promise of the ports."""

from __future__ import annotations

import pytest

from tests.contracts.accounts import AccountsContract
from tests.contracts.archive import ArchiveContract
from tests.contracts.identities import BurialContract, IdentitiesContract
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
from todo.adapters.memory.store import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def own_store(store: MemoryStore) -> MemoryStore:
    return store


@pytest.fixture
async def closed_store(store: MemoryStore) -> MemoryStore:
    await store.close()
    return store


class TestStore(StoreContract): ...


class TestTaskReader(TaskReaderContract): ...


class TestTaskLists(TaskListsContract): ...


class TestTrash(TrashContract): ...


class TestTaskRepository(TaskRepositoryContract): ...


class TestUnitOfWork(UnitOfWorkContract): ...


class TestAccounts(AccountsContract): ...


class TestIdentities(IdentitiesContract): ...


class TestBurial(BurialContract): ...


class TestSessions(SessionsContract): ...


class TestArchive(ArchiveContract): ...


class TestReceipts(ReceiptRepositoryContract): ...


class TestForgettingReceipts(ForgettingReceiptsContract): ...


class TestTaskFeed(TaskFeedContract): ...


class TestTrashPurge(TrashPurgeContract): ...
