"""What `TaskReader` promises. A subclass brings the fixture `store`."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_task_id, a_user_id, keep, keep_change, sign_up
from todo.application.queries import Position, TaskQuery
from todo.domain.errors import InvalidTokenError, NotFoundError
from todo.domain.values import Revision, Title

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.application.ports import Store
    from todo.application.queries import Page
    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import TaskId, UserId


class TaskReaderContract:
    @pytest.fixture
    async def user(self, store: Store) -> User:
        return await sign_up(store)

    async def test_a_stored_task_is_read_as_it_was_stored(self, store: Store, user: User) -> None:
        stored = await keep(store, a_task(user.id))
        assert await store.tasks.get(user.id, stored.id) == stored

    async def test_each_moment_of_a_task_is_its_own(self, store: Store, user: User) -> None:
        moments = [NOON + timedelta(microseconds=number) for number in range(-1, 2)]
        completions = [None, *moments]
        for updated_at, completed_at in product(moments, completions):
            task = await keep(store, a_task(user.id, updated_at=updated_at, completed_at=completed_at))
            page = await store.tasks.page(user.id, TaskQuery(limit=1))
            feed = await store.feed.changes(user.id, Revision(task.revision - 1), 1)
            assert [await store.tasks.get(user.id, task.id), *page.tasks, *feed.tasks] == [task] * 3

    async def test_a_change_is_seen_once_it_is_committed(self, store: Store, user: User) -> None:
        stored = await keep(store, a_task(user.id))
        async with store.unit_of_work(user.id) as work:
            changed = await work.tasks.update(stored.changed({"title": Title("Buy bread")}, NOON))
            assert await store.tasks.get(user.id, stored.id) == stored
            await work.commit()
            assert await store.tasks.get(user.id, stored.id) == changed

    async def test_a_task_that_is_not_there_is_not_found(self, store: Store, user: User) -> None:
        with pytest.raises(NotFoundError):
            await store.tasks.get(user.id, a_task_id())

    async def test_a_task_of_someone_else_is_not_found(self, store: Store, user: User) -> None:
        theirs = await keep(store, a_task((await sign_up(store)).id))
        with pytest.raises(NotFoundError):
            await store.tasks.get(user.id, theirs.id)

    async def test_two_owners_may_have_tasks_with_one_id(self, store: Store, user: User) -> None:
        other = await sign_up(store)
        theirs = await keep(store, a_task(other.id, title=Title("Theirs")))
        mine = await keep(store, a_task(user.id, id=theirs.id, title=Title("Mine")))
        assert await store.tasks.get(user.id, mine.id) == mine
        assert await store.tasks.get(other.id, mine.id) == theirs

    async def test_a_task_in_the_trash_is_not_found(self, store: Store, user: User) -> None:
        stored = await keep(store, a_task(user.id))
        await keep_change(store, stored.deleted(NOON))
        with pytest.raises(NotFoundError):
            await store.tasks.get(user.id, stored.id)

    async def test_who_has_no_tasks_has_an_empty_list(self, store: Store, user: User) -> None:
        page = await store.tasks.page(user.id, TaskQuery())
        assert (list(page.tasks), page.total, page.next) == ([], 0, None)

    async def test_who_has_no_account_is_told_so(self, store: Store) -> None:
        with pytest.raises(InvalidTokenError):
            await store.tasks.get(a_user_id(), a_task_id())
        for query in (TaskQuery(), TaskQuery(after=Position(NOON, a_task_id()))):
            with pytest.raises(InvalidTokenError):
                await store.tasks.page(a_user_id(), query)

    async def test_a_list_is_read_newest_first(self, store: Store, user: User) -> None:
        old, new, middle = [
            await keep(store, a_task(user.id, created_at=NOON + timedelta(microseconds=moment))) for moment in (0, 2, 1)
        ]
        assert list((await store.tasks.page(user.id, TaskQuery())).tasks) == [new, middle, old]

    async def test_of_tasks_made_at_once_the_greater_id_is_first(self, store: Store, user: User) -> None:
        ids = sorted(a_task_id() for _ in range(8))
        for task_id in [*ids[::2], *ids[1::2]]:
            await keep(store, a_task(user.id, id=task_id))
        assert [task.id for task in (await store.tasks.page(user.id, TaskQuery())).tasks] == ids[::-1]

    async def test_a_list_shows_neither_strangers_tasks_nor_the_trash(self, store: Store, user: User) -> None:
        other = await sign_up(store)
        mine = await keep(store, a_task(user.id))
        theirs = [await keep(store, a_task(other.id, created_at=NOON + timedelta(days=day))) for day in (-1, 0, 1)]
        await keep_change(store, (await keep(store, a_task(user.id))).deleted(NOON))
        mine_alone = await store.tasks.page(user.id, TaskQuery())
        assert (list(mine_alone.tasks), mine_alone.total) == ([mine], 1)
        behind = TaskQuery(after=Position(NOON + timedelta(days=7), mine.id))
        assert list((await store.tasks.page(user.id, behind)).tasks) == [mine]
        assert (await store.tasks.page(other.id, TaskQuery())).total == len(theirs)

    async def test_a_list_holds_every_field_of_its_tasks(self, store: Store, user: User) -> None:
        stored = await keep(store, a_task(user.id))
        assert list((await store.tasks.page(user.id, TaskQuery())).tasks) == [stored]
        assert list((await store.tasks.page(user.id, TaskQuery(limit=1))).tasks) == [stored]

    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 11, 12, 13, 1000])
    async def test_page_by_page_each_task_is_seen_once(self, store: Store, user: User, limit: int) -> None:
        ids = await _twelve_tasks(store, user.id)
        pages = [page async for page in _walk(store, user.id, limit)]
        assert [task.id for page in pages for task in page.tasks] == ids
        assert all(len(page.tasks) == limit for page in pages[:-1])
        assert all(page.total == len(ids) for page in pages)

    async def test_the_last_full_page_says_that_it_is_the_last(self, store: Store, user: User) -> None:
        ids = await _twelve_tasks(store, user.id)
        assert (await store.tasks.page(user.id, TaskQuery(limit=len(ids)))).next is None
        assert (await store.tasks.page(user.id, TaskQuery(limit=len(ids) - 1))).next is not None

    async def test_the_next_place_is_that_of_the_last_task(self, store: Store, user: User) -> None:
        await _twelve_tasks(store, user.id)
        page = await store.tasks.page(user.id, TaskQuery(limit=5))
        assert page.next == Position(page.tasks[-1].created_at, page.tasks[-1].id)

    async def test_beyond_the_end_there_is_nothing_but_the_total(self, store: Store, user: User) -> None:
        oldest = (await _twelve_tasks(store, user.id))[-1]
        ages_ago = TaskQuery(after=Position(NOON - timedelta(days=365), oldest))
        page = await store.tasks.page(user.id, ages_ago)
        assert (list(page.tasks), page.total, page.next) == ([], 12, None)

    async def test_a_walk_is_not_disturbed_by_what_happens_before_it(self, store: Store, user: User) -> None:
        ids = await _twelve_tasks(store, user.id)
        walked: list[TaskId] = []
        async for page in _walk(store, user.id, 4):
            walked += [task.id for task in page.tasks]
            await keep(store, a_task(user.id, created_at=NOON + timedelta(days=1)))
            first = await store.tasks.get(user.id, page.tasks[0].id)
            await keep_change(store, first.deleted(NOON))
        assert walked == ids

    async def test_a_walk_goes_on_where_its_last_task_is_gone(self, store: Store, user: User) -> None:
        ids = await _twelve_tasks(store, user.id)
        walked: list[TaskId] = []
        async for page in _walk(store, user.id, 4):
            walked += [task.id for task in page.tasks]
            await keep_change(store, page.tasks[-1].deleted(NOON))
        assert walked == ids


async def _twelve_tasks(store: Store, owner: UserId) -> list[TaskId]:
    """Four moments, three tasks each; their ids in the order of the list."""
    kept: list[Task] = [
        await keep(store, a_task(owner, created_at=NOON + timedelta(microseconds=number % 4))) for number in range(12)
    ]
    return [task.id for task in sorted(kept, key=lambda task: (task.created_at, task.id), reverse=True)]


async def _walk(store: Store, owner: UserId, limit: int) -> AsyncIterator[Page]:
    query = TaskQuery(limit=limit)
    for _ in range(20):
        page = await store.tasks.page(owner, query)
        yield page
        if page.next is None:
            return
        query = TaskQuery(limit=limit, after=page.next)
    pytest.fail("the list has no end")
