"""The limits counted in PostgreSQL keep the promises of the port, for all processes at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Text, bindparam, select

from tests.builders import StoppedClock
from tests.contracts.rate_limiter import LIMIT, OwnClockContract, a_key
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.rate_limiter import PostgresRateLimiter
from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.tables import rate_limits
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.contracts.rate_limiter import PassTime

_KEYS_LIKE = Statement(select(rate_limits.c.key).where(rate_limits.c.key.like(bindparam("like", type_=Text))))


@pytest.fixture
def limiter(database: Database, clock: StoppedClock) -> PostgresRateLimiter:
    return PostgresRateLimiter(database, clock)


@pytest.fixture
async def another(database_url: str, clock: StoppedClock) -> AsyncIterator[PostgresRateLimiter]:
    """With connections of its own, as in another process."""
    database = Database(database_url)
    yield PostgresRateLimiter(database, clock)
    await database.close()


@pytest.fixture
def pass_time(clock: StoppedClock) -> PassTime:
    async def pass_time(seconds: int) -> None:
        clock.go_on(seconds=seconds)

    return pass_time


class TestPostgresRateLimiter(OwnClockContract): ...


async def test_rows_whose_time_is_over_are_cleared_away(database: Database) -> None:
    clock = StoppedClock(datetime(1990, 1, 1, tzinfo=UTC))  # before every other row there is
    limiter = PostgresRateLimiter(database, clock)
    mark = a_key()
    for number in range(6):
        await limiter.hit(LIMIT, f"{mark}-old-{number}")
    clock.go_on(seconds=LIMIT.seconds)
    for number in range(3):
        await limiter.hit(LIMIT, f"{mark}-new-{number}")
    rows = await database.fetch(_KEYS_LIKE, {"like": f"%{mark}%"})
    assert sorted(row["key"] for row in rows) == [f"{LIMIT.name}:{mark}-new-{number}" for number in range(3)]


async def test_who_cannot_count_is_unavailable(database_url: str, clock: StoppedClock) -> None:
    closed = Database(database_url)
    await closed.close()
    with pytest.raises(UnavailableError):
        await PostgresRateLimiter(closed, clock).hit(LIMIT, a_key())
