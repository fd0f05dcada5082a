"""Limits on abuse: generous to people, also to many behind one address, and tight for who guesses passwords.

Each process counts by itself, and lets only what it has not refused yet go on to the count that all
processes share. So a flood ends in the memory of one process, and when the shared count cannot be had,
the limits still hold, process by process.

Requests are too many to tell anyone of each. A process counts those of a user, and tells the shared count of `PART` at
once, which answers with those of all processes. The others do not know what it has not told yet: each further process
lets up to `PART` - 1 more through. The minutes are those of the clock, so all processes mean the same ones, and nobody
is refused for what came in another minute.
"""

from __future__ import annotations

import logging
from hashlib import blake2b
from math import ceil
from typing import TYPE_CHECKING, Final, NewType

from todo.application.ports import RateLimit
from todo.domain.errors import TooManyRequestsError, UnavailableError

if TYPE_CHECKING:
    from todo.application.ports import Clock, Hits, RateLimiter
    from todo.domain.values import Email, SessionId, UserId

ClientAddress = NewType("ClientAddress", str)
"""Where requests come from, as far as can be told: an address, or a network of which one person may have all."""

_MINUTE: Final = 60
_HOUR: Final = 3600

# A school class signs up, or logs in, in one lesson and from one address.
SIGN_UPS: Final = RateLimit("sign_up", 300, _HOUR)
SIGN_UPS_OF_ADDRESS: Final = RateLimit("sign_up_address", 100, _HOUR)
LOG_INS_OF_CLIENT: Final = RateLimit("log_in_client", 120, _MINUTE)
LOG_INS: Final = RateLimit("log_in", 10, _MINUTE)
# Against guessers in many places. Whoever is logged in stays so, but can be kept from logging in anew.
LOG_INS_OF_ADDRESS: Final = RateLimit("log_in_address", 100, _HOUR)
# Nobody can guess a refresh token: these hold clients back that have gone wild.
REFRESHES_OF_CLIENT: Final = RateLimit("refresh_client", 600, _MINUTE)
REFRESHES: Final = RateLimit("refresh", 30, _MINUTE)
# Who has stolen an access token must not guess the password with it.
CONFIRMATIONS: Final = RateLimit("confirmation", 10, _MINUTE)
# A hundred a second for a whole minute: some per cent of what one process can do.
REQUESTS: Final = RateLimit("request", 6000, _MINUTE)

PART: Final = 200
"""A process tells the shared count of so many requests of a user at once: 30 times for all that one may send."""
REMEMBERED: Final = 50_000
"""Users whose requests a process counts in a minute. For one more, the first is forgotten."""

log = logging.getLogger("todo.limits")


class AbuseLimits:
    """Every method counts one more, and raises `TooManyRequestsError` if that is too many.

    Keys are hashed under the service's secret: no limiter ever sees an address, or who a user is.
    """

    def __init__(self, own: RateLimiter, shared: RateLimiter, clock: Clock, secret: str, *, is_on: bool = True) -> None:
        self._own = own
        self._shared = shared
        self._clock = clock
        self._pepper = blake2b(secret.encode()).digest()
        self._is_on = is_on
        self._minute = 0.0
        self._requests: dict[UserId, int] = {}

    async def sign_up(self, email: Email, client: ClientAddress) -> None:
        """Someone opens an account, or tries to."""
        await self._hit(SIGN_UPS, client)
        await self._hit(SIGN_UPS_OF_ADDRESS, email)

    async def log_in(self, email: Email, client: ClientAddress) -> None:
        """Someone tries a password, right or wrong."""
        await self._hit(LOG_INS_OF_CLIENT, client)
        await self._hit(LOG_INS, f"{email} {client}")
        await self._hit(LOG_INS_OF_ADDRESS, email)

    async def refresh(self, client: ClientAddress) -> None:
        """Someone shows a refresh token, good or bad."""
        await self._hit(REFRESHES_OF_CLIENT, client)

    async def refresh_session(self, session: SessionId) -> None:
        """Someone has shown a refresh token of ours for this session: nobody else can use up its limit."""
        await self._hit(REFRESHES, str(session))

    async def confirm(self, user: UserId) -> None:
        """Someone who is logged in as this user shows the password again."""
        await self._hit(CONFIRMATIONS, user)

    async def request(self, user: UserId) -> None:
        """The user sends a request, whatever it is. One of `PART` in a minute waits for the shared count."""
        if not self._is_on:
            return
        minute, past = divmod(self._clock.now().timestamp(), REQUESTS.seconds)
        if minute != self._minute:
            self._minute, self._requests = minute, {}
        requests = self._requests
        count = requests.get(user, 0) + 1
        if count == 1 and len(requests) == REMEMBERED:
            del requests[next(iter(requests))]
        requests[user] = count
        seconds_left = REQUESTS.seconds - past
        _judge(REQUESTS, count, seconds_left)
        if count % PART == 0:
            await self._tell(user, minute, seconds_left)

    async def _tell(self, user: UserId, minute: float, seconds_left: float) -> None:
        """Tell the shared count of one more part, and take over what it answers."""
        requests = self._requests  # of this minute, even if the answer comes in the next
        shared = await self._hit_shared(REQUESTS, self._key(f"{user} {minute:.0f}"), PART)
        if not shared:
            return
        if user in requests:
            # All tell whole parts, so the answer lacks what has been counted here since the last whole part. And it may
            # come late, and know less than is known by now.
            requests[user] = max(requests[user], shared.total + requests[user] % PART)
        _judge(REQUESTS, shared.total, seconds_left)

    async def _hit(self, limit: RateLimit, who: str) -> None:
        if not self._is_on:
            return
        key = self._key(who)
        own = await self._own.hit(limit, key)
        _judge(limit, own.total, own.seconds_left)
        shared = await self._hit_shared(limit, key)
        if shared:
            _judge(limit, shared.total, shared.seconds_left)

    async def _hit_shared(self, limit: RateLimit, key: str, times: int = 1) -> Hits | None:
        """What the shared count says. Nothing if it cannot be had."""
        try:
            return await self._shared.hit(limit, key, times)
        except UnavailableError:
            log.warning("rate_limit_not_shared: the limit %s is kept by this process alone", limit.name)
            return None

    def _key(self, who: str) -> str:
        return blake2b(who.encode(), digest_size=16, key=self._pepper).hexdigest()


def _judge(limit: RateLimit, total: int, seconds_left: float) -> None:
    if total > limit.amount:
        raise TooManyRequestsError(limit.amount, max(1, ceil(seconds_left)))
