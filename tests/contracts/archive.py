"""What `Archive` promises. A subclass brings the fixture `store`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.builders import NOON, a_task, a_user_id, keep, sign_up
from todo.application.ports import KeptReceipt, Once, Outcome, Receipt
from todo.domain.errors import InvalidTokenError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from todo.application.ports import Store
    from todo.domain.values import UserId

Kept = TypeVar("Kept")
Place = TypeVar("Place")


async def walked(
    read: Callable[[UserId, Place | None, int], Awaitable[Sequence[Kept]]],
    owner: UserId,
    limit: int,
    place_of: Callable[[Kept], Place],
) -> list[Kept]:
    """All that is met part by part, none of which is longer than the limit."""
    met: list[Kept] = []
    after: Place | None = None
    while part := await read(owner, after, limit):
        assert len(part) <= limit
        met += part
        after = place_of(part[-1])
    return met


class ArchiveContract:
    async def test_a_walk_meets_each_task_once_in_the_order_of_ids(self, store: Store) -> None:
        user, other = await sign_up(store), await sign_up(store)
        await keep(store, a_task(other.id))
        tasks = [await keep(store, a_task(user.id, deleted_at=deleted)) for deleted in (None, NOON, None, NOON, None)]
        for limit in range(1, 7):
            met = await walked(store.archive.tasks, user.id, limit, lambda task: task.id)
            assert met == sorted(tasks, key=lambda task: task.id)

    async def test_who_has_no_tasks_has_none(self, store: Store) -> None:
        assert list(await store.archive.tasks((await sign_up(store)).id, None, 10)) == []

    async def test_who_has_no_account_or_a_disabled_one_is_not_let_in(self, store: Store) -> None:
        for owner in (a_user_id(), (await sign_up(store, disabled_at=NOON)).id):
            with pytest.raises(InvalidTokenError):
                await store.archive.tasks(owner, None, 10)
            with pytest.raises(InvalidTokenError):
                await store.archive.receipts(owner, None, 10)

    async def test_a_walk_meets_each_receipt_once_in_the_order_of_keys(self, store: Store) -> None:
        user, other = await sign_up(store), await sign_up(store)
        kept: list[KeptReceipt] = []
        for owner in (other, user):
            kept = []
            for key in ("b", "B", "a", "%", " ", "k" * 255):
                outcome = Outcome(tuple(a_task(owner.id) for _ in range(len(kept))), is_new=bool(kept))
                written_at = NOON + timedelta(microseconds=len(kept))
                async with store.unit_of_work(owner.id) as work:
                    await work.receipts.add(Once(key, f"of {key}"), outcome, written_at, NOON - timedelta(days=1))
                    await work.commit()
                kept.append(KeptReceipt(key, written_at, Receipt(f"of {key}", outcome)))
        for limit in range(1, 8):
            assert await walked(store.archive.receipts, user.id, limit, lambda one: one.key) == sorted(kept)

    async def test_who_has_no_receipts_has_none(self, store: Store) -> None:
        assert list(await store.archive.receipts((await sign_up(store)).id, None, 10)) == []
