"""What `TrashDirectory` and `TaskRepository.purge_before` promise. A subclass brings the fixture `store`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_user_id, keep, keep_change, sign_up
from todo.application.queries import TaskQuery
from todo.domain.errors import CursorExpiredError
from todo.domain.values import Revision

if TYPE_CHECKING:
    from datetime import datetime

    from todo.application.ports import Store
    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import UserId

LONG_AGO = NOON - timedelta(days=36_500)
ANCIENT = LONG_AGO - timedelta(days=36_500)
"""Before anything that other tests put into the trash of a store that they share."""
A_MOMENT = timedelta(microseconds=1)
ALL = 100


async def trashed(store: Store, owner: UserId, at: datetime) -> Task:
    return await keep_change(store, (await keep(store, a_task(owner))).deleted(at))


async def purge_before(store: Store, owner: UserId, before: datetime, limit: int = ALL) -> int:
    async with store.unit_of_work(owner) as work:
        purged = await work.tasks.purge_before(before, limit)
        await work.commit()
    return purged


async def in_trash(store: Store, owner: UserId) -> list[Task]:
    return list((await store.tasks.page(owner, TaskQuery(in_trash=True, descending=False))).tasks)


async def is_named(store: Store, user: User, before: datetime) -> bool:
    return user.id in await store.trash.owners(before, 10_000)


class TrashPurgeContract:
    @pytest.fixture
    async def user(self, store: Store) -> User:
        return await sign_up(store)

    async def test_what_is_old_enough_is_purged_and_nothing_else(self, store: Store, user: User) -> None:
        other = await sign_up(store)
        kept = await keep(store, a_task(user.id))
        old, young = [await trashed(store, user.id, LONG_AGO + days * A_MOMENT) for days in (0, 1)]
        theirs = await trashed(store, other.id, LONG_AGO)
        assert await purge_before(store, user.id, LONG_AGO) == 0
        assert await purge_before(store, user.id, LONG_AGO + A_MOMENT) == 1
        async with store.unit_of_work(user.id) as work:
            assert await work.tasks.find(old.id) is None
        assert await in_trash(store, user.id) == [young]
        assert await in_trash(store, other.id) == [theirs]
        assert await store.tasks.get(user.id, kept.id) == kept

    async def test_the_oldest_go_first(self, store: Store, user: User) -> None:
        tasks = [await trashed(store, user.id, LONG_AGO - number * A_MOMENT) for number in range(5)]
        assert await purge_before(store, user.id, NOON, 2) == 2
        assert {task.id for task in await in_trash(store, user.id)} == {task.id for task in tasks[:3]}

    async def test_cursors_that_missed_a_removal_are_expired(self, store: Store, user: User) -> None:
        tasks = [await trashed(store, user.id, LONG_AGO) for _ in range(2)]
        await purge_before(store, user.id, NOON)
        with pytest.raises(CursorExpiredError):
            await store.feed.changes(user.id, Revision(tasks[-1].revision - 1), ALL)
        assert (await store.feed.changes(user.id, tasks[-1].revision, ALL)).tasks == []

    async def test_a_purge_of_nothing_expires_nothing(self, store: Store, user: User) -> None:
        await trashed(store, user.id, NOON)
        assert await purge_before(store, user.id, LONG_AGO) == 0
        assert (await store.feed.changes(user.id, Revision(1), ALL)).tasks

    async def test_it_takes_no_revision(self, store: Store, user: User) -> None:
        deleted = await trashed(store, user.id, LONG_AGO)
        await purge_before(store, user.id, NOON)
        assert await store.feed.head(user.id) == deleted.revision

    async def test_whoever_has_old_trash_is_named_the_longest_first(self, store: Store) -> None:
        users = [await sign_up(store) for _ in range(3)]
        for days, user in zip((2, 3, 1), users, strict=True):
            await trashed(store, user.id, ANCIENT - timedelta(days=days))
            await trashed(store, user.id, NOON)
        expected = [users[1].id, users[0].id, users[2].id]
        assert await store.trash.owners(ANCIENT, ALL) == expected
        assert await store.trash.owners(ANCIENT, 2) == expected[:2]
        assert await store.trash.owners(ANCIENT - timedelta(days=2), ALL) == expected[:1]
        for user in users:
            assert await purge_before(store, user.id, ANCIENT) == 1
        assert await store.trash.owners(ANCIENT, ALL) == []

    async def test_who_has_more_than_is_purged_at_once_is_named_again(self, store: Store, user: User) -> None:
        for _ in range(3):
            await trashed(store, user.id, LONG_AGO)
        for purged in (2, 1, 0):
            assert await purge_before(store, user.id, LONG_AGO + A_MOMENT, 2) == purged
            assert await is_named(store, user, LONG_AGO + A_MOMENT) == (purged == 2)

    async def test_what_was_restored_is_not_purged(self, store: Store, user: User) -> None:
        restored = await keep_change(store, (await trashed(store, user.id, LONG_AGO)).restored(NOON))
        again = await trashed(store, user.id, NOON)
        assert await purge_before(store, user.id, NOON) == 0
        assert not await is_named(store, user, NOON - A_MOMENT)
        assert await store.tasks.get(user.id, restored.id) == restored
        assert await in_trash(store, user.id) == [again]
        assert await purge_before(store, user.id, NOON + A_MOMENT) == 1

    async def test_whoever_comes_back_to_the_trash_is_named_again(self, store: Store, user: User) -> None:
        for _ in range(2):
            await trashed(store, user.id, LONG_AGO)
            assert await is_named(store, user, NOON - A_MOMENT)
            assert await purge_before(store, user.id, NOON) == 1
            assert not await is_named(store, user, NOON - A_MOMENT)

    async def test_a_disabled_account_has_its_trash_purged_too(self, store: Store, user: User) -> None:
        await trashed(store, user.id, LONG_AGO)
        async with store.unit_of_work(user.id) as work:
            await work.users.update(replace(user, disabled_at=NOON))
            await work.commit()
        assert await is_named(store, user, LONG_AGO + A_MOMENT)
        assert await purge_before(store, user.id, LONG_AGO + A_MOMENT) == 1
        assert not await is_named(store, user, LONG_AGO + A_MOMENT)

    async def test_without_an_account_there_is_nothing(self, store: Store) -> None:
        assert await purge_before(store, a_user_id(), NOON) == 0
