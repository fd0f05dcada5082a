"""How often is too often."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.builders import StoppedClock, a_user_id, an_email
from tests.containers import SECRET
from todo.adapters.clock import new_id
from todo.adapters.memory.rate_limiter import MemoryRateLimiter
from todo.application.limits import (
    CONFIRMATIONS,
    LOG_INS,
    LOG_INS_OF_ADDRESS,
    LOG_INS_OF_CLIENT,
    REFRESHES,
    REFRESHES_OF_CLIENT,
    REQUESTS,
    SIGN_UPS,
    SIGN_UPS_OF_ADDRESS,
    AbuseLimits,
    ClientAddress,
)
from todo.domain.errors import TooManyRequestsError, UnavailableError
from todo.domain.values import SessionId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from todo.application.ports import Hits, RateLimit, RateLimiter

HERE = ClientAddress("192.0.2.1")
ELSEWHERE = ClientAddress("192.0.2.2")


class Recorder:
    """A limiter that remembers what it was asked to count."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self.hits: list[tuple[RateLimit, str]] = []

    async def hit(self, limit: RateLimit, key: str, times: int = 1) -> Hits:
        self.hits.append((limit, key))
        return await self._limiter.hit(limit, key, times)

    async def close(self) -> None:
        await self._limiter.close()


class Away:
    """A limiter that cannot be reached."""

    async def hit(self, limit: RateLimit, key: str, times: int = 1) -> Hits:
        raise UnavailableError(f"{times} of {limit.name} are not counted for {key}.")

    async def close(self) -> None:
        """Holds nothing."""


@pytest.fixture
def shared(clock: StoppedClock) -> Recorder:
    return Recorder(MemoryRateLimiter(clock))


@pytest.fixture
def limits(clock: StoppedClock, shared: Recorder) -> AbuseLimits:
    return AbuseLimits(MemoryRateLimiter(clock), shared, SECRET)


async def use_up(limit: RateLimit, act: Callable[[], Awaitable[None]]) -> TooManyRequestsError:
    """Do it as often as the limit lets, and once more."""
    for _ in range(limit.amount):
        await act()
    with pytest.raises(TooManyRequestsError) as refused:
        await act()
    assert refused.value.limit == limit.amount
    return refused.value


class TestLoggingIn:
    async def test_one_client_may_try_one_address_ten_times_a_minute(
        self, limits: AbuseLimits, clock: StoppedClock
    ) -> None:
        email = an_email()
        refused = await use_up(LOG_INS, lambda: limits.log_in(email, HERE))
        assert refused.retry_after == 60
        clock.go_on(seconds=59.5)
        with pytest.raises(TooManyRequestsError) as again:
            await limits.log_in(email, HERE)
        assert again.value.retry_after == 1
        clock.go_on(seconds=0.5)
        await limits.log_in(email, HERE)

    async def test_others_behind_the_same_address_are_not_kept_out(self, limits: AbuseLimits) -> None:
        email = an_email()
        await use_up(LOG_INS, lambda: limits.log_in(email, HERE))
        await limits.log_in(an_email(), HERE)

    async def test_the_person_elsewhere_is_not_kept_out(self, limits: AbuseLimits) -> None:
        email = an_email()
        await use_up(LOG_INS, lambda: limits.log_in(email, HERE))
        await limits.log_in(email, ELSEWHERE)

    async def test_one_client_may_not_try_addresses_without_end(self, limits: AbuseLimits) -> None:
        await use_up(LOG_INS_OF_CLIENT, lambda: limits.log_in(an_email(), HERE))
        await limits.log_in(an_email(), ELSEWHERE)

    async def test_one_address_may_not_be_tried_from_everywhere(self, limits: AbuseLimits) -> None:
        email = an_email()
        clients = iter(range(1000))
        await use_up(LOG_INS_OF_ADDRESS, lambda: limits.log_in(email, ClientAddress(f"client {next(clients)}")))


