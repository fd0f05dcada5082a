"""Too much of everything: refused, and the memory of the process stays where it was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.hostile.test_bodies import BOMBS
from tests.hostile.wire import request
from todo.entrypoints.http.heads import LONGEST_ADDRESS

if TYPE_CHECKING:
    from tests.hostile.conftest import Target
    from tests.hostile.wire import Host

TOO_LARGE = (431, "head_too_large")
GROWTH = 96
"""MiB. What is sent is many times as much; what a few requests at once need of it is not."""


@pytest.mark.parametrize(
    "fields",
    [
        [f"X-{number}: a" for number in range(99)],
        ["Cookie: a=b"] * 500,
        [f"Cookie: {'a=b; ' * 20_000}"],
        [f"X: {'a' * 65_536}"],
        [f"{'X' * 65_536}: a"],
        [f"X-{number}: {'a' * 1_000}" for number in range(70)],
        [f"If-Match: {'a,' * 40_000}"],
        [f"Authorization: Bearer {'a' * 70_000}"],
    ],
    ids=["many", "cookies", "a long cookie", "long", "a long name", "many long ones", "tags", "a token"],
)
async def test_a_flood_of_header_fields_is_refused(host: Host, fields: list[str]) -> None:
    async with host.wire() as wire:
        await wire.send(request("GET", "/livez", "X: a", "X: b", *fields))
        (answer,) = await wire.answers()
    assert answer.code == TOO_LARGE


async def test_what_fits_is_read(host: Host) -> None:
    assert (await host.exchange(request("GET", "/livez", *["X: a"] * 99))).status == 200
    assert (await host.exchange(request("GET", "/livez", f"X: {'a' * 65_000}"))).status == 200
    assert (await host.exchange(request("GET", "/livez?".ljust(LONGEST_ADDRESS, "a")))).status == 200


@pytest.mark.parametrize("flood", [b"X: a\r\n" * 10_000, b"a" * 65_536])
async def test_fields_without_end_are_not_collected(host: Host, flood: bytes) -> None:
    async with host.wire() as wire:
        await wire.send(b"GET /livez HTTP/1.1\r\nHost: todo.test\r\nX: a\r\nY: ", *[flood] * 500)
        answers = await wire.answers()
    assert [answer.code for answer in answers] in ([TOO_LARGE], [])  # none arrives where the rest is cut off


async def test_memory_stays_flat(target: Target) -> None:
    """The same floods again need no more than they did the first time."""

    async def flood() -> None:
        body = BOMBS["a million digits"]
        floods = [
            *(target.host.exchange(request("POST", "/api/tasks", target.authorization, body=body)) for _ in range(20)),
            *(target.host.exchange(request("GET", "/" + "a" * 60_000)) for _ in range(100)),
            *(target.host.exchange(request("GET", "/livez", "X: a", *["X: a"] * 200)) for _ in range(100)),
            *(endless() for _ in range(20)),
        ]
        for start in range(0, len(floods), 20):
            await asyncio.gather(*floods[start : start + 20])

    async def endless() -> None:
        async with target.host.wire() as wire:
            await wire.send(b"GET / HTTP/1.1\r\nX: ", *[b"a" * 65_536] * 40)
            await wire.answers()

    await flood()
    before = target.memory()
    for _ in range(3):
        await flood()
    assert target.memory() - before < GROWTH


@pytest.mark.prove
async def test_memory_stays_flat_for_long(target: Target) -> None:
    await test_memory_stays_flat(target)
    before = target.memory()
    for _ in range(20):
        await test_memory_stays_flat(target)
    assert target.memory() - before < GROWTH
