"""The limits counted in memory keep the promises of the port, and the memory is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contracts.rate_limiter import LIMIT, OwnClockContract
from todo.adapters.memory.rate_limiter import MemoryRateLimiter

if TYPE_CHECKING:
    from tests.builders import StoppedClock
    from tests.contracts.rate_limiter import PassTime


@pytest.fixture
def pass_time(clock: StoppedClock) -> PassTime:
    async def pass_time(seconds: int) -> None:
        clock.go_on(seconds=seconds)

    return pass_time


class TestMemoryRateLimiter(OwnClockContract):
    @pytest.fixture
    def limiter(self, clock: StoppedClock) -> MemoryRateLimiter:
        return MemoryRateLimiter(clock)

    @pytest.fixture
    def another(self, limiter: MemoryRateLimiter) -> MemoryRateLimiter:
        return limiter


async def test_the_oldest_window_makes_room_for_a_new_one(clock: StoppedClock) -> None:
    limiter = MemoryRateLimiter(clock, keys=3)
    for key in ("a", "b", "c", "a", "d"):
        await limiter.hit(LIMIT, key)
    assert (await limiter.hit(LIMIT, "d")).total == 2
    assert (await limiter.hit(LIMIT, "b")).total == 2
    assert (await limiter.hit(LIMIT, "a")).total == 1


async def test_what_is_over_does_not_stay(clock: StoppedClock) -> None:
    limiter = MemoryRateLimiter(clock)
    for number in range(100):
        await limiter.hit(LIMIT, f"old {number}")
    clock.go_on(seconds=LIMIT.seconds)
    for number in range(60):
        await limiter.hit(LIMIT, f"new {number}")
    assert {key.split()[0] for key in limiter._windows[LIMIT.name]} == {"new"}
