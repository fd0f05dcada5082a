"""The store in PostgreSQL keeps every promise of the ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import a_user_id
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
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from todo.application.ports import Store


class TestStore(StoreContract): ...


class TestTaskReader(TaskReaderContract): ...


class TestTaskLists(TaskListsContract): ...


class TestTrash(TrashContract): ...


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
