"""One line of log for each request: enough to find a fault, and nothing that tells of a person."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from tests.builders import a_task_id, a_user_id
from tests.containers import SECRET, memory_container
from tests.http.service import PASSWORD, running
from todo.application.limits import REQUESTS
from todo.domain.values import UserId
from todo.entrypoints.http.edge import Edge
from todo.entrypoints.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tests.builders import StoppedClock
    from tests.http.service import Person, Service
    from todo.entrypoints.metrics.tally import Tally

FIELDS = {"event", "log_level", "method", "route", "status", "milliseconds", "user"}


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running(memory_container()) as service:
        yield service


async def line_of(person: Person | Service, method: str, path: str, **options: Any) -> MutableMapping[str, Any]:
    with capture_logs() as lines:
        await person.request(method, path, **options)
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line.keys() == FIELDS
    assert 0 < line["milliseconds"] < 60_000
    return line


async def test_it_names_the_route_and_not_the_path(service: Service) -> None:
    ada = await service.sign_up()
    task = await ada.add()
    line = await line_of(ada, "GET", ada.path(task))
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/tasks/{task_id}", 200)
    ada.home = f"/api/{ada.id}/tasks"
    line = await line_of(ada, "HEAD", f"{ada.path({'id': a_task_id()})}/")
    assert (line["method"], line["route"], line["status"]) == ("HEAD", "/api/{user_id}/tasks/{task_id}", 404)
    line = await line_of(ada, "PUT", ada.path(task, "/complete"))
    assert (line["route"], line["status"]) == ("/api/{user_id}/tasks/{task_id}/complete", 405)
    line = await line_of(service, "GET", f"/nowhere/{task['id']}")
    assert (line["route"], line["status"], line["user"]) == ("none", 404, None)


async def test_it_holds_nothing_that_was_sent(service: Service) -> None:
    ada = await service.sign_up()
    body = {"title": "Tell nobody", "description": "but me"}
    headers = {"User-Agent": "Ada's own"}
    lines = [
        await line_of(ada, "POST", f"{ada.home}?search=somebody", body=body, headers=headers),
        await line_of(ada, "GET", f"/api/{ada.id}/tasks?search=somebody"),
        await line_of(service, "POST", "/api/auth/login", body={"email": ada.email, "password": PASSWORD}),
    ]
    told = json.dumps(lines, default=dict)
    for secret in (ada.id, ada.email, ada.token, PASSWORD, "nobody", "but me", "somebody", "own"):
        assert secret not in told


async def test_it_names_the_user_by_the_same_pseudonym_each_time(service: Service) -> None:
    ada, bob = await service.sign_up(), await service.sign_up()
    names = {(await line_of(ada, "GET", path))["user"] for path in (ada.home, "/api/auth/me", f"/api/{ada.id}/tasks")}
    assert len(names) == 1
    assert re.fullmatch("[0-9a-f]{16}", *names)
    assert (await line_of(bob, "GET", bob.home))["user"] not in names
    ada.token = "a.b.c"
    assert (await line_of(ada, "GET", ada.home))["user"] is None


async def test_who_asks_too_often_is_named_too(clock: StoppedClock) -> None:
    async with running(memory_container(clock, rate_limit="on")) as service:
        ada = await service.sign_up()
        limits = service.app.state.container.abuse_limits()
        for _ in range(REQUESTS.amount):
            await limits.request(UserId(ada.id))
        line = await line_of(ada, "GET", ada.home)
        assert line["status"] == 429
        assert line["user"]


def test_a_pseudonym_is_the_same_wherever_the_secret_is_and_another_elsewhere() -> None:
    user = a_user_id()
    assert Pseudonyms(SECRET).of(user) == Pseudonyms(SECRET).of(user)
    assert Pseudonyms(SECRET).of(user) != Pseudonyms(f"{SECRET}.").of(user)
    one = Pseudonyms(SECRET)
    assert len({one.of(a_user_id()) for _ in range(100)}) == 100


def edge_of(app: ASGIApp) -> tuple[Edge, Tally]:
    container = memory_container()
    return Edge(app, container), container.tally()


async def answered_by(edge: Edge) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await edge({"type": "http", "method": "GET", "path": "/x", "headers": [], "state": {}}, receive, send)
    return sent


async def test_a_client_that_leaves_before_its_answer_is_counted_and_told() -> None:
    async def leave(*_: object) -> None:
        assert tally.in_progress == 1

    edge, tally = edge_of(leave)
    with capture_logs() as lines:
        assert await answered_by(edge) == []
    assert [line["status"] for line in lines] == [499]
    assert list(tally.requests) == [("GET", "none", 499, "")]
    assert tally.in_progress == 0


async def test_a_fault_is_counted_once_and_leaves_nothing_under_way() -> None:
    async def fail(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError

    edge, tally = edge_of(fail)
    with pytest.raises(ValueError):  # noqa: PT011
        await answered_by(edge)
    assert {kind: sum(some.counts) for kind, some in tally.requests.items()} == {("GET", "none", 200, ""): 1}
    assert tally.in_progress == 0
