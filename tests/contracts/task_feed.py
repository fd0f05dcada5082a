"""What `TaskFeed` promises. A subclass brings the fixtures `store` and `own_store`, which a test may close."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_user_id, keep, keep_change, sign_up
from tests.contracts.unit_of_work import LONG_ENOUGH
from todo.application.ports import START, Changes
from todo.domain.errors import CursorExpiredError, InvalidTokenError, UnavailableError
from todo.domain.values import Revision, Title

if TYPE_CHECKING:
    from todo.application.ports import Store
    from todo.application.watches import Watch
    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import UserId

WRITERS = 8
NOT_LONG = 0.2
"""Seconds for which nothing must happen."""


async def several(store: Store, owner: UserId, count: int) -> list[Task]:
    return [await keep(store, a_task(owner)) for _ in range(count)]


async def renamed(store: Store, task: Task, title: str = "Changed") -> Task:
    return await keep_change(store, task.changed({"title": Title(title)}, NOON))


async def purge(store: Store, task: Task) -> None:
    async with store.unit_of_work(task.owner) as work:
        await work.tasks.purge(task.id)
        await work.commit()


class TaskFeedContract:
    @pytest.fixture
    async def user(self, store: Store) -> User:
        return await sign_up(store)

    async def test_a_new_account_has_no_changes(self, store: Store, user: User) -> None:
        assert await store.feed.head(user.id) == 0
        assert await store.feed.changes(user.id, START, 10) == Changes([], Revision(0), has_more=False)

    async def test_changes_come_in_the_order_of_their_revisions(self, store: Store, user: User) -> None:
        first, second, third = await several(store, user.id, 3)
        first = await renamed(store, first)
        changes = await store.feed.changes(user.id, START, 10)
        assert changes == Changes([second, third, first], Revision(4), has_more=False)

    async def test_each_task_comes_once_in_its_newest_state(self, store: Store, user: User) -> None:
        task = await keep(store, a_task(user.id))
        for number in range(5):
            task = await renamed(store, task, str(number))
        assert (await store.feed.changes(user.id, START, 10)).tasks == [task]
        assert (await store.feed.changes(user.id, Revision(3), 10)).tasks == [task]

    async def test_what_was_put_into_the_trash_comes_too(self, store: Store, user: User) -> None:
        first, second = await several(store, user.id, 2)
        deleted = await keep_change(store, first.deleted(NOON))
        assert (await store.feed.changes(user.id, START, 10)).tasks == [second, deleted]
        restored = await keep_change(store, deleted.restored(NOON))
        assert (await store.feed.changes(user.id, deleted.revision, 10)).tasks == [restored]

    async def test_only_what_is_behind_the_cursor_comes(self, store: Store, user: User) -> None:
        tasks = await several(store, user.id, 3)
        for since in range(4):
            changes = await store.feed.changes(user.id, Revision(since), 10)
            assert changes == Changes(tasks[since:], Revision(3), has_more=False)

    async def test_a_part_tells_where_to_go_on(self, store: Store, user: User) -> None:
        tasks = await several(store, user.id, 5)
        assert await store.feed.changes(user.id, START, 2) == Changes(tasks[:2], Revision(2), has_more=True)
        assert await store.feed.changes(user.id, Revision(2), 2) == Changes(tasks[2:4], Revision(4), has_more=True)
        assert await store.feed.changes(user.id, Revision(4), 2) == Changes(tasks[4:], Revision(5), has_more=False)
        assert await store.feed.changes(user.id, START, 5) == Changes(tasks, Revision(5), has_more=False)

    async def test_the_end_is_the_head_even_behind_the_last_task(self, store: Store, user: User) -> None:
        first, second = await several(store, user.id, 2)
        await purge(store, await keep_change(store, second.deleted(NOON)))
        assert await store.feed.changes(user.id, START, 1) == Changes(
            [first], Revision(3), has_more=False, horizon=Revision(3)
        )
        assert await store.feed.head(user.id) == 3

    async def test_strangers_changes_are_their_own(self, store: Store, user: User) -> None:
        other = await sign_up(store)
        await several(store, other.id, 3)
        mine = await several(store, user.id, 1)
        assert await store.feed.changes(user.id, START, 10) == Changes(mine, Revision(1), has_more=False)
        assert await store.feed.head(user.id) == 1

    async def test_a_cursor_that_missed_a_purged_removal_is_expired(self, store: Store, user: User) -> None:
        first, second, third = await several(store, user.id, 3)
        deleted = await keep_change(store, second.deleted(NOON))
        first = await renamed(store, first)
        await purge(store, deleted)
        for since in range(1, deleted.revision):
            with pytest.raises(CursorExpiredError):
                await store.feed.changes(user.id, Revision(since), 10)
        assert (await store.feed.changes(user.id, deleted.revision, 10)).tasks == [first]
        assert (await store.feed.changes(user.id, START, 10)).tasks == [third, first]

    async def test_who_begins_after_a_purge_reads_to_the_end(self, store: Store, user: User) -> None:
        first, second, third = await several(store, user.id, 3)
        await purge(store, await keep_change(store, second.deleted(NOON)))
        part = await store.feed.changes(user.id, START, 1)
        assert part.tasks == [first]
        part = await store.feed.changes(user.id, part.until, 1, part.horizon)
        assert part == Changes([third], Revision(4), has_more=False, horizon=Revision(4))

    async def test_a_purge_in_the_midst_of_a_full_read_expires_it(self, store: Store, user: User) -> None:
        first, second, _ = await several(store, user.id, 3)
        await purge(store, await keep_change(store, second.deleted(NOON)))
        part = await store.feed.changes(user.id, START, 1)
        await purge(store, await keep_change(store, first.deleted(NOON)))
        with pytest.raises(CursorExpiredError):
            await store.feed.changes(user.id, part.until, 1, part.horizon)

    async def test_who_had_seen_that_there_was_nothing_is_told_of_a_purge(self, store: Store, user: User) -> None:
        nothing = await store.feed.changes(user.id, START, 10)
        assert nothing.until == 0
        await purge(store, await keep_change(store, (await keep(store, a_task(user.id))).deleted(NOON)))
        with pytest.raises(CursorExpiredError):
            await store.feed.changes(user.id, nothing.until, 10, nothing.horizon)

    async def test_no_later_purge_brings_an_expired_cursor_back(self, store: Store, user: User) -> None:
        first, second, _ = await several(store, user.id, 3)
        early = await keep_change(store, first.deleted(NOON))
        late = await keep_change(store, second.deleted(NOON))
        await purge(store, late)
        await purge(store, early)
        with pytest.raises(CursorExpiredError):
            await store.feed.changes(user.id, early.revision, 10)
        assert (await store.feed.changes(user.id, late.revision, 10)).tasks == []

    @pytest.mark.parametrize("ahead", [1, 1000, 10**17])
    async def test_a_cursor_from_the_future_is_expired(self, store: Store, user: User, ahead: int) -> None:
        await several(store, user.id, 2)
        with pytest.raises(CursorExpiredError):
            await store.feed.changes(user.id, Revision(2 + ahead), 10)

    async def test_who_has_no_account_is_told_so(self, store: Store, user: User) -> None:
        for nobody in (a_user_id(), (await _disabled(store, user)).id):
            with pytest.raises(InvalidTokenError):
                await store.feed.head(nobody)
            with pytest.raises(InvalidTokenError):
                await store.feed.changes(nobody, START, 10)

    async def test_no_change_is_missed_and_none_comes_twice(self, store: Store, user: User) -> None:
        start, writing = asyncio.Barrier(WRITERS + 1), WRITERS
        replica: dict[object, Task] = {}
        seen: list[int] = []

        async def write() -> None:
            nonlocal writing
            await start.wait()
            for _ in range(4):
                task = await keep(store, a_task(user.id))
                task = await renamed(store, task)
                await keep_change(store, task.deleted(NOON))
            writing -= 1

        async def follow() -> None:
            since, is_last = START, False
            await start.wait()
            while not is_last:
                is_last = writing == 0
                changes = await store.feed.changes(user.id, since, 3)
                is_last = is_last and not changes.has_more
                replica.update({task.id: task for task in changes.tasks})
                seen.extend(task.revision for task in changes.tasks)
                since = changes.until
                await asyncio.sleep(0)

        async with asyncio.timeout(LONG_ENOUGH):
            await asyncio.gather(follow(), *(write() for _ in range(WRITERS)))
        everything = await store.feed.changes(user.id, START, 1000)
        assert replica == {task.id: task for task in everything.tasks}
        assert seen == sorted(set(seen))

    # Watching.

    async def test_a_watch_is_woken_after_a_commit(self, store: Store, user: User) -> None:
        with store.feed.watch(user.id) as watch:
            await _calm(watch)
            await keep(store, a_task(user.id))
            assert await watch.wait(LONG_ENOUGH)

    async def test_every_watch_is_woken(self, store: Store, user: User) -> None:
        with store.feed.watch(user.id) as first, store.feed.watch(user.id) as second:
            await _calm(first)
            await _calm(second)
            await keep(store, a_task(user.id))
            assert await first.wait(LONG_ENOUGH)
            assert await second.wait(LONG_ENOUGH)

    async def test_what_happened_before_the_wait_is_remembered(self, store: Store, user: User) -> None:
        with store.feed.watch(user.id) as watch:
            await keep(store, a_task(user.id))
            assert await watch.wait(LONG_ENOUGH)

    async def test_the_end_of_an_account_wakes(self, store: Store, user: User) -> None:
        with store.feed.watch(user.id) as watch:
            await _calm(watch)
            async with store.unit_of_work(user.id) as work:
                await work.users.delete()
                await work.commit()
            assert await watch.wait(LONG_ENOUGH)

    async def test_a_quiet_watch_waits_for_as_long_as_it_is_told(self, store: Store, user: User) -> None:
        other = await sign_up(store)
        with store.feed.watch(user.id) as watch:
            await _calm(watch)
            await keep(store, a_task(other.id))
            assert not await watch.wait(NOT_LONG)

    async def test_closing_ends_waiting(self, own_store: Store) -> None:
        user = await sign_up(own_store)
        with own_store.feed.watch(user.id) as watch:
            await _calm(watch)
            waiting = asyncio.create_task(watch.wait(LONG_ENOUGH))
            await asyncio.sleep(0)
            own_store.feed.close()
            with pytest.raises(UnavailableError):
                await waiting
            with pytest.raises(UnavailableError):
                await watch.wait(LONG_ENOUGH)

    async def test_a_closed_feed_ends_what_is_begun_later(self, own_store: Store) -> None:
        own_store.feed.close()
        own_store.feed.close()
        with own_store.feed.watch(a_user_id()) as watch, pytest.raises(UnavailableError):
            await watch.wait(LONG_ENOUGH)

    async def test_a_closed_feed_can_still_be_read_and_the_store_written(self, own_store: Store) -> None:
        own_store.feed.close()
        user = await sign_up(own_store)
        kept = await keep(own_store, a_task(user.id))
        assert (await own_store.feed.changes(user.id, START, 10)).tasks == [kept]


async def _calm(watch: Watch) -> None:
    """Wait until nothing is left to see of what happened before."""
    while await watch.wait(NOT_LONG):
        pass


async def _disabled(store: Store, user: User) -> User:
    async with store.unit_of_work(user.id) as work:
        await work.users.update(replace(user, disabled_at=NOON))
        await work.commit()
    return user
