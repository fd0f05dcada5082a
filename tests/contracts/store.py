"""What `Store` promises of its own life. A subclass brings `store` and `closed_store`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import a_task_id, a_user_id, an_email
from todo.application.queries import TaskQuery
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from todo.application.ports import Store


class StoreContract:
    async def test_a_store_that_can_be_used_passes_its_check(self, store: Store) -> None:
        await store.check()

    async def test_a_closed_store_cannot_be_read(self, closed_store: Store) -> None:
        with pytest.raises(UnavailableError):
            await closed_store.tasks.get(a_user_id(), a_task_id())
        with pytest.raises(UnavailableError):
            await closed_store.tasks.page(a_user_id(), TaskQuery())
        with pytest.raises(UnavailableError):
            await closed_store.users.get(a_user_id())
        with pytest.raises(UnavailableError):
            await closed_store.users.find_by_email(an_email())

    async def test_a_closed_store_cannot_be_written(self, closed_store: Store) -> None:
        with pytest.raises(UnavailableError):
            async with closed_store.unit_of_work(a_user_id()):
                pytest.fail("the store is closed")

    async def test_a_closed_store_fails_its_check(self, closed_store: Store) -> None:
        with pytest.raises(UnavailableError):
            await closed_store.check()

    async def test_closing_twice_is_closing_once(self, closed_store: Store) -> None:
        await closed_store.close()
        with pytest.raises(UnavailableError):
            await closed_store.check()
