"""The limits counted by `limits` in Redis keep the promises of the port.

The server speaks the protocol over TCP and runs the scripts of `limits`, but is the one of `fakeredis`:
Redis itself does not come as a package.
"""

from __future__ import annotations

import asyncio
from socket import AF_INET, SOCK_STREAM, socket
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from fakeredis import FakeRedis, TcpFakeServer
from limits.aio.storage.redis.bridge import RedisBridge
from redis.asyncio import Redis

from tests.contracts.rate_limiter import LIMIT, RateLimiterContract, a_key
from todo.adapters.redis import RedisRateLimiter
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.contracts.rate_limiter import PassTime


class Server(TcpFakeServer):
    request_queue_size = 128  # else what connects at the same time is turned away, and tries again a second later


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = Server(("127.0.0.1", 0))
    # It hangs up after any error, even the one by which a client learns that it must send its script first.
    FakeRedis(server=server.fake_server).script_load(RedisBridge.SCRIPT_INCR_EXPIRE)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"redis://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def limiter(url: str) -> AsyncIterator[RedisRateLimiter]:
    limiter = RedisRateLimiter(url)
    yield limiter
    await limiter.close()


another = limiter


@pytest.fixture
async def pass_time(url: str) -> AsyncIterator[PassTime]:
    """Redis has a clock of its own: what is kept there grows older instead."""
    client = Redis.from_url(url)

    async def pass_time(seconds: int) -> None:
        for key in await client.keys("*"):
            await client.pexpire(key, await client.pttl(key) - seconds * 1000)

    yield pass_time
    await client.aclose()


class TestRedisRateLimiter(RateLimiterContract): ...


async def test_who_cannot_count_says_so_at_once() -> None:
    with socket(AF_INET, SOCK_STREAM) as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        limiter = RedisRateLimiter(f"redis://127.0.0.1:{nobody_listens.getsockname()[1]}")
        async with asyncio.timeout(2):
            with pytest.raises(UnavailableError):
                await limiter.hit(LIMIT, a_key())
        await limiter.close()
