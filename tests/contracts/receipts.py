"""What `ReceiptRepository` promises. A subclass brings the fixture `store`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_user_id, keep, keep_change, sign_up
from tests.contracts.task_repository import DUES, FIELDS
from todo.application.ports import Once, Outcome, Receipt
from todo.domain.errors import InvalidTokenError
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

    async def test_none_is_found_for_a_disabled_account(self, store: Store, user: User) -> None:
        await add(store, user.id, ONCE, Outcome((a_task(user.id),)))
        async with store.unit_of_work(user.id) as work:
            await work.users.update(replace(user, disabled_at=NOON))
            await work.commit()
        with suppress(InvalidTokenError):
            assert await found(store, user.id) is None

    @pytest.mark.parametrize("key", ["k" * 255, "'; DROP TABLE receipts --", "%", "\\", " "])
    async def test_any_key_will_do(self, store: Store, user: User, key: str) -> None:
        await add(store, user.id, Once(key, "fingerprint"), Outcome((a_task(user.id),)))
        assert await found(store, user.id, key)
        assert await found(store, user.id) is None


async def forget(store: Store, owner: UserId, since: datetime) -> int:
    async with store.unit_of_work(owner) as work:
        forgotten = await work.receipts.forget(since)
        await work.commit()
    return forgotten


LONG_AGO = NOON - timedelta(days=36_500)
"""Before anything that other tests keep in a store that they share."""


class ForgettingReceiptsContract:
    @pytest.fixture
    async def user(self, store: Store) -> User:
        return await sign_up(store)

    async def test_those_up_to_a_time_are_forgotten_and_nothing_else(self, store: Store, user: User) -> None:
        other = await sign_up(store)
        for owner in (user.id, other.id):
            for number in range(3):
                once = Once(str(number), "")
                await add(store, owner, once, Outcome((a_task(owner),)), now=NOON + number * A_MOMENT)
        assert await forget(store, user.id, NOON - A_MOMENT) == 0
        assert await forget(store, user.id, NOON + A_MOMENT) == 2
        assert [bool(await found(store, user.id, str(number))) for number in range(3)] == [False, False, True]
        assert all([await found(store, other.id, str(number)) for number in range(3)])
        assert await forget(store, user.id, NOON + A_MOMENT) == 0

    async def test_nothing_is_forgotten_without_commit(self, store: Store, user: User) -> None:
        await add(store, user.id, ONCE, Outcome((a_task(user.id),)))
        async with store.unit_of_work(user.id) as work:
            assert await work.receipts.forget(NOON) == 1
        assert await found(store, user.id)

    async def test_it_takes_no_revision(self, store: Store, user: User) -> None:
        await add(store, user.id, ONCE, Outcome((a_task(user.id),)))
        await forget(store, user.id, NOON)
        assert await store.feed.head(user.id) == 0

    async def test_whoever_has_old_ones_is_named_the_oldest_first(self, store: Store) -> None:
        users = [await sign_up(store) for _ in range(3)]
        for days, user in zip((2, 3, 1), users, strict=True):
            written_at = LONG_AGO - timedelta(days=days)
            for number in range(2):
                once, now = Once(str(number), ""), written_at + number * A_MOMENT
                await add(store, user.id, once, Outcome((a_task(user.id),)), now=now, since=written_at - A_MOMENT)
        expected = [users[1].id, users[0].id, users[2].id]
        assert await store.receipts.owners(LONG_AGO, 100) == expected
        assert await store.receipts.owners(LONG_AGO, 2) == expected[:2]
        assert await store.receipts.owners(LONG_AGO - timedelta(days=3), 100) == expected[:1]
        assert await store.receipts.owners(LONG_AGO - timedelta(days=3) - A_MOMENT, 100) == []
        assert await forget(store, users[1].id, LONG_AGO - timedelta(days=3)) == 1
        assert await store.receipts.owners(LONG_AGO - timedelta(days=3), 100) == []
        assert [await forget(store, user.id, LONG_AGO) for user in users] == [2, 1, 2]
        assert await store.receipts.owners(LONG_AGO, 100) == []

    async def test_a_disabled_account_is_named_and_emptied_too(self, store: Store, user: User) -> None:
        await add(store, user.id, ONCE, Outcome((a_task(user.id),)), now=LONG_AGO, since=LONG_AGO - A_MOMENT)
        async with store.unit_of_work(user.id) as work:
            await work.users.update(replace(user, disabled_at=NOON))
            await work.commit()
        assert user.id in await store.receipts.owners(LONG_AGO, 10_000)
        assert await forget(store, user.id, LONG_AGO) == 1
        assert user.id not in await store.receipts.owners(LONG_AGO, 10_000)

    async def test_without_an_account_there_is_nothing(self, store: Store) -> None:
        assert await forget(store, a_user_id(), NOON) == 0
