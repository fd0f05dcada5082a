"""The example of an offline replica, against the real service."""

from __future__ import annotations

import asyncio
import importlib.util
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.containers import postgres_container
from tests.streams import Client, Server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

EXAMPLE = Path(__file__).parents[2] / "examples" / "offline_replica.py"


@pytest.fixture(scope="module")
def example() -> Any:
    spec = importlib.util.spec_from_file_location("offline_replica", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
async def server(database_url: str) -> AsyncIterator[Server]:
    async with serving(postgres_container(database_url)) as server:
        yield server


@pytest.fixture
def replica_of(example: Any) -> Iterator[Callable[[Client], Any]]:
    with ExitStack() as opened:

        def make(person: Client) -> Any:
            headers = {"Authorization": f"Bearer {person.token}"}
            http = httpx.Client(base_url=person.http.base_url, headers=headers, trust_env=False, timeout=20)
            return example.Replica(opened.enter_context(http))

        yield make


@contextmanager
def losing_the_answer(replica: Any) -> Iterator[None]:
    """What is posted arrives, and its answer does not."""
    post = replica.http.post

    def lose(*arguments: Any, **options: Any) -> httpx.Response:
        post(*arguments, **options)
        raise httpx.ReadError("the line is down")

    replica.http.post = lose
    try:
        yield
    finally:
        replica.http.post = post


async def test_two_replicas_agree_in_the_end(replica_of: Callable[[Client], Any], server: Server) -> None:
    ada = await server.sign_up()
    kept, gone = await ada.add("kept"), await ada.add("gone")
    first, second = replica_of(ada), replica_of(ada)
    for replica in (first, second):
        await asyncio.to_thread(replica.pull)
    # nobody is connected
    new = first.create(title="new", tags=["home"])
    first.edit(kept["id"], title="ours")
    second.edit(kept["id"], title="theirs", priority="high")
    second.remove(gone["id"])
    first.edit(gone["id"], title="in vain")
    assert first.tasks[new]["title"] == "new"
    await asyncio.to_thread(second.push)
    await asyncio.to_thread(first.push)
    for replica in (first, second):
        await asyncio.to_thread(replica.pull)
    listed = {task["id"]: task for task in (await ada.ask("GET", "/api/tasks"))["tasks"]}
    assert first.tasks == second.tasks == listed
    assert listed.keys() == {new, kept["id"]}
    assert (listed[kept["id"]]["title"], listed[kept["id"]]["priority"]) == ("ours", "high")


async def test_a_push_whose_answer_was_lost_is_repeated_once(
    replica_of: Callable[[Client], Any], server: Server
) -> None:
    ada = await server.sign_up()
    replica = replica_of(ada)
    replica.create(title="once")
    with pytest.raises(httpx.ReadError), losing_the_answer(replica):
        await asyncio.to_thread(replica.push)
    await asyncio.to_thread(replica.push)
    assert [task["revision"] for task in replica.tasks.values()] == [1]
    assert (await ada.ask("GET", "/api/tasks"))["total"] == 1


async def test_an_edit_made_before_the_repeat_is_sent_after_it(
    replica_of: Callable[[Client], Any], server: Server
) -> None:
    ada = await server.sign_up()
    replica = replica_of(ada)
    edited, removed = replica.create(title="sent"), replica.create(title="sent too")
    with pytest.raises(httpx.ReadError), losing_the_answer(replica):
        await asyncio.to_thread(replica.push)
    replica.edit(edited, title="edited while waiting")
    replica.remove(removed)
    await asyncio.to_thread(replica.push)
    listed = (await ada.ask("GET", "/api/tasks"))["tasks"]
    assert [(task["id"], task["title"]) for task in listed] == [(edited, "edited while waiting")]
    assert replica.tasks == {task["id"]: task for task in listed}


async def test_a_refused_edit_can_be_mended(replica_of: Callable[[Client], Any], server: Server) -> None:
    ada = await server.sign_up()
    replica = replica_of(ada)
    task = replica.create(title="")
    replica.create(title="fine")
    with pytest.raises(httpx.HTTPStatusError):
        await asyncio.to_thread(replica.push)
    replica.edit(task, title="mended")
    await asyncio.to_thread(replica.push)
    assert {task["title"] for task in (await ada.ask("GET", "/api/tasks"))["tasks"]} == {"mended", "fine"}


async def test_it_follows_the_stream_and_starts_over_when_too_old(
    replica_of: Callable[[Client], Any], server: Server
) -> None:
    ada = await server.sign_up()
    task = await ada.add()
    replica = replica_of(ada)
    await asyncio.to_thread(replica.pull)
    await ada.ask("DELETE", f"/api/tasks/{task['id']}")
    await ada.ask("DELETE", "/api/trash")
    other = await ada.add("after")
    following = replica.follow()
    last = asyncio.create_task(asyncio.to_thread(next, following))
    while replica.tasks != {other["id"]: other}:  # noqa: ASYNC110 - it happens in another thread
        await asyncio.sleep(0.01)
    newest = await ada.add("newest")
    assert await last == newest
    assert replica.tasks == {other["id"]: other, newest["id"]: newest}
    await asyncio.to_thread(following.close)
