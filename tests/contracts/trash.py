"""What `TaskRepository` promises of purging. A subclass brings the fixture `store`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_task_id, a_user_id, keep, keep_change, sign_up
from todo.application.queries import TaskQuery
from todo.domain.errors import CursorExpiredError, InvalidTokenError, NotFoundError
from todo.domain.values import Revision

if TYPE_CHECKING:
    from datetime import datetime

    from todo.application.ports import Store
    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import TaskId, UserId

TRASH = TaskQuery(in_trash=True)


class TrashContract:
    @pytest.fixture
    async def user(self, store: Store) -> User:
        return await sign_up(store)

    async def test_what_is_purged_is_gone(self, store: Store, user: User) -> None:
        deleted = await _delete(store, user.id)
        await _purge(store, user.id, deleted.id)
        assert (await store.tasks.page(user.id, TRASH)).total == 0
        async with store.unit_of_work(user.id) as work:
            assert await work.tasks.find(deleted.id) is None
            with pytest.raises(NotFoundError):
                await work.tasks.purge(deleted.id)

    async def test_its_id_is_free_again(self, store: Store, user: User) -> None:
        deleted = await _delete(store, user.id)
        await _purge(store, user.id, deleted.id)
        again = await keep(store, a_task(user.id, id=deleted.id))
        assert await store.tasks.get(user.id, deleted.id) == again

    async def test_nothing_but_the_trash_is_purged(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        for task in (kept.id, a_task_id()):
            with pytest.raises(NotFoundError):
                await _purge(store, user.id, task)
        await _purge_all(store, user.id)
        assert await store.tasks.get(user.id, kept.id) == kept

    async def test_nothing_is_purged_without_commit(self, store: Store, user: User) -> None:
        deleted = await _delete(store, user.id)
        async with store.unit_of_work(user.id) as work:
            await work.tasks.purge(deleted.id)
        async with store.unit_of_work(user.id) as work:
            await work.tasks.purge_all()
        assert list((await store.tasks.page(user.id, TRASH)).tasks) == [deleted]
        assert list((await store.feed.changes(user.id, Revision(1), 10)).tasks) == [deleted]

    async def test_of_two_tasks_with_one_id_only_the_owners_is_purged(self, store: Store, user: User) -> None:
        theirs = await _delete(store, (await sign_up(store)).id)
        mine = await keep(store, a_task(user.id, id=theirs.id))
        mine = await keep_change(store, mine.deleted(NOON))
        await _purge(store, user.id, mine.id)
        assert list((await store.tasks.page(theirs.owner, TRASH)).tasks) == [theirs]
        with pytest.raises(NotFoundError):
            await _purge(store, user.id, theirs.id)
        await _purge_all(store, user.id)
        assert list((await store.tasks.page(theirs.owner, TRASH)).tasks) == [theirs]

    async def test_the_whole_trash_is_purged_at_once(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        for _ in range(3):
            await _delete(store, user.id)
        await _purge_all(store, user.id)
        await _purge_all(store, user.id)
        assert (await store.tasks.page(user.id, TRASH)).total == 0
        assert list((await store.tasks.page(user.id, TaskQuery())).tasks) == [kept]

    async def test_purging_takes_no_revision(self, store: Store, user: User) -> None:
        first, second = await _delete(store, user.id), await _delete(store, user.id)
        await _purge(store, user.id, first.id)
        await _purge_all(store, user.id)
        assert await store.feed.head(user.id) == second.revision

    async def test_who_has_not_read_of_the_removal_is_turned_away(self, store: Store, user: User) -> None:
        deleted = await _delete(store, user.id)
        before = Revision(deleted.revision - 1)
        assert list((await store.feed.changes(user.id, before, 10)).tasks) == [deleted]
        await _purge(store, user.id, deleted.id)
        with pytest.raises(CursorExpiredError):
            await store.feed.changes(user.id, before, 10)
        assert list((await store.feed.changes(user.id, deleted.revision, 10)).tasks) == []

    async def test_purging_an_older_task_does_not_lower_the_horizon(self, store: Store, user: User) -> None:
        older, newer = await _delete(store, user.id), await _delete(store, user.id)
        await _purge(store, user.id, newer.id)
        await _purge(store, user.id, older.id)
        with pytest.raises(CursorExpiredError):
            await store.feed.changes(user.id, older.revision, 10)

    async def test_nothing_is_purged_for_who_is_disabled(self, store: Store, user: User) -> None:
        deleted = await _delete(store, user.id)
        await _set_disabled(store, user, NOON)
        for purge in (_purge(store, user.id, deleted.id), _purge_all(store, user.id)):
            with pytest.raises(InvalidTokenError):
                await purge
        await _set_disabled(store, user, None)
        assert list((await store.tasks.page(user.id, TRASH)).tasks) == [deleted]

    async def test_who_has_no_account_is_told_so(self, store: Store) -> None:
        async with store.unit_of_work(a_user_id()) as work:
            with pytest.raises(InvalidTokenError):
                await work.tasks.purge(a_task_id())
            with pytest.raises(InvalidTokenError):
                await work.tasks.purge_all()


async def _delete(store: Store, owner: UserId) -> Task:
    return await keep_change(store, (await keep(store, a_task(owner))).deleted(NOON))


async def _set_disabled(store: Store, user: User, at: datetime | None) -> None:
    async with store.unit_of_work(user.id) as work:
        await work.users.update(replace(user, disabled_at=at))
        await work.commit()


async def _purge(store: Store, owner: UserId, task: TaskId) -> None:
    async with store.unit_of_work(owner) as work:
        await work.tasks.purge(task)
        await work.commit()


async def _purge_all(store: Store, owner: UserId) -> None:
    async with store.unit_of_work(owner) as work:
        await work.tasks.purge_all()
        await work.commit()
