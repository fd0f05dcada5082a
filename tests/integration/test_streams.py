"""Streams over real sockets, and the feed under writers, on PostgreSQL, with one worker and with two."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from dependency_injector import providers

from tests.builders import StoppedClock
from tests.containers import memory_container, postgres_container
from tests.streams import SOON, Client, Server, serving
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.store import PostgresStore
from todo.application.feed import FeedService
from todo.domain.values import UserId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    from asyncpg import Record

WRITERS = 8
STREAMS = 200


@pytest.fixture(scope="module")
async def server(database_url: str) -> AsyncIterator[Server]:
    async with serving(postgres_container(database_url)) as server:
        yield server


@pytest.fixture(scope="module")
async def worker(database_url: str) -> AsyncIterator[Server]:
    """Another process on the same database, as far as either can tell."""
    async with serving(postgres_container(database_url)) as server:
        yield server


@pytest.fixture(scope="module")
async def deaf_worker(database_url: str) -> AsyncIterator[Server]:
    """One behind a pooler that does not let it listen."""
    database = Database(database_url, pooler="transaction")
    store: providers.Provider[Any] = providers.Object(PostgresStore(database))
    container = postgres_container(database_url)
    container.store.override(store)
    async with serving(container) as server:
        yield server


@pytest.fixture
async def ada(server: Server) -> Client:
    return await server.sign_up()


async def listed(person: Client) -> dict[str, Any]:
    return {task["id"]: task for task in (await person.ask("GET", "/api/tasks"))["tasks"]}


def take(replica: dict[str, Any], changes: list[Any]) -> None:
    for change in changes:
        if change.get("deleted"):
            replica.pop(change["id"], None)
        else:
            replica[change["id"]] = change


async def write_much(person: Client, number: int) -> None:
    """All that can happen to tasks."""
    choose = random.Random(number)  # noqa: S311
    for _ in range(4):
        task = await person.add(f"task of {number}")
        await person.ask("PATCH", f"/api/tasks/{task['id']}", {"priority": choose.choice(["low", "high"])})
        other = await person.add("for the batch")
        operations = [
            {"op": "create", "task": {"title": "from a batch"}},
            {"op": "complete", "id": other["id"]},
            {"op": "delete", "id": task["id"]},
        ]
        await person.ask("POST", "/api/tasks/batch", {"operations": operations})
        if choose.random() < 0.5:
            await person.ask("POST", f"/api/trash/{task['id']}/restore")


class TestFeed:
    async def test_a_polling_replica_equals_the_list_in_the_end(self, ada: Client, worker: Server) -> None:
        writing = asyncio.gather(
            *(write_much(person, n) for n in range(WRITERS // 2) for person in (ada, ada.at(worker.url)))
        )
        replica: dict[str, Any] = {}
        revisions: list[int] = []
        cursor, is_last = "0", False
        while not is_last:
            is_last = writing.done()
            part = await ada.ask("GET", f"/api/tasks/changes?since={cursor}&limit=3")
            is_last = is_last and not part["has_more"]
            take(replica, part["changes"])
            revisions += [change["revision"] for change in part["changes"]]
            cursor = part["cursor"]
        await writing
        assert replica == await listed(ada)
        assert revisions == sorted(set(revisions))


class TestStream:
    async def test_it_tells_what_changes_from_now_on(self, ada: Client) -> None:
        await ada.add("before")
        async with ada.stream() as stream:
            assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
            assert stream.answer.headers["Cache-Control"] == "no-store"
            task = await ada.add()
            assert await stream.changes(1) == [task]
            await ada.ask("DELETE", f"/api/tasks/{task['id']}")
            assert await stream.changes(1) == [{"id": task["id"], "revision": 3, "deleted": True}]

    async def test_it_begins_where_it_is_told(self, ada: Client) -> None:
        tasks = [await ada.add() for _ in range(3)]
        async with ada.stream(since=0) as stream:
            assert await stream.changes(3) == tasks
        async with ada.stream(since=2) as stream:
            assert await stream.changes(1) == tasks[2:]
        async with ada.stream(since=0, last=1) as stream:
            assert await stream.changes(2) == tasks[1:]

    async def test_it_tells_more_than_one_part_can_hold(self, ada: Client) -> None:
        operations = [{"op": "create", "task": {"title": str(number)}} for number in range(100)]
        for _ in range(3):
            await ada.ask("POST", "/api/tasks/batch", {"operations": operations})
        async with ada.stream(since=0) as stream:
            assert [task["revision"] for task in await stream.changes(300)] == list(range(1, 301))

    async def test_cut_and_resumed_at_random_it_loses_and_repeats_nothing(self, ada: Client, worker: Server) -> None:
        choose = random.Random(4)  # noqa: S311
        clients = [ada, ada.at(worker.url)]
        replica: dict[str, Any] = {}
        last, is_over = 0, False

        async def write() -> None:
            await asyncio.gather(*(write_much(clients[number % 2], number) for number in range(WRITERS)))
            await ada.add("the end")

        writing = asyncio.create_task(write())
        while not is_over:
            async with choose.choice(clients).stream(last=last) as stream:
                for _ in range(choose.randint(1, 6)):
                    (change,) = await stream.changes(1)
                    assert change["revision"] > last
                    last = change["revision"]
                    take(replica, [change])
                    if is_over := change.get("title") == "the end":
                        break
        await writing
        assert replica == await listed(ada)

    async def test_too_old_a_place_is_answered_with_resync(self, ada: Client) -> None:
        task = await ada.add()
        await ada.ask("DELETE", f"/api/tasks/{task['id']}")
        await ada.ask("DELETE", "/api/trash")
        for since in (1, 1000):
            async with ada.stream(since=since) as stream:
                assert await stream.news() == ("resync", (await ada.ask("GET", "/api/tasks/changes"))["cursor"], {})
                task = await ada.add()
                assert await stream.changes(1) == [task]

    async def test_it_hears_of_writes_in_another_process(
        self, ada: Client, worker: Server, deaf_worker: Server
    ) -> None:
        async with ada.at(worker.url).stream() as there, ada.at(deaf_worker.url).stream() as deaf:
            for _ in range(2):
                task = await ada.add()
                assert await there.changes(1) == [task]
                assert await deaf.changes(1) == [task]

    async def test_it_outlives_the_loss_of_the_listening_connection(
        self, ada: Client, worker: Server, admin: asyncpg.Connection[Record]
    ) -> None:
        async with ada.at(worker.url).stream() as stream:
            task = await ada.add()
            assert await stream.changes(1) == [task]
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()"
            )
            task = await ada.add()
            assert await stream.changes(1) == [task]

    async def test_strangers_changes_do_not_show(self, ada: Client, server: Server) -> None:
        bob = await server.sign_up()
        async with ada.stream() as stream:
            await bob.add()
            task = await ada.add()
            assert await stream.changes(1) == [task]

    async def test_a_slow_reader_holds_nobody_up(self, ada: Client) -> None:
        async with ada.stream(), ada.stream() as quick:
            description = "x" * 10_000
            for _ in range(8):  # far more than the buffers of a connection hold
                operations = [{"op": "create", "task": {"title": "a", "description": description}} for _ in range(90)]
                await ada.ask("POST", "/api/tasks/batch", {"operations": operations})
                assert len(await quick.changes(90)) == 90


class TestEnd:
    async def test_it_ends_when_the_account_is_deleted(self, ada: Client, worker: Server) -> None:
        async with ada.stream() as here, ada.at(worker.url).stream() as there:
            answer = await ada.http.request("DELETE", "/api/auth/me", json={"password": "correct horse battery"})
            assert answer.status_code == 204
            assert await here.news() is None
            assert await there.news() is None

    async def test_it_ends_when_the_account_is_disabled(
        self, ada: Client, worker: Server, admin: asyncpg.Connection[Record]
    ) -> None:
        async with ada.at(worker.url).stream() as there:
            # behind the service's back: only looking can tell
            await admin.execute("UPDATE users SET disabled_at = now() WHERE id = $1", ada.id)
            assert await there.news() is None

    async def test_it_ends_when_the_token_does(self) -> None:
        clock = StoppedClock()
        container = memory_container(clock)
        async with serving(container) as server:
            ada = await server.sign_up()
            async with ada.stream() as stream:
                clock.go_on(minutes=14)
                task = await ada.add()
                assert await stream.changes(1) == [task]
                clock.go_on(minutes=2)
                async with container.store().unit_of_work(UserId(ada.id)) as work:
                    await work.commit()
                assert await stream.news() is None

    async def test_it_ends_when_the_server_stops(self, database_url: str) -> None:
        async with serving(postgres_container(database_url)) as server:
            ada = await server.sign_up()
            async with ada.stream() as first, ada.stream() as second:
                begun = time.monotonic()
                server.stop()
                assert await first.news() is None
                assert await second.news() is None
                assert time.monotonic() - begun < 5


class TestManyStreams:
    async def test_a_quiet_stream_gives_signs_of_life(self) -> None:
        container = memory_container()
        container.feed_service.override(providers.Singleton(FeedService, container.store, container.clock, pulse=0.05))
        async with serving(container) as server, (await server.sign_up()).stream() as stream:
            for _ in range(3):
                event = await stream.next()
                assert event == ("", "", "ping")

    async def test_waiting_holds_no_connection_to_the_database(
        self, database_url: str, admin: asyncpg.Connection[Record]
    ) -> None:
        marked = f"{database_url}{'&' if '?' in database_url else '?'}application_name=many_streams"
        async with serving(postgres_container(marked)) as server, AsyncExitStack() as streams:
            people = [await server.sign_up() for _ in range(4)]
            opened = [await streams.enter_async_context(people[number % 4].stream()) for number in range(STREAMS)]
            count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'many_streams'"
            # the pool has eight, and one listens
            assert await admin.fetchval(count) <= 9
            assert await admin.fetchval(f"{count} AND state <> 'idle'") == 0
            for person in people:
                task = await person.add()
                told = await asyncio.gather(*(stream.changes(1) for stream in opened[people.index(person) :: 4]))
                assert told == [[task]] * (STREAMS // 4)
            async with asyncio.timeout(SOON):
                await asyncio.gather(*(people[0].ask("GET", "/api/tasks") for _ in range(20)))
