"""Limits on abuse: generous to people, also to many behind one address, and tight for who guesses passwords.

Each process counts by itself, and lets only what it has not refused yet go on to the count that all
processes share. So a flood ends in the memory of one process, and when the shared count cannot be had,
the limits still hold, process by process.
"""

from __future__ import annotations

import logging
from hashlib import blake2b
from math import ceil
from typing import TYPE_CHECKING, Final, NewType

from todo.application.ports import RateLimit
from todo.domain.errors import TooManyRequestsError, UnavailableError

if TYPE_CHECKING:
    from todo.application.ports import Hits, RateLimiter
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

log = logging.getLogger("todo.limits")


class AbuseLimits:
    """Every method counts one more, and raises `TooManyRequestsError` if that is too many.

    Keys are hashed under the service's secret: no limiter ever sees an address.
    """

    def __init__(self, own: RateLimiter, shared: RateLimiter, secret: str, *, is_on: bool = True) -> None:
        self._own = own
        self._shared = shared
        self._pepper = blake2b(secret.encode()).digest()
        self._is_on = is_on

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
        """The user sends a request, whatever it is. Counted by this process only: it is done for every request."""
        if self._is_on:
            _judge(REQUESTS, await self._own.hit(REQUESTS, user))

    async def _hit(self, limit: RateLimit, who: str) -> None:
        if not self._is_on:
            return
        key = blake2b(who.encode(), digest_size=16, key=self._pepper).hexdigest()
        _judge(limit, await self._own.hit(limit, key))
        try:
            hits = await self._shared.hit(limit, key)
        except UnavailableError:
            log.warning("rate_limit_not_shared: the limit %s is kept by this process alone", limit.name)
        else:
            _judge(limit, hits)


def _judge(limit: RateLimit, hits: Hits) -> None:
    if hits.total > limit.amount:
        raise TooManyRequestsError(limit.amount, max(1, ceil(hits.seconds_left)))
