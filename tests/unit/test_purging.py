from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.builders import NOON, StoppedClock, a_task, keep, keep_change, sign_up
from todo.adapters.memory.store import MemoryStore
from todo.application import purging
from todo.application.ports import Once, Outcome
from todo.application.purging import TrashPurge
from todo.application.queries import TaskQuery
from todo.entrypoints.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import pytest

    from todo.domain.values import UserId

DAY = timedelta(days=1)


async def trashed(store: MemoryStore, owner: UserId, count: int) -> None:
    for _ in range(count):
        await keep_change(store, (await keep(store, a_task(owner))).deleted(NOON))


async def until(is_so: Callable[[], object]) -> None:
    while not is_so():  # noqa: ASYNC110 - nobody sets an event
        await asyncio.sleep(0.001)


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


async def test_receipts_are_forgotten_when_they_serve_no_repeat_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "OWNERS", 2)
    store, clock = MemoryStore(), StoppedClock(NOON)
    people = [(await sign_up(store)).id for _ in range(5)]
    for owner in people:
        async with store.unit_of_work(owner) as work:
            await work.receipts.add(Once("key", ""), Outcome((a_task(owner),)), NOON, NOON - DAY)
            await work.commit()
    purge = TrashPurge(store, clock, 30 * DAY)
    for duration, left in ((timedelta(hours=24) - timedelta(seconds=1), 5), (timedelta(seconds=1), 0)):
        clock.go_on(seconds=duration.total_seconds())
        assert await purge.do_round() == 0
        assert len(await store.receipts.owners(NOON, 10)) == left


async def test_it_keeps_on_and_counts(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(purging, "START_WITHIN", 0.01)
    monkeypatch.setattr(purging, "ROUND", 0.01)
    caplog.set_level("INFO", logger="todo.purging")
    store, clock = MemoryStore(), StoppedClock(NOON)
    owner = (await sign_up(store)).id
    purge = TrashPurge(store, clock, DAY)
    clock.go_on(days=2)
    assert (purge.purged, purge.lag) == (0, 2 * DAY)
    keeping_on = asyncio.create_task(purge.keep_on())
    async with asyncio.timeout(30):
        await trashed(store, owner, 2)
        await until(lambda: purge.purged == 2)
        await trashed(store, owner, 2)
        await until(lambda: purge.purged == 4)
        await until(lambda: not purge.lag)
        await store.close()
        await until(lambda: any("purge_put_off" in record.message for record in caplog.records))
    assert purge.purged == 4
    assert not keeping_on.done()
    keeping_on.cancel()


async def test_a_fault_in_one_round_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(purging, "START_WITHIN", 0.01)
    monkeypatch.setattr(purging, "ROUND", 0.01)
    store, clock = MemoryStore(), StoppedClock(NOON)
    owners, faults = store.trash.owners, iter([RuntimeError("a fault of ours")])

    async def failing_once(deleted_before: datetime, limit: int) -> Sequence[UserId]:
        for fault in faults:
            raise fault
        return await owners(deleted_before, limit)

    monkeypatch.setattr(store.trash, "owners", failing_once)
    owner = (await sign_up(store)).id
    await trashed(store, owner, 2)
    clock.go_on(days=2)
    purge = TrashPurge(store, clock, DAY)
    keeping_on = asyncio.create_task(purge.keep_on())
    async with asyncio.timeout(30):
        await until(lambda: purge.purged == 2)
    assert [record.message for record in caplog.records] == ["purge_failed"]
    keeping_on.cancel()


async def test_processes_that_start_together_take_their_rounds_an_hour_apart_on_average(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr("todo.application.purging.asyncio.sleep", sleep)
    monkeypatch.setattr("todo.application.purging.random.random", lambda: 0.5)
    with suppress(asyncio.CancelledError):
        await TrashPurge(MemoryStore(), StoppedClock(), DAY).keep_on()
    assert pauses == [purging.START_WITHIN / 2, purging.ROUND, purging.ROUND]


def test_the_setting_counts_in_days() -> None:
    assert Settings().trash_kept == 30 * DAY
    assert Settings(trash_days=7).trash_kept == 7 * DAY
