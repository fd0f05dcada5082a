from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.builders import NOON, StoppedClock, a_task, keep, keep_change, sign_up
from todo.adapters.memory.store import MemoryStore
from todo.application import purging
from todo.application.purging import TrashPurge
from todo.application.queries import TaskQuery
from todo.entrypoints.settings import Settings

if TYPE_CHECKING:
    import pytest

    from todo.domain.values import UserId

DAY = timedelta(days=1)


async def trashed(store: MemoryStore, owner: UserId, count: int) -> None:
    for _ in range(count):
        await keep_change(store, (await keep(store, a_task(owner))).deleted(NOON))


async def in_trash(store: MemoryStore, owner: UserId) -> int:
    return (await store.tasks.page(owner, TaskQuery(in_trash=True))).total


async def test_a_round_empties_every_trash_of_what_is_old_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "OWNERS", 2)
    monkeypatch.setattr(purging, "TASKS", 2)
    store, clock = MemoryStore(), StoppedClock(NOON)
    people = [(await sign_up(store)).id for _ in range(5)]
    for owner in people:
        await trashed(store, owner, 3)
    purge = TrashPurge(store, clock, 30 * DAY)
    clock.go_on(days=30)
    assert await purge.do_round() == 0
    clock.go_on(seconds=1)
    assert await purge.do_round() == 15
    assert [await in_trash(store, owner) for owner in people] == [0] * 5
    assert await purge.do_round() == 0


async def test_what_is_not_in_the_trash_is_never_touched() -> None:
    store, clock = MemoryStore(), StoppedClock(NOON)
    owner = (await sign_up(store)).id
    task = await keep(store, a_task(owner))
    await trashed(store, owner, 1)
    clock.go_on(days=365)
    assert await TrashPurge(store, clock, DAY).do_round() == 1
    assert await store.tasks.get(owner, task.id) == task


def test_the_setting_counts_in_days() -> None:
    assert Settings().trash_kept == 30 * DAY
    assert Settings(trash_days=7).trash_kept == 7 * DAY
