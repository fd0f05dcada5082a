"""More requests than can be answered in time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from inspect import signature
from typing import TYPE_CHECKING

import pytest

from tests.containers import memory_container
from tests.http.service import running
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.pool import Pool
from todo.entrypoints.http import shedding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message, Receive, Scope, Send

    from tests.http.service import Service


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(shedding, "PAUSE", 0.0)
    async with running(memory_container()) as service:
        yield service


async def test_the_last_of_too_many_is_refused_and_all_others_are_answered(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await service.sign_up()
    monkeypatch.setattr(shedding, "MOST_AT_ONCE", 3)
    gate, waiting = asyncio.Event(), asyncio.Semaphore(0)
    store = service.app.state.container.store().tasks
    page = store.page

    async def page_behind_the_gate(*asked: object) -> object:
        waiting.release()
        await gate.wait()
        return await page(*asked)

    monkeypatch.setattr(store, "page", page_behind_the_gate)
    under_way = [asyncio.create_task(ada.get(ada.home)) for _ in range(3)]
    for _ in under_way:
        await waiting.acquire()
    refused = await ada.get(ada.home)
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "unavailable", "1")
    assert (await service.get("/livez")).status_code == 200
    assert (await service.get("/readyz")).status_code == 200
    gate.set()
    assert [answer.status_code for answer in await asyncio.gather(*under_way)] == [200] * 3
    assert (await ada.get(ada.home)).status_code == 200


async def test_what_waits_for_its_client_takes_nobodys_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding, "MOST_AT_ONCE", 1)
    arrived, served = asyncio.Event(), asyncio.Semaphore(0)

    async def slow() -> Message:
        await arrived.wait()
        return {"type": "http.disconnect"}

    async def reading(_: Scope, receive: Receive, __: Send) -> None:
        served.release()
        await receive()

    app = shedding.LoadShedding(reading)
    waiting = [asyncio.create_task(app({"type": "http", "path": "/api/tasks"}, slow, None)) for _ in range(3)]  # type: ignore[arg-type]
    for _ in waiting:
        await served.acquire()
    arrived.set()
    await asyncio.gather(*waiting)


@pytest.mark.parametrize("ends", [None, RuntimeError, asyncio.CancelledError])
async def test_however_the_wait_ends_the_count_is_right(
    ends: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shedding, "MOST_AT_ONCE", 1)

    async def receive() -> Message:
        if ends:
            raise ends
        return {"type": "http.disconnect"}

    async def reading(_: Scope, receive: Receive, __: Send) -> None:
        with suppress(RuntimeError, asyncio.CancelledError):
            await receive()
        assert app._under_way == 1

    app = shedding.LoadShedding(reading)
    for _ in range(3):
        await app({"type": "http", "path": "/api/tasks"}, receive, None)  # type: ignore[arg-type]
    assert app._under_way == 0


async def test_a_request_that_fails_is_no_longer_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding, "MOST_AT_ONCE", 1)

    async def failing(_: Scope, __: Receive, ___: Send) -> None:
        raise RuntimeError

    app = shedding.LoadShedding(failing)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await app({"type": "http", "path": "/api/tasks"}, None, None)  # type: ignore[arg-type]


def test_the_pool_has_room_for_all_that_are_let_in_and_for_what_is_no_request() -> None:
    places = signature(Pool).parameters["queue"].default + signature(Database).parameters["size"].default
    assert places - shedding.MOST_AT_ONCE >= 5
