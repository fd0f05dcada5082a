"""What `RateLimiter` promises. A subclass brings `limiter`, `another` that shares its count, and `pass_time`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

import pytest

from todo.adapters.clock import new_id
from todo.application.ports import RateLimit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from todo.application.ports import RateLimiter

    PassTime: TypeAlias = Callable[[int], Awaitable[None]]

LIMIT = RateLimit("test", 3, 60)


def a_key() -> str:
    return new_id().hex


class RateLimiterContract:
    async def test_hits_are_counted(self, limiter: RateLimiter) -> None:
        key = a_key()
        assert [(await limiter.hit(LIMIT, key)).total for _ in range(5)] == [1, 2, 3, 4, 5]

    async def test_several_at_once_are_counted_as_so_many(self, limiter: RateLimiter, another: RateLimiter) -> None:
        key = a_key()
        totals = [(await through.hit(LIMIT, key, times)).total for through, times in ((limiter, 200), (another, 7))]
        assert totals == [200, 207]
        assert (await limiter.hit(LIMIT, key)).total == 208

    async def test_several_at_once_begin_a_window_like_one(self, limiter: RateLimiter, pass_time: PassTime) -> None:
        key = a_key()
        assert (await limiter.hit(LIMIT, key, 200)).seconds_left == pytest.approx(60, abs=1)
        await pass_time(40)
        assert (await limiter.hit(LIMIT, key, 200)).seconds_left == pytest.approx(20, abs=1)
        await pass_time(20)
        assert (await limiter.hit(LIMIT, key, 200)).total == 200

    async def test_keys_do_not_count_for_each_other(self, limiter: RateLimiter) -> None:
        await limiter.hit(LIMIT, a_key())
        assert (await limiter.hit(LIMIT, a_key())).total == 1

    async def test_limits_do_not_count_for_each_other(self, limiter: RateLimiter) -> None:
        key = a_key()
        await limiter.hit(LIMIT, key)
        assert (await limiter.hit(LIMIT._replace(name="other"), key)).total == 1

    async def test_a_window_lasts_as_long_as_its_limit_says(self, limiter: RateLimiter, pass_time: PassTime) -> None:
        key = a_key()
        assert (await limiter.hit(LIMIT, key)).seconds_left == pytest.approx(60, abs=1)
        await pass_time(40)
        later = await limiter.hit(LIMIT, key)
        assert later.total == 2
        assert later.seconds_left == pytest.approx(20, abs=1)

    async def test_another_window_begins_with_the_first_hit_after_it(
        self, limiter: RateLimiter, pass_time: PassTime
    ) -> None:
        key = a_key()
        await limiter.hit(LIMIT, key)
        await limiter.hit(LIMIT, key)
        await pass_time(60)
        another = await limiter.hit(LIMIT, key)
        assert another.total == 1
        assert another.seconds_left == pytest.approx(60, abs=1)
        assert (await limiter.hit(LIMIT, key)).total == 2

    async def test_hits_at_the_same_time_are_all_counted(self, limiter: RateLimiter, another: RateLimiter) -> None:
        key = a_key()
        together = asyncio.Barrier(20)

        async def hit(through: RateLimiter) -> int:
            await together.wait()
            return (await through.hit(LIMIT, key)).total

        totals = await asyncio.gather(*[hit(through) for through in (limiter, another) for _ in range(10)])
        assert sorted(totals) == list(range(1, 21))

    async def test_many_keys_at_the_same_time_do_not_wait_for_each_other_for_ever(
        self, limiter: RateLimiter, another: RateLimiter, pass_time: PassTime
    ) -> None:
        keys = [a_key() for _ in range(10)]
        for _ in range(3):
            hits = await asyncio.gather(*[through.hit(LIMIT, key) for key in keys for through in (limiter, another)])
            assert sorted(hit.total for hit in hits) == [1] * 10 + [2] * 10
            await pass_time(60)


class OwnClockContract(RateLimiterContract):
    """Of limiters that are told the time: a clock that is put back makes no window longer than two."""

    async def test_a_clock_that_is_put_back_does_not_make_a_window_longer(
        self, limiter: RateLimiter, another: RateLimiter, pass_time: PassTime
    ) -> None:
        key = a_key()
        assert [(await limiter.hit(LIMIT, key)).total for _ in range(2)] == [1, 2]
        await pass_time(-3600)
        assert [(await through.hit(LIMIT, key)).total for through in (limiter, another)] == [1, 2]
        assert (await limiter.hit(LIMIT, key)).seconds_left == pytest.approx(60, abs=1)

    @pytest.mark.parametrize(("back", "total"), [(5, 2), (60, 2), (61, 1)])
    async def test_clocks_that_differ_by_no_more_than_a_window_count_together(
        self, limiter: RateLimiter, pass_time: PassTime, back: int, total: int
    ) -> None:
        key = a_key()
        await limiter.hit(LIMIT, key)
        await pass_time(-back)
        assert (await limiter.hit(LIMIT, key)).total == total
