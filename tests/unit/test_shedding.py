"""More requests than can be answered in time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.containers import memory_container
from tests.http.service import running
from todo.entrypoints.http import shedding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

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


async def test_streams_are_not_counted(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await service.sign_up()
    monkeypatch.setattr(shedding, "MOST_AT_ONCE", 1)
    with service.app.state.container.tally().stream():
        assert (await ada.get(ada.home)).status_code == 200


async def test_a_request_that_fails_is_no_longer_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding, "MOST_AT_ONCE", 1)

    async def failing(_: Scope, __: Receive, ___: Send) -> None:
        raise RuntimeError

    app = shedding.LoadShedding(failing, memory_container().tally())
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await app({"type": "http", "path": "/api/tasks"}, None, None)  # type: ignore[arg-type]
