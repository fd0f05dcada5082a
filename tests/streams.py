"""A server on a real socket, because streams need one, and readers of its streams."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from tests.builders import an_email
from todo.entrypoints.http.app import create_app
from todo.entrypoints.server import Server as OurServer
from todo.entrypoints.server import configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp

    from todo.entrypoints.container import Container

SOON = 20.0
"""Seconds after which what should have come never will."""


class Event(NamedTuple):
    """One event of a stream; a comment has no name, and its text as data."""

    name: str
    id: str
    data: Any


class Stream:
    """A stream that is open."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> Event | None:
        """The next event or comment; None at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(SOON):
            async for line in self._lines:
                if not line:
                    data = fields.get("data")
                    return Event(
                        fields.get("event", ""), fields.get("id", ""), json.loads(data) if data else fields.get("", "")
                    )
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
        return None

    async def news(self) -> Event | None:
        """The next event; None at the end of the stream."""
        async with asyncio.timeout(SOON):
            while (event := await self.next()) and not event.name:
                pass
        return event

    async def changes(self, count: int) -> list[Any]:
        """As many changes."""
        events = [await self.news() for _ in range(count)]
        assert all(event and event.name == "task" and event.id == str(event.data["revision"]) for event in events), (
            events
        )
        return [event.data for event in events if event]


class Client:
    """A person who is logged in at a server."""

    def __init__(self, url: str, signed_in: dict[str, Any]) -> None:
        self.id: str = signed_in["user"]["id"]
        self.token: str = signed_in["access_token"]
        self._elsewhere: list[Client] = []
        limits = httpx.Limits(max_connections=None)
        headers = {"Authorization": f"Bearer {self.token}"}
        self.http = httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=SOON, trust_env=False)

    def at(self, url: str) -> Client:
        """The same person at another server."""
        other = Client(url, {"user": {"id": self.id}, "access_token": self.token})
        self._elsewhere.append(other)
        return other

    async def close(self) -> None:
        """Hang up, everywhere."""
        await self.http.aclose()
        for other in self._elsewhere:
            await other.close()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of an answer, which must not be a refusal."""
        answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def add(self, title: str = "Buy milk") -> Any:
        return await self.ask("POST", "/api/tasks", {"title": title})

    @asynccontextmanager
    async def stream(self, since: object = None, last: object = None) -> AsyncIterator[Stream]:
        """A stream that has begun."""
        parameters = {} if since is None else {"since": str(since)}
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        async with self.http.stream("GET", "/api/tasks/events", params=parameters, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            stream = Stream(answer)
            assert await stream.next() == Event("", "", "ping")
            yield stream


class Server:
    """The service on a port of its own."""

    def __init__(self, url: str, server: OurServer, container: Container) -> None:
        self.url = url
        self.container = container
        self._server = server
        self._clients: list[Client] = []

    async def sign_up(self) -> Client:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            body = {"email": an_email(), "password": "correct horse battery"}
            answer = await http.post("/api/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        client = Client(self.url, answer.json())
        self._clients.append(client)
        return client

    async def hang_up(self) -> None:
        """Close what the people of this server have open."""
        for client in self._clients:
            await client.close()

    def stop(self) -> None:
        """Tell it to stop, as SIGTERM does."""
        self._server.retire(gives_notice=False)


@asynccontextmanager
async def serving(
    container: Container, around: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> AsyncIterator[Server]:
    """The service on these parts, on a free port of this machine; `around` may put something in front of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = OurServer(configured(around(create_app(container))), 10, lambda: None)
        running = asyncio.create_task(server._serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
            assert not running.done()
        served = Server(f"http://127.0.0.1:{listener.getsockname()[1]}", server, container)
        try:
            yield served
        finally:
            await served.hang_up()
            server.retire(gives_notice=False)
            await running
