"""Making connections: as a role that the policies bind, with our limits set, and with some patience.

A database that is just starting or waking up refuses for a while, or drops the connections that it had.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog

from todo.adapters.postgres.connection import (
    DRIVER_ERRORS,
    PASSING_ERRORS,
    Connection,
    PooledConnection,
    may_pass_soon,
)
from todo.adapters.postgres.roles import APPLICATION_ROLE
from todo.adapters.postgres.startup import fit_for_pooler, is_refused_setting
from todo.adapters.postgres.times import keep_times
from todo.adapters.postgres.traced import TracedConnection, TracedPooledConnection
from todo.adapters.postgres.url import connect_arguments, is_pooler
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncpg import Record

    from todo.adapters.postgres.startup import Pooler

_LIMITS: Final = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}
# Each statement is a range under its owner. Reading a table from its beginning means reading what is other
# people's, whatever share of it the owner has; and compiling a plan takes longer than running one of ours.
_PLANS: Final = {"enable_seqscan": "off", "jit": "off"}
_SETTINGS: Final = _LIMITS | _PLANS

RIDE_OUT: Final = 5.0
"""Seconds from the beginning of an outage during which who connects tries again. After them each has one try."""
_OVER: Final = 30.0  # seconds after the last failure; then the next one is the first of another outage
_CONNECT_LIMIT: Final = 5.0  # seconds
_FIRST_PAUSE: Final = 0.05  # seconds
_LONGEST_PAUSE: Final = 0.8  # seconds

log = structlog.get_logger("todo.postgres")


class Connector:
    """Makes connections to one database, directly or through a transaction pooler."""

    def __init__(self, url: str, *, pooler: Pooler = "auto", is_traced: bool = False) -> None:
        self._arguments = {"timeout": _CONNECT_LIMIT, "command_timeout": 15} | connect_arguments(url)
        self._direct, self._pooled = (
            (TracedConnection, TracedPooledConnection) if is_traced else (Connection, PooledConnection)
        )
        self._finds_out = pooler == "auto" and not is_pooler(url)
        self.is_pooled = pooler == "transaction" or (pooler == "auto" and is_pooler(url))
        """Whether there is a pooler in between. While nothing is connected, this may still turn out to be so."""
        self.role: str | None = None
        """The role to step down to: empty if the one that logs in is bound by the policies; None if not yet known."""
        self._failing_since = self._failed_at = float("-inf")

    async def connect(self) -> Connection:
        """A connection that the policies bind. `UnavailableError` if there is none to be had.

        A refusal that may pass by itself is met with more tries, until the outage is `RIDE_OUT` seconds old.
        """
        pause, limit = _FIRST_PAUSE, self._arguments["timeout"]
        while True:
            try:
                connection = await self._open(limit)
            except (*PASSING_ERRORS, *DRIVER_ERRORS, asyncpg.PostgresError) as error:
                left = self._left_to_ride_out() if may_pass_soon(error) else 0.0
                if left <= 0:
                    log.warning("database_unreachable", error=type(error).__name__)
                    raise UnavailableError from error
                limit = max(1.0, left)
            else:
                self._failing_since = self._failed_at = float("-inf")
                return connection
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # so that not all come at once
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _left_to_ride_out(self) -> float:
        now = time.monotonic()
        if now - self._failed_at > _OVER:
            self._failing_since = now
        self._failed_at = now
        return self._failing_since + RIDE_OUT - now

    async def _open(self, limit: float | None) -> Connection:
        if self.role is None:
            await self._look_around(limit)
        role = {"role": self.role} if self.role else {}
        if not self.is_pooled:
            return self._direct(await self._log_in(_SETTINGS | role, limit))
        _, settings = fit_for_pooler(self._arguments)
        return self._pooled(await self._log_in({}, limit), settings | _SETTINGS | role)

    async def _look_around(self, limit: float | None) -> None:
        """Find out which role to take, and whether what is set at the start of a session holds.

        Where sessions are shared it does not: some poolers refuse it, others say nothing.
        """
        try:
            is_bound, holds = await self._look(_SETTINGS, limit)
        except asyncpg.ProtocolViolationError as error:
            if not (self._finds_out and is_refused_setting(error)):
                raise
            self._found_pooler()
            is_bound, holds = await self._look({}, limit)
        role = "" if is_bound else APPLICATION_ROLE
        if role and holds and not self.is_pooled:
            holds, _ = await self._look(_SETTINGS | {"role": role}, limit)
        if not (holds or self.is_pooled):
            if not self._finds_out:
                log.error(
                    "settings_do_not_hold", hint="Something drops them on the way: TODO_DATABASE_POOLER=transaction."
                )
                raise UnavailableError
            self._found_pooler()
        self.role = role

    def _found_pooler(self) -> None:
        log.info("pooler_found", hint="TODO_DATABASE_POOLER=transaction spares looking for it.")
        self.is_pooled = True

    async def _look(self, settings: Mapping[str, str], limit: float | None) -> tuple[bool, bool]:
        """Whether the policies bind who logs in with these settings, and whether ours are in force then."""
        driver = await self._log_in(settings, limit)
        try:
            async with driver.transaction():
                (row,) = await driver.fetch(
                    "SELECT rolsuper OR rolbypassrls, current_setting('statement_timeout'),"
                    " current_setting('enable_seqscan') FROM pg_roles WHERE rolname = current_user"
                )
        finally:
            await driver.close(timeout=1)
        return not row[0], (row[1], row[2]) == (_SETTINGS["statement_timeout"], _SETTINGS["enable_seqscan"])

    async def _log_in(self, settings: Mapping[str, str], limit: float | None) -> asyncpg.Connection[Record]:
        arguments = self._arguments | {"timeout": limit}
        if self.is_pooled:
            arguments, _ = fit_for_pooler(arguments)
        else:
            arguments["server_settings"] = {**arguments.get("server_settings", {}), **settings}
        driver = await asyncpg.connect(**arguments, statement_cache_size=0)
        try:
            await keep_times(driver)
        except BaseException:
            driver.terminate()
            raise
        return driver
