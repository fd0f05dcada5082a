"""How often is too often."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from random import Random
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
    PART,
    REFRESHES,
    REFRESHES_OF_CLIENT,
    REMEMBERED,
    REQUESTS,
    SIGN_UPS,
    SIGN_UPS_OF_ADDRESS,
    AbuseLimits,
    ClientAddress,
)
from todo.domain.errors import TooManyRequestsError, UnavailableError
from todo.domain.values import SessionId, UserId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from todo.application.ports import Hits, RateLimit, RateLimiter

HERE = ClientAddress("192.0.2.1")
ELSEWHERE = ClientAddress("192.0.2.2")


class Recorder:
    """A limiter that remembers what it was asked to count."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self.hits: list[tuple[RateLimit, str, int]] = []

    async def hit(self, limit: RateLimit, key: str, times: int = 1) -> Hits:
        self.hits.append((limit, key, times))
        return await self._limiter.hit(limit, key, times)

    async def close(self) -> None:
        await self._limiter.close()


class Held(Recorder):
    """One that answers nobody before it is let."""

    def __init__(self, limiter: RateLimiter) -> None:
        super().__init__(limiter)
        self.is_let = asyncio.Event()

    async def hit(self, limit: RateLimit, key: str, times: int = 1) -> Hits:
        hits = await super().hit(limit, key, times)
        await self.is_let.wait()
        return hits


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
    return a_process(clock, shared)


async def use_up(limit: RateLimit, act: Callable[[], Awaitable[None]]) -> TooManyRequestsError:
    """Do it as often as the limit lets, and once more."""
    for _ in range(limit.amount):
        await act()
    with pytest.raises(TooManyRequestsError) as refused:
        await act()
    assert refused.value.limit == limit.amount
    return refused.value


def a_process(clock: StoppedClock, shared: RateLimiter) -> AbuseLimits:
    """The limits as one more process keeps them."""
    return AbuseLimits(MemoryRateLimiter(clock), shared, clock, SECRET)


async def let_through(order: Iterable[AbuseLimits], user: UserId) -> int:
    """How many requests of the user get through, sent to these processes one after the other."""
    through = 0
    for limits in order:
        with suppress(TooManyRequestsError):
            await limits.request(user)
            through += 1
    return through


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


