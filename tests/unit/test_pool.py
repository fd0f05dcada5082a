"""The pool: few connections, handed over in fair order, and none ever lost."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, cast

import pytest

from todo.adapters.postgres.pool import Pool
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from todo.adapters.postgres.connection import Connection

LONG = 60.0
"""Seconds that no test waits."""


class Line:
    """As much of a connection as the pool has to do with."""

    def __init__(self) -> None:
        self.is_dead = False
        self.is_terminated = False
        self.has_taken_leave = False
        self.rests_since = 0.0
        self.asked = 0
        self.has_gone_silent = False

    async def is_alive(self) -> bool:
        self.asked += 1
        await asyncio.sleep(0)
        self.is_dead = self.is_dead or self.has_gone_silent
        return not self.is_dead

    def is_closed(self) -> bool:
        return self.is_dead

    def terminate(self) -> None:
        self.is_dead = self.is_terminated = True

    async def close(self) -> None:
        self.is_dead = self.has_taken_leave = True


class Exchange:
    """Where lines come from, as long as it works."""

    def __init__(self) -> None:
        self.opened: list[Line] = []
        self.works = asyncio.Event()
        self.works.set()
        self.is_broken = False

    async def connect(self) -> Connection:
        await self.works.wait()
        if self.is_broken:
            raise UnavailableError
        self.opened.append(Line())
        return cast("Connection", self.opened[-1])

    def pool(self, size: int, *, queue: int = 100, patience: float = LONG, rest: float = LONG) -> Pool:
        return Pool(self.connect, size=size, queue=queue, patience=patience, rest=rest)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


async def waiting(pool: Pool) -> asyncio.Task[Connection]:
    """Someone who has begun to wait."""
    task = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def can_lend(pool: Pool, number: int) -> bool:
    """Whether the pool has this many connections to lend, and not one more."""
    lent = [await asyncio.wait_for(pool.acquire(), 1) for _ in range(number)]
    one_more = await waiting(pool)
    one_more.cancel()
    for connection in lent:
        pool.release(connection)
    return len({id(connection) for connection in lent}) == number


class TestLending:
    async def test_nothing_is_opened_before_it_is_needed(self, exchange: Exchange) -> None:
        pool = exchange.pool(3)
        assert exchange.opened == []
        pool.release(await pool.acquire())
        pool.release(await pool.acquire())
        assert len(exchange.opened) == 1

    async def test_what_was_used_last_is_used_next(self, exchange: Exchange) -> None:
        pool = exchange.pool(3)
        first, second, third = [await pool.acquire() for _ in range(3)]
        for connection in (second, first, third):
            pool.release(connection)
        assert [await pool.acquire() for _ in range(3)] == [third, first, second]

    async def test_no_more_are_lent_than_there_may_be(self, exchange: Exchange) -> None:
        pool = exchange.pool(3)
        assert await can_lend(pool, 3)
        assert len(exchange.opened) == 3

    async def test_those_who_come_at_once_open_no_more_either(self, exchange: Exchange) -> None:
        pool = exchange.pool(3)
        exchange.works.clear()
        asking = [await waiting(pool) for _ in range(5)]
        exchange.works.set()
        first_three = await asyncio.gather(*asking[:3])
        assert len(exchange.opened) == 3
        for connection in first_three[:2]:
            pool.release(connection)
        assert len(await asyncio.gather(*asking[3:])) == 2
        assert len(exchange.opened) == 3


class TestWaiting:
    async def test_whoever_waits_longest_is_next(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        first, second = await waiting(pool), await waiting(pool)
        pool.release(lent)
        assert await first is lent
        assert not second.done()
        pool.release(lent)
        assert await second is lent

    async def test_nobody_pushes_in(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        first = await waiting(pool)
        pool.release(lent)
        newcomer = asyncio.create_task(pool.acquire())
        assert await first is lent
        assert not newcomer.done()
        newcomer.cancel()

    async def test_patience_ends(self, exchange: Exchange) -> None:
        pool = exchange.pool(1, patience=0.01)
        lent = await pool.acquire()
        with pytest.raises(UnavailableError):
            await pool.acquire()
        pool.release(lent)
        assert await can_lend(pool, 1)

    async def test_a_full_queue_takes_nobody(self, exchange: Exchange) -> None:
        pool = exchange.pool(1, queue=2)
        lent = await pool.acquire()
        first, second = await waiting(pool), await waiting(pool)
        with pytest.raises(UnavailableError):
            await pool.acquire()
        pool.release(lent)
        pool.release(await first)
        pool.release(await second)
        assert await can_lend(pool, 1)

    async def test_those_who_gave_up_leave_the_queue(self, exchange: Exchange) -> None:
        pool = exchange.pool(1, queue=2, patience=0.01)
        lent = await pool.acquire()
        for _ in range(2):
            with pytest.raises(UnavailableError):
                await pool.acquire()
        cancelled = await waiting(pool)
        cancelled.cancel()
        await asyncio.sleep(0)
        first, second = await waiting(pool), await waiting(pool)
        pool.release(lent)
        pool.release(await first)
        assert await second is lent

    async def test_who_is_cancelled_in_the_queue_is_passed_over(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        first, second = await waiting(pool), await waiting(pool)
        first.cancel()
        pool.release(lent)
        assert await second is lent

    async def test_who_is_cancelled_with_a_connection_in_hand_passes_it_on(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        first, second = await waiting(pool), await waiting(pool)
        pool.release(lent)
        first.cancel()
        assert await second is lent
        with pytest.raises(asyncio.CancelledError):
            await first

    async def test_who_is_cancelled_with_leave_to_open_passes_it_on(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        first, second = await waiting(pool), await waiting(pool)
        pool.discard(lent)
        first.cancel()
        assert await second is not lent
        assert len(exchange.opened) == 2

    async def test_what_comes_back_to_an_empty_queue_is_kept(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        gone = await waiting(pool)
        pool.release(lent)
        gone.cancel()
        await asyncio.sleep(0)
        assert await pool.acquire() is lent


class TestFailing:
    async def test_a_dead_connection_is_replaced(self, exchange: Exchange) -> None:
        pool = exchange.pool(2)
        first, second = await pool.acquire(), await pool.acquire()
        pool.release(first)
        pool.release(second)
        for line in exchange.opened:
            line.is_dead = True
        assert await can_lend(pool, 2)
        assert len(exchange.opened) == 4

    async def test_one_that_died_in_use_is_not_lent_again(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        waiter = await waiting(pool)
        exchange.opened[0].is_dead = True
        pool.release(lent)
        assert await waiter is not lent
        pool.release(await waiter)
        assert await can_lend(pool, 1)

    async def test_one_that_is_discarded_is_terminated_and_replaced(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        pool.discard(await pool.acquire())
        assert exchange.opened[0].is_terminated
        assert await can_lend(pool, 1)

    async def test_who_cannot_connect_is_told_so_and_takes_no_place(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        exchange.is_broken = True
        for _ in range(3):
            with pytest.raises(UnavailableError):
                await pool.acquire()
        exchange.is_broken = False
        assert await can_lend(pool, 1)

    async def test_who_waits_behind_a_failure_tries_in_its_place(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        exchange.works.clear()
        first, second = await waiting(pool), await waiting(pool)
        exchange.is_broken = True
        exchange.works.set()
        for task in (first, second):
            with pytest.raises(UnavailableError):
                await task
        exchange.is_broken = False
        assert await can_lend(pool, 1)

    async def test_who_is_cancelled_while_connecting_takes_no_place(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        exchange.works.clear()
        first, second = await waiting(pool), await waiting(pool)
        first.cancel()
        exchange.works.set()
        pool.release(await second)
        assert await can_lend(pool, 1)


class TestResting:
    async def test_what_was_used_just_now_is_not_asked(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        pool.release(await pool.acquire())
        pool.release(await pool.acquire())
        assert exchange.opened[0].asked == 0

    async def test_what_has_rested_is_asked_and_used(self, exchange: Exchange) -> None:
        pool = exchange.pool(1, rest=0)
        first = await pool.acquire()
        pool.release(first)
        assert await pool.acquire() is first
        assert exchange.opened[0].asked == 1

    async def test_what_is_silent_goes_with_all_that_rest_longer(self, exchange: Exchange) -> None:
        pool = exchange.pool(3, rest=0)
        for connection in [await pool.acquire() for _ in range(3)]:
            pool.release(connection)
        for line in exchange.opened:
            line.has_gone_silent = True
        lent = await pool.acquire()
        assert [line.asked for line in exchange.opened] == [0, 0, 1, 0]
        assert [line.is_terminated for line in exchange.opened] == [True, True, True, False]
        pool.release(lent)
        exchange.opened[-1].rests_since = float("inf")  # used just now
        assert await can_lend(pool, 3)

    async def test_who_waits_meanwhile_gets_a_place(self, exchange: Exchange) -> None:
        pool = exchange.pool(1, rest=0)
        pool.release(await pool.acquire())
        exchange.opened[0].has_gone_silent = True
        both = await waiting(pool), await waiting(pool)
        for first in asyncio.as_completed(both):
            pool.release(await first)
        assert len({both[0].result(), both[1].result()}) == 1
        assert len(exchange.opened) == 2

    async def test_who_is_cancelled_while_asking_takes_no_place(self, exchange: Exchange) -> None:
        pool = exchange.pool(1, rest=0)
        pool.release(await pool.acquire())
        asking = await waiting(pool)
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        assert exchange.opened[0].is_terminated
        assert await can_lend(pool, 1)

    async def test_a_dead_one_is_replaced_in_its_place(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        waiter = await waiting(pool)
        another = await pool.replace(lent)
        assert another is not lent
        assert exchange.opened[0].is_terminated
        assert not waiter.done()
        pool.release(another)
        assert await waiter is another

    async def test_one_that_cannot_be_replaced_gives_its_place_back(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        exchange.is_broken = True
        with pytest.raises(UnavailableError):
            await pool.replace(lent)
        exchange.is_broken = False
        assert await can_lend(pool, 1)


class TestClosing:
    async def test_takes_leave_of_what_is_idle(self, exchange: Exchange) -> None:
        pool = exchange.pool(2)
        first, second = await pool.acquire(), await pool.acquire()
        pool.release(first)
        pool.release(second)
        await pool.close()
        assert all(line.has_taken_leave for line in exchange.opened)

    async def test_ends_what_is_in_use_when_it_comes_back(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        await pool.close()
        assert not exchange.opened[0].is_dead
        pool.release(lent)
        assert exchange.opened[0].is_dead

    async def test_sends_away_who_waits_and_who_comes(self, exchange: Exchange) -> None:
        pool = exchange.pool(1)
        lent = await pool.acquire()
        waiter = await waiting(pool)
        await pool.close()
        for attempt in (waiter, pool.acquire()):
            with pytest.raises(UnavailableError):
                await attempt
        pool.release(lent)
        with pytest.raises(UnavailableError):
            await pool.acquire()


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_no_connection_is_lost(exchange: Exchange, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # the same disturbances in every run
    pool = exchange.pool(3, queue=5, patience=0.003)

    async def use() -> None:
        try:
            connection = await pool.acquire()
        except UnavailableError:
            return
        try:
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.005]))
        except asyncio.CancelledError:
            pool.discard(connection)
            raise
        if chance.random() < 0.2:
            cast("Line", connection).is_dead = True
        pool.release(connection)

    async def disturb(users: list[asyncio.Task[None]]) -> None:
        for user in users:
            exchange.is_broken = chance.random() < 0.2
            if chance.random() < 0.3:
                user.cancel()
            await asyncio.sleep(chance.choice([0, 0, 0.001]))

    users = [asyncio.create_task(use()) for _ in range(60)]
    await disturb(users)
    await asyncio.gather(*users, return_exceptions=True)
    exchange.is_broken = False
    for line in exchange.opened:
        line.is_dead = True
    assert await can_lend(pool, 3)