async def test_one_client_may_open_a_hundred_accounts_an_hour(limits: AbuseLimits, clock: StoppedClock) -> None:
    await use_up(SIGN_UPS, lambda: limits.sign_up(an_email(), HERE))
    await limits.sign_up(an_email(), ELSEWHERE)
    clock.go_on(hours=1)
    await limits.sign_up(an_email(), HERE)


async def test_one_address_is_not_signed_up_from_everywhere(limits: AbuseLimits) -> None:
    email, clients = an_email(), iter(range(1000))
    await use_up(SIGN_UPS_OF_ADDRESS, lambda: limits.sign_up(email, ClientAddress(f"client {next(clients)}")))
    await limits.sign_up(an_email(), HERE)


async def test_one_session_is_refreshed_so_often(limits: AbuseLimits) -> None:
    session = SessionId(new_id())
    await use_up(REFRESHES, lambda: limits.refresh_session(session))
    await limits.refresh_session(SessionId(new_id()))


async def test_one_client_refreshes_so_often(limits: AbuseLimits) -> None:
    await use_up(REFRESHES_OF_CLIENT, lambda: limits.refresh(HERE))
    await limits.refresh(ELSEWHERE)


async def test_a_password_is_confirmed_so_often(limits: AbuseLimits) -> None:
    user = a_user_id()
    await use_up(CONFIRMATIONS, lambda: limits.confirm(user))
    await limits.confirm(a_user_id())


async def test_a_user_may_send_a_hundred_requests_a_second_which_nobody_else_counts(
    limits: AbuseLimits, shared: Recorder, clock: StoppedClock
) -> None:
    user = a_user_id()
    await use_up(REQUESTS, lambda: limits.request(user))
    await limits.request(a_user_id())
    assert not shared.hits
    clock.go_on(minutes=1)
    await limits.request(user)


async def test_processes_count_together(clock: StoppedClock, shared: Recorder) -> None:
    processes = [AbuseLimits(MemoryRateLimiter(clock), shared, SECRET) for _ in range(2)]
    email = an_email()
    for number in range(LOG_INS.amount):
        await processes[number % 2].log_in(email, HERE)
    for process in processes:
        with pytest.raises(TooManyRequestsError):
            await process.log_in(email, HERE)


async def test_a_flood_ends_in_the_process(limits: AbuseLimits, shared: Recorder) -> None:
    email = an_email()
    await use_up(LOG_INS, lambda: limits.log_in(email, HERE))
    for _ in range(1000):
        with pytest.raises(TooManyRequestsError):
            await limits.log_in(email, HERE)
    assert len(shared.hits) <= 3 * LOG_INS_OF_CLIENT.amount


async def test_limits_hold_process_by_process_while_the_shared_count_is_away(
    clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    limits = AbuseLimits(MemoryRateLimiter(clock), Away(), SECRET)
    email = an_email()
    with caplog.at_level(logging.WARNING, "todo.limits"):
        await use_up(LOG_INS, lambda: limits.log_in(email, HERE))
    assert "rate_limit_not_shared" in caplog.text
    assert email not in caplog.text
    assert HERE not in caplog.text


async def test_no_limiter_sees_an_address(limits: AbuseLimits, shared: Recorder, clock: StoppedClock) -> None:
    email = an_email()
    await limits.log_in(email, HERE)
    keys = {key for _, key in shared.hits}
    assert not any(email in key or HERE in key for key in keys)
    others = Recorder(MemoryRateLimiter(clock))
    await AbuseLimits(MemoryRateLimiter(clock), others, SECRET + "!").log_in(email, HERE)
    assert keys.isdisjoint(key for _, key in others.hits)


async def test_off_means_off(clock: StoppedClock, shared: Recorder) -> None:
    limits = AbuseLimits(MemoryRateLimiter(clock), shared, SECRET, is_on=False)
    user, email = a_user_id(), an_email()
    for _ in range(LOG_INS_OF_ADDRESS.amount + 1):
        await limits.log_in(email, HERE)
        await limits.sign_up(email, HERE)
    for _ in range(REQUESTS.amount + 1):
        await limits.request(user)
    assert not shared.hits