class TestRequests:
    """The limit on requests, which processes count each by itself and add up in parts."""

    async def test_a_user_may_send_a_hundred_a_second(self, limits: AbuseLimits, clock: StoppedClock) -> None:
        user = a_user_id()
        refused = await use_up(REQUESTS, lambda: limits.request(user))
        assert refused.retry_after == 60
        await limits.request(a_user_id())
        clock.go_on(seconds=59.5)
        with pytest.raises(TooManyRequestsError) as again:
            await limits.request(user)
        assert again.value.retry_after == 1
        clock.go_on(seconds=0.5)
        await use_up(REQUESTS, lambda: limits.request(user))

    async def test_the_minutes_are_those_of_the_clock(self, limits: AbuseLimits, clock: StoppedClock) -> None:
        user = a_user_id()
        clock.go_on(seconds=40)
        assert (await use_up(REQUESTS, lambda: limits.request(user))).retry_after == 20
        clock.go_on(seconds=20)
        await limits.request(user)

    async def test_a_clock_that_is_put_back_keeps_nobody_out(self, limits: AbuseLimits, clock: StoppedClock) -> None:
        user = a_user_id()
        await use_up(REQUESTS, lambda: limits.request(user))
        clock.go_on(hours=-1)
        await limits.request(user)

    async def test_the_shared_count_hears_of_whole_parts_only(self, limits: AbuseLimits, shared: Recorder) -> None:
        user, others = a_user_id(), [a_user_id() for _ in range(3)]
        for _ in range(PART - 1):
            for one in (user, *others):
                await limits.request(one)
        assert not shared.hits
        for _ in range(PART + 1):
            await limits.request(user)
        [first, second] = shared.hits
        assert first == second == (REQUESTS, first[1], PART)

    async def test_who_is_refused_is_told_of_to_nobody(self, limits: AbuseLimits, shared: Recorder) -> None:
        user = a_user_id()
        await use_up(REQUESTS, lambda: limits.request(user))
        assert await let_through([limits] * (3 * PART), user) == 0
        assert sum(times for _, _, times in shared.hits) == REQUESTS.amount

    @pytest.mark.parametrize("processes", [1, 2, 5])
    @pytest.mark.parametrize("turns", ["in turn", "one after the other", "as it comes"])
    async def test_processes_let_through_little_more_than_one(
        self, clock: StoppedClock, shared: Recorder, processes: int, turns: str
    ) -> None:
        user, limits = a_user_id(), [a_process(clock, shared) for _ in range(processes)]
        each = REQUESTS.amount + PART
        order = limits * each if turns == "in turn" else [one for one in limits for _ in range(each)]
        if turns == "as it comes":
            Random(processes).shuffle(order)  # noqa: S311 - to be repeated, not to be secret
        through = await let_through(order, user)
        assert REQUESTS.amount <= through <= REQUESTS.amount + (processes - 1) * (PART - 1)
        if turns == "one after the other":
            assert through == REQUESTS.amount + (processes - 1) * (PART - 1)
        assert await let_through(limits, user) == 0
        clock.go_on(minutes=1)
        assert await let_through(limits, user) == processes

    async def test_who_keeps_to_the_limit_is_never_refused(self, clock: StoppedClock, shared: Recorder) -> None:
        """Whatever came in the minute before, by whichever process, and whenever a process begins."""
        user, one, other = a_user_id(), a_process(clock, shared), a_process(clock, shared)
        clock.go_on(seconds=59)
        assert await let_through([one] * 5_801 + [other] * 199, user) == 6_000
        clock.go_on(seconds=1)
        assert await let_through([one] * 1_999, user) == 1_999
        clock.go_on(seconds=30)
        late = a_process(clock, shared)
        assert await let_through([late, other] * 1_999 + [one] * 3, user) == 4_001
        assert await let_through([one, other, late] * PART, user) < 3 * PART
        clock.go_on(seconds=30)
        assert await let_through([late, other, one] * 2_000, user) == 6_000

    async def test_of_requests_at_the_same_time_no_more_get_through(self, clock: StoppedClock) -> None:
        shared = Held(MemoryRateLimiter(clock))
        user, limits = a_user_id(), a_process(clock, shared)
        requests = [asyncio.create_task(let_through([limits], user)) for _ in range(REQUESTS.amount + 3 * PART)]
        await asyncio.sleep(0)
        shared.is_let.set()
        assert sum(await asyncio.gather(*requests)) == REQUESTS.amount
        assert await let_through([limits] * (3 * PART), user) == 0
        assert sum(times for _, _, times in shared.hits) == REQUESTS.amount

    async def test_what_comes_during_an_answer_is_not_forgotten(self, clock: StoppedClock) -> None:
        counts = MemoryRateLimiter(clock)
        shared = Held(counts)
        user, one, other = a_user_id(), a_process(clock, shared), a_process(clock, counts)
        all_but_a_part = REQUESTS.amount - PART
        assert await let_through([other] * all_but_a_part, user) == all_but_a_part
        part = asyncio.create_task(let_through([one] * PART, user))
        await asyncio.sleep(0)
        assert await let_through([one] * (PART - 1), user) == PART - 1
        shared.is_let.set()
        assert await part == PART
        assert await let_through([one] * PART, user) == 0

    async def test_an_answer_that_comes_late_takes_nothing_back(self, clock: StoppedClock) -> None:
        shared = Held(MemoryRateLimiter(clock))
        user, one, other = a_user_id(), a_process(clock, shared), a_process(clock, shared)
        late = asyncio.create_task(let_through([one] * PART, user))
        await asyncio.sleep(0)
        held, shared.is_let = shared.is_let, asyncio.Event()
        shared.is_let.set()
        assert await let_through([other] * 20 * PART, user) == 20 * PART
        assert await let_through([one] * PART, user) == PART
        held.set()
        assert await late == PART
        # One by one, so that another answer cannot mend it before it is seen.
        assert await let_through([one] * (PART - 1), user) == PART - 1
        assert one._requests[user] == 23 * PART - 1

    async def test_an_answer_from_the_last_minute_counts_for_that(self, clock: StoppedClock) -> None:
        shared = Held(MemoryRateLimiter(clock))
        user, limits = a_user_id(), a_process(clock, shared)
        part = asyncio.create_task(let_through([limits] * PART, user))
        await asyncio.sleep(0)
        clock.go_on(minutes=1)
        await limits.request(user)
        shared.is_let.set()
        assert await part == PART
        assert await let_through([limits] * REQUESTS.amount, user) == REQUESTS.amount - 1

    async def test_a_shared_count_that_forgets_makes_nobody_forget(self, limits: AbuseLimits, shared: Recorder) -> None:
        user = a_user_id()
        assert await let_through([limits] * (REQUESTS.amount - PART), user) == REQUESTS.amount - PART
        await shared.close()
        assert await let_through([limits] * (2 * PART), user) == PART

    async def test_a_process_goes_on_alone_while_the_shared_count_is_away(
        self, clock: StoppedClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        user, limits = a_user_id(), a_process(clock, Away())
        with caplog.at_level(logging.WARNING, "todo.limits"):
            await use_up(REQUESTS, lambda: limits.request(user))
        assert len(caplog.messages) == REQUESTS.amount // PART
        assert {message.split(":")[0] for message in caplog.messages} == {"rate_limit_not_shared"}
        assert user not in caplog.text

    async def test_no_limiter_sees_the_user(self, limits: AbuseLimits, shared: Recorder, clock: StoppedClock) -> None:
        user = a_user_id()
        others = Recorder(MemoryRateLimiter(clock))
        for seconds in (0, 60):
            clock.go_on(seconds=seconds)
            await let_through([limits, AbuseLimits(MemoryRateLimiter(clock), others, clock, SECRET + "!")] * PART, user)
        keys = {key for recorder in (shared, others) for _, key, _ in recorder.hits}
        assert len(keys) == 4
        assert not any(user in key for key in keys)

    async def test_so_many_users_are_remembered(self, limits: AbuseLimits) -> None:
        for number in range(REMEMBERED + 3):
            await limits.request(UserId(str(number)))
        assert len(limits._requests) == REMEMBERED
        assert {UserId(str(number)) for number in range(3)}.isdisjoint(limits._requests)

    async def test_who_was_forgotten_during_an_answer_is_not_remembered_for_it(self, clock: StoppedClock) -> None:
        shared = Held(MemoryRateLimiter(clock))
        user, limits = a_user_id(), a_process(clock, shared)
        part = asyncio.create_task(let_through([limits] * PART, user))
        await asyncio.sleep(0)
        for number in range(REMEMBERED):
            await limits.request(UserId(str(number)))
        shared.is_let.set()
        assert await part == PART
        assert user not in limits._requests


async def test_processes_count_together(clock: StoppedClock, shared: Recorder) -> None:
    processes = [a_process(clock, shared) for _ in range(2)]
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
    limits = a_process(clock, Away())
    email = an_email()
    with caplog.at_level(logging.WARNING, "todo.limits"):
        await use_up(LOG_INS, lambda: limits.log_in(email, HERE))
    assert "rate_limit_not_shared" in caplog.text
    assert email not in caplog.text
    assert HERE not in caplog.text


async def test_no_limiter_sees_an_address(limits: AbuseLimits, shared: Recorder, clock: StoppedClock) -> None:
    email = an_email()
    await limits.log_in(email, HERE)
    keys = {key for _, key, _ in shared.hits}
    assert not any(email in key or HERE in key for key in keys)
    others = Recorder(MemoryRateLimiter(clock))
    await AbuseLimits(MemoryRateLimiter(clock), others, clock, SECRET + "!").log_in(email, HERE)
    assert keys.isdisjoint(key for _, key, _ in others.hits)


async def test_off_means_off(clock: StoppedClock, shared: Recorder) -> None:
    limits = AbuseLimits(MemoryRateLimiter(clock), shared, clock, SECRET, is_on=False)
    user, email = a_user_id(), an_email()
    for _ in range(LOG_INS_OF_ADDRESS.amount + 1):
        await limits.log_in(email, HERE)
        await limits.sign_up(email, HERE)
    for _ in range(REQUESTS.amount + 1):
        await limits.request(user)
    assert not shared.hits
