"""What `Store` promises of its own life. A subclass brings `store` and `closed_store`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_task_id, a_user_id, an_email, sign_up
from todo.application.queries import TaskQuery
from todo.domain.errors import InvalidTokenError, UnavailableError
from todo.domain.values import Revision, Title

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

    async def test_a_task_is_added_by_itself_as_in_a_unit_of_work(self, store: Store) -> None:
        user = await sign_up(store)
        task = a_task(user.id, title=Title("by itself"))
        stored = await store.add_task(task)
        assert stored == replace(task, revision=Revision(1))
        assert await store.tasks.get(user.id, task.id) == stored
        assert await store.feed.head(user.id) == 1

    async def test_tasks_added_at_once_take_one_number_each(self, store: Store) -> None:
        user, other = await sign_up(store), await sign_up(store)
        stored = await asyncio.gather(*(store.add_task(a_task(user.id)) for _ in range(20)))
        assert sorted(task.revision for task in stored) == list(range(1, 21))
        assert await store.feed.head(other.id) == 0

    async def test_a_task_added_by_itself_waits_for_the_owners_turn(self, store: Store) -> None:
        user = await sign_up(store)
        async with store.unit_of_work(user.id) as work:
            adding = asyncio.create_task(store.add_task(a_task(user.id)))
            first = await work.tasks.add(a_task(user.id))
            assert not adding.done()
            await work.commit()
        assert (first.revision, (await adding).revision) == (1, 2)

    async def test_nobody_without_an_account_adds_a_task(self, store: Store) -> None:
        disabled = await sign_up(store, disabled_at=NOON)
        for nobody in (a_user_id(), disabled.id):
            with pytest.raises(InvalidTokenError):
                await store.add_task(a_task(nobody))
