"""Connections that are cut at the one message that decides: the COMMIT, or a statement that is a transaction by itself.

Whoever is told 503 does not know whether it was kept. The database does; and a repeat with the same id or key
leads to one write, whichever it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from tests.builders import a_task_id, an_email
from tests.faults.audit import flaws_of_state
from tests.faults.processes import PATIENCE
from tests.faults.proxy import Cut, Proxy
from tests.faults.witness import hear

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.conftest import Serve
    from tests.faults.processes import Postgres

pytestmark = pytest.mark.slow


class Request(NamedTuple):
    """A request that writes once, and what it answers when it has been carried out before."""

    method: str
    path: str
    body: Any
    has_key: bool
    again: int


def some_requests(task: str, trashed: str) -> dict[str, Request]:
    """Every way to write, which is one statement or a transaction."""
    own = {"title": "Buy milk", "id": str(a_task_id())}
    two = {"operations": [{"op": "create", "task": own}, {"op": "delete", "id": task}]}
    return {
        "create": Request("POST", "/api/tasks", {"title": "Buy milk"}, has_key=False, again=201),
        "create with an id": Request("POST", "/api/tasks", own, has_key=False, again=200),
        "create with a key": Request("POST", "/api/tasks", {"title": "Buy milk"}, has_key=True, again=201),
        "change": Request("PATCH", f"/api/tasks/{task}", {"description": "Oats"}, has_key=False, again=200),
        "replace": Request("PUT", f"/api/tasks/{task}", {"description": "Oats"}, has_key=False, again=200),
        "complete": Request("POST", f"/api/tasks/{task}/complete", None, has_key=False, again=200),
        "complete with a key": Request("POST", f"/api/tasks/{task}/complete", None, has_key=True, again=200),
        "delete": Request("DELETE", f"/api/tasks/{task}", None, has_key=False, again=404),
        "restore with a key": Request("POST", f"/api/trash/{trashed}/restore", None, has_key=True, again=200),
        "purge": Request("DELETE", f"/api/trash/{trashed}", None, has_key=False, again=404),
        "batch with a key": Request("POST", "/api/tasks/batch", two, has_key=True, again=200),
    }


REQUESTS = list(some_requests("", ""))


@pytest.fixture(scope="module")
async def proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    async with Proxy(postgres.socket).listening() as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def ada(proxy: Proxy, serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who talks to a service behind the proxy."""
    async with (
        serve(proxy.url()) as service,
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE, trust_env=False) as http,
    ):
        body = {"email": an_email(), "password": "correct horse battery"}
        signed_in = (await http.post("/api/auth/register", json=body)).raise_for_status().json()
        http.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
        http.headers["X-Person"] = signed_in["user"]["id"]
        yield http


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("cut", Cut)
async def test_a_cut(postgres: Postgres, proxy: Proxy, ada: httpx.AsyncClient, cut: Cut, name: str) -> None:
    task, trashed = [(await ada.post("/api/tasks", json={"title": "Buy bread"})).json()["id"] for _ in range(2)]
    (await ada.delete(f"/api/tasks/{trashed}")).raise_for_status()
    request = some_requests(task, trashed)[name]
    key = {"Idempotency-Key": str(a_task_id())} if request.has_key else {}
    writes = 2 if name.startswith("batch") else 1

    async def send() -> httpx.Response:
        return await ada.request(request.method, request.path, json=request.body, headers=key)

    async def written() -> int:
        async with postgres.admin() as admin:
            told = await hear(admin, ada.headers["X-Person"])
        assert not list(flaws_of_state(told))
        return len(told.lines)

    before = await written()
    trap = proxy.set_trap(cut)
    answer = await send()
    assert trap.sprung.is_set() or cut is Cut.AFTER
    if cut is Cut.AFTER:
        assert answer.is_success
        await trap.sprung.wait()
    else:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    happened = cut in (Cut.UNANSWERED, Cut.AFTER)
    assert await written() - before == happened * writes

    repeated = await send()
    assert repeated.status_code == request.again if happened else repeated.is_success, repeated.text
    is_twice = happened and name == "create"  # has neither an id nor a key by which it could be known
    assert await written() - before == writes + is_twice
    if request.has_key:
        assert repeated.headers.get("Idempotency-Replayed") == ("true" if happened else None)
    if cut is Cut.AFTER and request.has_key:
        assert repeated.content == answer.content
