"""Streams as the metrics show them, on a real socket."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from tests.containers import memory_container
from tests.sight.scrape import scrape
from tests.streams import SOON, serving

if TYPE_CHECKING:
    from tests.streams import Client

ROUTE = "/api/tasks/events"


async def streams_open(ada: Client, number: int) -> None:
    """Return when so many are open."""
    async with asyncio.timeout(SOON):
        while (await scrape(ada.http)).value("todo_streams_open") != number:
            pass  # each look lets the server do something


async def test_those_that_are_open_are_shown_and_counted_from_the_start() -> None:
    async with serving(memory_container()) as server:
        ada = await server.sign_up()
        await ada.add()
        async with AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(ada.stream())
            await streams_open(ada, 3)
            seen = await scrape(ada.http)
            assert seen.value("todo_http_requests_in_progress") == 4
            assert seen.value("todo_http_requests_total", route=ROUTE, status="200") == 3
            assert seen.value("todo_http_request_duration_seconds_count", route=ROUTE) == 3
        await streams_open(ada, 0)
        assert (await scrape(ada.http)).value("todo_http_requests_in_progress") == 1
