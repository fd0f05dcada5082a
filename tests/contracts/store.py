"""What `Store` promises of its own life. A subclass brings `store` and `closed_store`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_task_id, a_user_id, an_email, keep_change, sign_up
from todo.application.queries import TaskQuery
from todo.domain.errors import InvalidTokenError, NotFoundError, StaleError, UnavailableError
from todo.domain.values import Revision, Title

if TYPE_CHECKING:
    from todo.application.ports import Store
    from todo.domain.task import Task, TaskChanges


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
        assert stored == task._replace(revision=Revision(1))
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

    async def test_a_task_is_changed_by_itself_as_in_a_unit_of_work(self, store: Store) -> None:
        user = await sign_up(store)
        task = await store.add_task(a_task(user.id))
        changes: TaskChanges = {"title": Title("Changed"), "completed": True}
        stored = await store.change_task(user.id, task.id, lambda seen: seen.changed(changes, NOON))
        assert stored == task.changed(changes, NOON)._replace(revision=Revision(2))
        assert await store.tasks.get(user.id, task.id) == stored
        assert await store.feed.head(user.id) == 2

    async def test_what_is_left_as_it_is_takes_no_number(self, store: Store) -> None:
        user = await sign_up(store)
        task = await store.add_task(a_task(user.id))
        assert await store.change_task(user.id, task.id, lambda seen: seen) == task
        assert await store.feed.head(user.id) == 1

    async def test_a_change_that_is_refused_changes_nothing(self, store: Store) -> None:
        user = await sign_up(store)
        task = await store.add_task(a_task(user.id))

        def refuse(seen: Task) -> Task:
            raise StaleError(seen)

        with pytest.raises(StaleError) as refusal:
            await store.change_task(user.id, task.id, refuse)
        assert refusal.value.current == await store.tasks.get(user.id, task.id) == task
        assert await store.feed.head(user.id) == 1

    async def test_of_changes_at_once_of_one_task_none_is_lost(self, store: Store) -> None:
        user = await sign_up(store)
        task = await store.add_task(a_task(user.id))

        def lengthened(seen: Task) -> Task:
            return seen.changed({"title": Title(f"{seen.title}!")}, NOON)

        stored = await asyncio.gather(*(store.change_task(user.id, task.id, lengthened) for _ in range(20)))
        assert sorted(each.revision for each in stored) == list(range(2, 22))
        assert (await store.tasks.get(user.id, task.id)).title == task.title + "!" * 20
        assert await store.feed.head(user.id) == 21

    async def test_of_changes_at_once_of_what_was_seen_one_wins_and_the_others_take_no_number(
        self, store: Store
    ) -> None:
        user = await sign_up(store)
        task = await store.add_task(a_task(user.id))

        def changed(seen: Task) -> Task:
            if seen != task:
                raise StaleError(seen)
            return seen.changed({"title": Title("Changed")}, NOON)

        outcomes = await asyncio.gather(
            *(store.change_task(user.id, task.id, changed) for _ in range(20)), return_exceptions=True
        )
        (won,) = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        lost = [outcome for outcome in outcomes if isinstance(outcome, StaleError)]
        assert (len(lost), {error.current for error in lost}) == (19, {won})
        assert await store.feed.head(user.id) == won.revision == 2

    async def test_changes_at_once_of_several_tasks_take_one_number_each(self, store: Store) -> None:
        user = await sign_up(store)
        added = [await store.add_task(a_task(user.id)) for _ in range(20)]
        stored = await asyncio.gather(
            *(store.change_task(user.id, task.id, lambda seen: seen.toggled(NOON)) for task in added)
        )
        assert sorted(task.revision for task in stored) == list(range(21, 41))

    async def test_a_change_by_itself_waits_for_the_owners_turn_and_then_sees_what_was_done_in_it(
        self, store: Store
    ) -> None:
        user = await sign_up(store)
        seen, other = await store.add_task(a_task(user.id)), await store.add_task(a_task(user.id))
        async with store.unit_of_work(user.id) as work:
            late = asyncio.create_task(store.change_task(user.id, seen.id, lambda seen: seen.toggled(NOON)))
            next_one = asyncio.create_task(store.change_task(user.id, other.id, lambda seen: seen.toggled(NOON)))
            first = await work.tasks.update(seen.changed({"title": Title("First")}, NOON))
            assert not late.done()
            await work.commit()
        changed, another = await late, await next_one
        assert changed == first.toggled(NOON)._replace(revision=changed.revision)
        assert {first.revision, changed.revision, another.revision} == {3, 4, 5}
        assert await store.feed.head(user.id) == 5

    async def test_what_is_gone_in_the_trash_or_not_theirs_is_not_changed(self, store: Store) -> None:
        user, other = await sign_up(store), await sign_up(store)
        task, trashed = await store.add_task(a_task(user.id)), await store.add_task(a_task(user.id, deleted_at=NOON))
        for owner, found in ((user.id, a_task_id()), (user.id, trashed.id), (other.id, task.id)):
            with pytest.raises(NotFoundError):
                await store.change_task(owner, found, lambda seen: seen.toggled(NOON))
        assert await store.tasks.get(user.id, task.id) == task
        assert (await store.feed.head(user.id), await store.feed.head(other.id)) == (2, 0)

    async def test_what_goes_to_the_trash_while_a_change_waits_is_not_changed(self, store: Store) -> None:
        user = await sign_up(store)
        task = await store.add_task(a_task(user.id))
        async with store.unit_of_work(user.id) as work:
            late = asyncio.create_task(store.change_task(user.id, task.id, lambda seen: seen.toggled(NOON)))
            await work.tasks.update(task.deleted(NOON))
            assert not late.done()
            await work.commit()
        with pytest.raises(NotFoundError):
            await late
        assert await store.feed.head(user.id) == 2

    async def test_nobody_without_an_account_changes_a_task(self, store: Store) -> None:
        disabled = await sign_up(store, disabled_at=NOON)
        for nobody in (a_user_id(), disabled.id):
            with pytest.raises(InvalidTokenError):
                await store.change_task(nobody, a_task_id(), lambda seen: seen.toggled(NOON))

    async def test_totals_follow_each_kind_of_write(self, store: Store) -> None:
        user = await sign_up(store)

        async def totals() -> tuple[int, ...]:
            lists = TaskQuery(), TaskQuery(completed=False), TaskQuery(open=False), TaskQuery(in_trash=True)
            return tuple([(await store.tasks.page(user.id, query)).total for query in lists])

        task = await store.add_task(a_task(user.id))
        done = await store.add_task(a_task(user.id, completed_at=NOON))
        assert await totals() == (2, 1, 1, 0)
        task = await keep_change(store, task.changed({"title": Title("As open as before")}, NOON))
        assert await totals() == (2, 1, 1, 0)
        task = await store.change_task(user.id, task.id, lambda seen: seen.toggled(NOON))
        assert await totals() == (2, 0, 2, 0)
        task, done = await keep_change(store, task.deleted(NOON)), await keep_change(store, done.deleted(NOON))
        assert await totals() == (0, 0, 0, 2)
        task = await keep_change(store, task.toggled(NOON).restored(NOON))
        assert await totals() == (1, 1, 0, 1)
        async with store.unit_of_work(user.id) as work:
            await work.tasks.update(task.toggled(NOON))
            await work.tasks.add(a_task(user.id))
            await work.tasks.purge(done.id)
            await work.commit()
        assert await totals() == (2, 1, 1, 0)
