"""Limits counted in Redis or Valkey, by the library `limits`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from limits.aio.storage import RedisStorage
from limits.errors import StorageError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError

from todo.application.checkups import Finding, fine, problem
from todo.application.ports import Hits
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from todo.application.ports import RateLimit

_COUNTER: Final = "The server that counts for the limits"

# Nobody waits for a server that is away: the process can count by itself.
_IN_A_HURRY: Final[dict[str, Any]] = {
    "socket_timeout": 1.0,
    "socket_connect_timeout": 1.0,
    "retry": Retry(NoBackoff(), 0),
}


async def examine(url: str) -> Finding:
    """What there is to say of the server."""
    client: Any = Redis.from_url(url, **_IN_A_HURRY)
    try:
        await client.ping()
    except AuthenticationError:
        return problem("limits_login_refused", f"{_COUNTER} refuses the password: mend it in TODO_RATE_LIMIT_STORAGE.")
    except (RedisError, OSError) as error:
        return problem(
            "limits_unreachable",
            f"{_COUNTER} does not answer ({type(error).__name__}), so that each process counts by itself: start it, or"
            " mend TODO_RATE_LIMIT_STORAGE.",
        )
    finally:
        await client.aclose()
    return fine("limits", f"{_COUNTER} answers.")


class RedisRateLimiter:
    """Counts where every machine can, and spares the database. Connects when it is first asked."""

    def __init__(self, url: str) -> None:
        self._storage = RedisStorage(
            f"async+{url}", implementation="redispy", wrap_exceptions=True, key_prefix="todo", **_IN_A_HURRY
        )

    async def hit(self, limit: RateLimit, key: str, times: int = 1) -> Hits:
        name = f"{limit.name}:{key}"
        try:
            count = await self._storage.incr(name, limit.seconds, times)
            end = await self._storage.get_expiry(name)
        except (StorageError, OSError) as error:
            raise UnavailableError from error
        return Hits(count, end - time.time())

    async def close(self) -> None:
        bridge: Any = self._storage.bridge  # whose client `limits` neither types nor closes
        await bridge.get_connection().aclose()
