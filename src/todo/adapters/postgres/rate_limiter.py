"""Limits counted in PostgreSQL, for all processes that share the database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, DateTime, Text, bindparam, case, delete, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert

from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.tables import rate_limits
from todo.application.ports import Hits

if TYPE_CHECKING:
    from todo.adapters.postgres.database import Database
    from todo.application.ports import Clock, RateLimit

_KEY = bindparam("key", type_=Text)
_NOW = bindparam("now", type_=DateTime(timezone=True))
_TIMES = bindparam("times", type_=BigInteger)

_FIRST = insert(rate_limits).values(key=_KEY, hits=_TIMES, ends_at=bindparam("ends_at", type_=DateTime(timezone=True)))
_IS_OVER = rate_limits.c.ends_at <= _NOW
# Two lengths of it from now on: one that ends later was begun by a clock that was put back since.
_BEGINS_ANEW = or_(_IS_OVER, rate_limits.c.ends_at > bindparam("latest", type_=DateTime(timezone=True)))

# Each hit also clears two rows away whose time is over: more than it adds. It runs after the row of its own
# was written, and passes over what another hit holds, so no two hits ever wait for each other in a circle.
_SOME_THAT_ARE_OVER = (
    select(rate_limits.c.key)
    .where(_IS_OVER, rate_limits.c.key != _KEY)
    .order_by(rate_limits.c.ends_at)
    .limit(literal_column("2"))
    .with_for_update(skip_locked=True)
)
_HIT = Statement(
    _FIRST.on_conflict_do_update(
        index_elements=[rate_limits.c.key],
        set_={
            "hits": case((_BEGINS_ANEW, _TIMES), else_=rate_limits.c.hits + _TIMES),
            "ends_at": case((_BEGINS_ANEW, _FIRST.excluded.ends_at), else_=rate_limits.c.ends_at),
        },
    )
    .returning(rate_limits.c.hits, rate_limits.c.ends_at)
    .add_cte(delete(rate_limits).where(rate_limits.c.key.in_(_SOME_THAT_ARE_OVER)).cte("cleared"))
)


class PostgresRateLimiter:
    """One statement each time, which waits for no disk: the table is not logged, and empty after a crash."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def hit(self, limit: RateLimit, key: str, times: int = 1) -> Hits:
        now = self._clock.now()
        length = timedelta(seconds=limit.seconds)
        values = {
            "key": f"{limit.name}:{key}",
            "times": times,
            "now": now,
            "ends_at": now + length,
            "latest": now + 2 * length,
        }
        [row] = await self._database.fetch(_HIT, values)
        return Hits(row["hits"], (row["ends_at"] - now).total_seconds())

    async def close(self) -> None:
        """The database is the store's to close."""
