"""What `TaskArchive` promises. A subclass brings the fixture `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_user_id, keep, sign_up
from todo.domain.errors import InvalidTokenError

if TYPE_CHECKING:
    from todo.application.ports import Store
    from todo.domain.task import Task
    from todo.domain.values import TaskId


class ArchiveContract:
    async def test_a_walk_meets_each_task_once_in_the_order_of_ids(self, store: Store) -> None:
        user, other = await sign_up(store), await sign_up(store)
        await keep(store, a_task(other.id))
        tasks = [await keep(store, a_task(user.id, deleted_at=deleted)) for deleted in (None, NOON, None, NOON, None)]
        for limit in range(1, 7):
            met: list[Task] = []
            after: TaskId | None = None
            while part := await store.archive.tasks(user.id, after, limit):
                assert len(part) <= limit
                met += part
                after = part[-1].id
            assert met == sorted(tasks, key=lambda task: task.id)

    async def test_who_has_no_tasks_has_none(self, store: Store) -> None:
        assert list(await store.archive.tasks((await sign_up(store)).id, None, 10)) == []

    async def test_who_has_no_account_or_a_disabled_one_is_not_let_in(self, store: Store) -> None:
        for owner in (a_user_id(), (await sign_up(store, disabled_at=NOON)).id):
            with pytest.raises(InvalidTokenError):
                await store.archive.tasks(owner, None, 10)
