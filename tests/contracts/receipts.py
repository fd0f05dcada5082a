"""What `ReceiptRepository` promises. A subclass brings the fixture `store`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, keep, keep_change, sign_up
from tests.contracts.task_repository import DUES, FIELDS
from todo.application.ports import Once, Outcome, Receipt
from todo.domain.values import Title

if TYPE_CHECKING:
    from tests.builders import TaskFields
    from todo.application.ports import Store
    from todo.domain.user import User
    from todo.domain.values import Due, UserId

ONCE = Once("key", "fingerprint")
BEFORE = NOON - timedelta(hours=24)
A_MOMENT = timedelta(microseconds=1)


async def found(store: Store, owner: UserId, key: str = "key", since: datetime = BEFORE) -> Receipt | None:
    async with store.unit_of_work(owner) as work:
        return await work.receipts.find(key, since)


async def add(
    store: Store, owner: UserId, once: Once, outcome: Outcome, *, now: datetime = NOON, since: datetime = BEFORE
) -> None:
    async with store.unit_of_work(owner) as work:
        await work.receipts.add(once, outcome, now, since)
        await work.commit()


class ReceiptRepositoryContract:
    @pytest.fixture
    async def user(self, store: Store) -> User:
        return await sign_up(store)

    @pytest.mark.parametrize("is_new", [True, False])
    async def test_an_outcome_is_found_by_its_key(self, store: Store, user: User, is_new: bool) -> None:
        outcome = Outcome((await keep(store, a_task(user.id)),), is_new)
        await add(store, user.id, ONCE, outcome)
        assert await found(store, user.id) == Receipt("fingerprint", outcome)

    @pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS.keys())
    async def test_a_task_comes_back_as_it_was(self, store: Store, user: User, fields: TaskFields) -> None:
        task = a_task(user.id, **fields)
        await add(store, user.id, ONCE, Outcome((task,)))
        assert await found(store, user.id) == Receipt("fingerprint", Outcome((task,)))

    @pytest.mark.parametrize("due", DUES, ids=str)
    async def test_a_day_stays_a_day_and_an_instant_an_instant(self, store: Store, user: User, due: Due) -> None:
        await add(store, user.id, ONCE, Outcome((a_task(user.id, due=due),)))
        receipt = await found(store, user.id)
        assert receipt
        assert receipt.outcome.task.due == due
        assert type(receipt.outcome.task.due) is type(due)

    async def test_it_stays_as_it_was_when_the_task_moves_on(self, store: Store, user: User) -> None:
        then = await keep(store, a_task(user.id, due=date(2026, 12, 1)))
        await add(store, user.id, ONCE, Outcome((then,)))
        await keep_change(store, then.changed({"title": Title("Changed")}, NOON))
        assert await found(store, user.id) == Receipt("fingerprint", Outcome((then,)))

    async def test_several_tasks_come_back_in_their_order(self, store: Store, user: User) -> None:
        tasks = tuple(a_task(user.id, title=Title(str(number))) for number in range(100))
        deleted = (tasks[0].deleted(NOON), *tasks[:0:-1])
        await add(store, user.id, ONCE, Outcome(deleted))
        assert await found(store, user.id) == Receipt("fingerprint", Outcome(deleted))

    async def test_there_is_none_under_another_key(self, store: Store, user: User) -> None:
        await add(store, user.id, ONCE, Outcome((a_task(user.id),)))
        assert await found(store, user.id, "Key") is None
        assert await found(store, user.id, "key ") is None

    async def test_the_key_of_one_owner_is_free_for_another(self, store: Store, user: User) -> None:
        other = await sign_up(store)
        mine, theirs = Outcome((a_task(user.id),)), Outcome((a_task(other.id),))
        await add(store, user.id, ONCE, mine)
        assert await found(store, other.id) is None
        await add(store, other.id, Once("key", "theirs"), theirs)
        assert await found(store, user.id) == Receipt("fingerprint", mine)
        assert await found(store, other.id) == Receipt("theirs", theirs)

    async def test_nothing_is_kept_without_commit(self, store: Store, user: User) -> None:
        async with store.unit_of_work(user.id) as work:
            await work.receipts.add(ONCE, Outcome((a_task(user.id),)), NOON, BEFORE)
            assert await work.receipts.find("key", BEFORE)
        assert await found(store, user.id) is None

    async def test_it_is_found_only_if_it_was_written_after_a_time(self, store: Store, user: User) -> None:
        await add(store, user.id, ONCE, Outcome((a_task(user.id),)), now=NOON)
        assert await found(store, user.id, since=NOON - A_MOMENT)
        assert await found(store, user.id, since=NOON) is None

    async def test_a_newer_one_takes_its_place(self, store: Store, user: User) -> None:
        newer = Outcome((a_task(user.id),), is_new=True)
        await add(store, user.id, ONCE, Outcome((a_task(user.id),)))
        await add(store, user.id, Once("key", "newer"), newer, now=NOON + A_MOMENT, since=NOON)
        assert await found(store, user.id, since=NOON) == Receipt("newer", newer)

    async def test_old_ones_are_forgotten_when_one_is_added(self, store: Store, user: User) -> None:
        other = await sign_up(store)
        for owner in (user.id, other.id):
            await add(store, owner, Once("old", ""), Outcome((a_task(owner),)), now=NOON)
            await add(store, owner, Once("young", ""), Outcome((a_task(owner),)), now=NOON + A_MOMENT)
        await add(store, user.id, ONCE, Outcome((a_task(user.id),)), now=NOON + 2 * A_MOMENT, since=NOON)
        assert await found(store, user.id, "old") is None
        assert await found(store, user.id, "young")
        assert await found(store, user.id, "key")
        assert await found(store, other.id, "old")

    @pytest.mark.parametrize("key", ["k" * 255, "'; DROP TABLE receipts --", "%", "\\", " "])
    async def test_any_key_will_do(self, store: Store, user: User, key: str) -> None:
        await add(store, user.id, Once(key, "fingerprint"), Outcome((a_task(user.id),)))
        assert await found(store, user.id, key)
        assert await found(store, user.id) is None
