"""What the pool of connections tells of itself."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.test_pool import LONG, Exchange, waiting
from todo.adapters.postgres.pool import Pool, PoolUse
from todo.domain.errors import UnavailableError


def pool_of(exchange: Exchange, size: int, *, queue: int = 100, patience: float = LONG) -> tuple[Pool, list[float]]:
    waits: list[float] = []
    return Pool(exchange.connect, size=size, queue=queue, patience=patience, waited=waits.append), waits


async def test_it_tells_how_it_is_used() -> None:
    pool, waits = pool_of(Exchange(), 3)
    assert pool.use == PoolUse(size=3, idle=0, in_use=0, waiting=0, refused=0, failed=0)
    lent = [await pool.acquire() for _ in range(3)]
    asking = [await waiting(pool) for _ in range(2)]
    assert pool.use == PoolUse(size=3, idle=0, in_use=3, waiting=2, refused=0, failed=0)
    for connection in lent:
        pool.release(connection)
    assert len(await asyncio.gather(*asking)) == 2
    assert pool.use == PoolUse(size=3, idle=1, in_use=2, waiting=0, refused=0, failed=0)
    assert len(waits) == 2
    assert all(0 <= seconds < LONG for seconds in waits)


async def test_who_finds_one_free_does_not_wait() -> None:
    pool, waits = pool_of(Exchange(), 1)
    pool.release(await pool.acquire())
    pool.release(await pool.acquire())
    assert waits == []


async def test_one_that_is_being_made_is_in_use() -> None:
    exchange = Exchange()
    exchange.works.clear()
    pool, _ = pool_of(exchange, 2)
    asking = await waiting(pool)
    assert pool.use.in_use == 1
    exchange.works.set()
    pool.release(await asking)
    assert (pool.use.idle, pool.use.in_use) == (1, 0)


async def test_those_who_are_refused_are_counted_and_waited() -> None:
    pool, waits = pool_of(Exchange(), 1, queue=1, patience=0.01)
    held = await pool.acquire()
    patient = await waiting(pool)
    with pytest.raises(UnavailableError):
        await pool.acquire()
    assert pool.use.refused == 1
    assert waits == []
    with pytest.raises(UnavailableError):
        await patient
    assert pool.use.refused == 2
    assert len(waits) == 1
    pool.discard(held)
    assert (pool.use.idle, pool.use.in_use, pool.use.waiting) == (0, 0, 0)


async def test_a_database_that_cannot_be_reached_is_counted() -> None:
    exchange = Exchange()
    exchange.is_broken = True
    pool, _ = pool_of(exchange, 2)
    for number in (1, 2):
        with pytest.raises(UnavailableError):
            await pool.acquire()
        assert pool.use == PoolUse(size=2, idle=0, in_use=0, waiting=0, refused=0, failed=number)
