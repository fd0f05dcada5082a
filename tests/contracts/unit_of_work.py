"""What `UnitOfWork` and `Store.unit_of_work` promise. A subclass brings the fixture `store`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_user, keep, keep_change, sign_up
from todo.application.queries import TaskQuery
from todo.domain.errors import NotFoundError, StaleError
from todo.domain.values import Description, Title

if TYPE_CHECKING:
    from todo.application.ports import Store
    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import TaskId, UserId

AT_ONCE = 8
LONG_ENOUGH = 20
"""Seconds after which what should have happened by itself never will."""


class MindChangedError(Exception):
    """What a use case may raise in the middle of its work."""


class UnitOfWorkContract:
    @pytest.fixture
    async def user(self, store: Store) -> User:
        return await sign_up(store)

    async def test_nothing_is_stored_without_commit(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        async with store.unit_of_work(user.id) as work:
            added = await work.tasks.add(a_task(user.id))
            await work.tasks.update(kept.deleted(NOON))
        with pytest.raises(NotFoundError):
            await store.tasks.get(user.id, added.id)
        assert list((await store.tasks.page(user.id, TaskQuery())).tasks) == [kept]

    async def test_no_account_is_opened_without_commit(self, store: Store) -> None:
        user = a_user()
        async with store.unit_of_work(user.id) as work:
            await work.users.add(user)
        assert await store.users.get(user.id) is None

    async def test_a_commit_keeps_all_that_was_written(self, store: Store) -> None:
        user = a_user()
        async with store.unit_of_work(user.id) as work:
            await work.users.add(user)
            first = await work.tasks.add(a_task(user.id))
            second = await work.tasks.add(a_task(user.id))
            first = await work.tasks.update(first.changed({"title": Title("First")}, NOON))
            await work.commit()
        assert await store.users.get(user.id) == user
        assert await store.tasks.get(user.id, first.id) == first
        assert await store.tasks.get(user.id, second.id) == second

    @pytest.mark.parametrize("error", [MindChangedError, NotFoundError, KeyboardInterrupt])
    async def test_an_error_undoes_everything_and_passes_through(
        self, store: Store, user: User, error: type[BaseException]
    ) -> None:
        kept = await keep(store, a_task(user.id))
        with pytest.raises(error):
            await _change_and_fail(store, kept, error())
        assert list((await store.tasks.page(user.id, TaskQuery())).tasks) == [kept]
        assert (await keep(store, a_task(user.id))).revision == kept.revision + 1

    async def test_a_cancelled_unit_of_work_undoes_everything_and_ends_its_turn(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        has_written = asyncio.Event()

        async def write_and_wait() -> None:
            async with store.unit_of_work(user.id) as work:
                await work.tasks.update(kept.deleted(NOON))
                has_written.set()
                await asyncio.Event().wait()

        cancelled = asyncio.create_task(write_and_wait())
        await has_written.wait()
        cancelled.cancel()
        async with asyncio.timeout(LONG_ENOUGH):
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert (await keep(store, a_task(user.id))).revision == kept.revision + 1
        assert await store.tasks.get(user.id, kept.id) == kept

    async def test_every_write_takes_the_owners_next_number(self, store: Store, user: User) -> None:
        first = await keep(store, a_task(user.id))
        second = await keep(store, a_task(user.id))
        changed = await keep_change(store, first.changed({"title": Title("Changed")}, NOON))
        deleted = await keep_change(store, second.deleted(NOON))
        async with store.unit_of_work(user.id) as work:
            third = await work.tasks.add(a_task(user.id))
            completed = await work.tasks.update(third.changed({"completed": True}, NOON))
            await work.commit()
        assert [task.revision for task in (first, second, changed, deleted, third, completed)] == [1, 2, 3, 4, 5, 6]

    async def test_what_is_undone_takes_no_number(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        async with store.unit_of_work(user.id) as work:
            await work.tasks.add(a_task(user.id))
        with pytest.raises(MindChangedError):
            await _change_and_fail(store, kept, MindChangedError())
        assert (await keep(store, a_task(user.id))).revision == kept.revision + 1

    async def test_what_is_refused_takes_no_number(self, store: Store, user: User) -> None:
        stale = await keep(store, a_task(user.id))
        kept = await keep_change(store, stale.changed({"title": Title("Changed")}, NOON))
        for refused in (stale, a_task(user.id)):
            with pytest.raises((StaleError, NotFoundError)):
                await keep_change(store, refused)
        assert (await keep(store, a_task(user.id))).revision == kept.revision + 1

    async def test_the_numbers_of_one_owner_are_no_business_of_another(self, store: Store, user: User) -> None:
        other = await sign_up(store)
        mine = [await keep(store, a_task(user.id)) for _ in range(3)]
        theirs = await keep(store, a_task(other.id))
        assert ([task.revision for task in mine], theirs.revision) == ([1, 2, 3], 1)
        assert (await keep(store, a_task(user.id))).revision == 4

    async def test_writes_at_once_take_each_number_once(self, store: Store, user: User) -> None:
        start = asyncio.Barrier(AT_ONCE)

        async def write() -> int:
            await start.wait()
            return (await keep(store, a_task(user.id))).revision

        revisions = await asyncio.gather(*(write() for _ in range(AT_ONCE)))
        assert sorted(revisions) == list(range(1, AT_ONCE + 1))

    async def test_whoever_sees_a_number_sees_all_before_it(self, store: Store, user: User) -> None:
        start, is_over = asyncio.Barrier(AT_ONCE + 1), asyncio.Event()
        seen: list[list[int]] = []

        async def write() -> None:
            await start.wait()
            for _ in range(4):
                await keep(store, a_task(user.id))

        async def look() -> None:
            await start.wait()
            while not is_over.is_set():
                page = await store.tasks.page(user.id, TaskQuery())
                seen.append(sorted(task.revision for task in page.tasks))
                await asyncio.sleep(0)

        looking = asyncio.create_task(look())
        await asyncio.gather(*(write() for _ in range(AT_ONCE)))
        is_over.set()
        await looking
        assert all(revisions == list(range(1, len(revisions) + 1)) for revisions in seen)
        assert (await store.tasks.page(user.id, TaskQuery())).total == 4 * AT_ONCE

    async def test_units_of_work_of_one_owner_happen_one_after_another(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        other = await sign_up(store)
        begun, may_end = asyncio.Event(), asyncio.Event()
        seen: list[Task] = []

        async def first() -> None:
            async with store.unit_of_work(user.id) as work:
                begun.set()
                await may_end.wait()
                seen.append(await work.tasks.get(kept.id))
                await work.tasks.update(kept.changed({"title": Title("First")}, NOON))
                await work.commit()

        async def second() -> None:
            await begun.wait()
            async with store.unit_of_work(user.id) as work:
                seen.append(await work.tasks.get(kept.id))

        async with asyncio.timeout(LONG_ENOUGH):
            both = asyncio.gather(first(), second())
            await begun.wait()
            for _ in range(10):  # time enough for the second to come in, if anything let it
                await keep(store, a_task(other.id))
            assert seen == []
            may_end.set()
            await both
        assert [task.title for task in seen] == [kept.title, "First"]

    async def test_what_was_read_cannot_change_before_the_end(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id, description=Description("")))
        start = asyncio.Barrier(AT_ONCE)

        async def append(letter: str) -> None:
            await start.wait()
            async with store.unit_of_work(user.id) as work:
                task = await work.tasks.get(kept.id)
                text = Description(f"{task.description}{letter}")
                await work.tasks.update(task.changed({"description": text}, NOON))
                await work.commit()

        await asyncio.gather(*(append(letter) for letter in "abcdefgh"))
        description = (await store.tasks.get(user.id, kept.id)).description
        assert sorted(description or "") == list("abcdefgh")

    async def test_units_of_work_of_different_owners_do_not_wait_for_each_other(self, store: Store) -> None:
        users = [await sign_up(store) for _ in range(4)]
        all_are_in = asyncio.Barrier(len(users))

        async def write(owner: UserId) -> TaskId:
            async with store.unit_of_work(owner) as work:
                before = await work.tasks.add(a_task(owner))
                await all_are_in.wait()
                await work.tasks.update(before.changed({"title": Title("Together")}, NOON))
                await work.commit()
                return before.id

        async with asyncio.timeout(LONG_ENOUGH):
            ids = await asyncio.gather(*(write(user.id) for user in users))
        for user, task_id in zip(users, ids, strict=True):
            assert (await store.tasks.get(user.id, task_id)).title == "Together"

    async def test_reading_does_not_wait_for_writing(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        async with asyncio.timeout(LONG_ENOUGH), store.unit_of_work(user.id) as work:
            await work.tasks.update(kept.deleted(NOON))
            assert await store.tasks.get(user.id, kept.id) == kept
            assert (await store.tasks.page(user.id, TaskQuery())).total == 1


async def _change_and_fail(store: Store, task: Task, error: BaseException) -> None:
    async with store.unit_of_work(task.owner) as work:
        await work.tasks.update(task.changed({"title": Title("Changed")}, NOON))
        await work.tasks.add(a_task(task.owner))
        raise error
