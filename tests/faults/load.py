"""Clients that write without pause and remember, for each write, what they were told about it."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from tests.builders import a_task_id, an_email
from tests.faults.followers import Follower
from tests.faults.processes import PATIENCE
from tests.http.service import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Mapping

PRIORITIES = ("none", "low", "medium", "high", "urgent")
CLIENTS = 4
"""How many write at the same time for one person."""


class Outcome(Enum):
    """What a client was told."""

    KEPT = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FAULT = "a fault"


@dataclass(slots=True)
class Write:
    """One write: what it would do, and what became of it as far as its client knows."""

    effects: tuple[tuple[str, str], ...]
    begun: float = field(default_factory=time.monotonic)
    outcome: Outcome = Outcome.UNKNOWN
    shown: list[dict[str, Any]] = field(default_factory=list)
    """The tasks of the answer, in the order of the effects."""
    told: str = ""
    ended: float = 0.0
    tries: int = 0


class Person:
    """Somebody with an account, all of whose writes are recorded."""

    def __init__(self, signed_in: Mapping[str, Any]) -> None:
        self.id: str = signed_in["user"]["id"]
        self._email: str = signed_in["user"]["email"]
        self.headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
        self.writes: list[Write] = []
        self.stale_reads: list[str] = []

    async def log_in(self, http: httpx.AsyncClient) -> None:
        """Get another token, for all that is sent from now on."""
        body = {"email": self._email, "password": PASSWORD}
        answer = (await http.post("/api/auth/login", json=body)).raise_for_status()
        self.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


class Load:
    """Several people, each with several clients that write for them; and one that follows the feed by its cursor."""

    def __init__(self, url: str, *, seed: int, people: int = 2) -> None:
        self.url = url
        self.people: list[Person] = []
        self.followers: list[Follower] = []
        self.is_stopping = False
        self.failures = 0
        """Attempts to write that were not acknowledged."""
        self._count = people
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self.http = httpx.AsyncClient(base_url=url, limits=limits, timeout=PATIENCE, trust_env=False)
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Load:
        for _ in range(self._count):
            body = {"email": an_email(), "password": PASSWORD}
            answer = await self.http.post("/api/auth/register", json=body)
            assert answer.status_code == 201, answer.text
            person = Person(answer.json())
            self.people.append(person)
            follower = Follower(self.http, person.headers)
            self.followers.append(follower)
            self._running.append(asyncio.create_task(follower.follow(self)))
            for _ in range(CLIENTS):
                client = Client(self, person, self._chance.getrandbits(64))
                self._running.append(asyncio.create_task(client.go_on()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.http.aclose()

    async def progress(self, count: int) -> float:
        """Return when as many writes that begin from now on are acknowledged. Seconds until the first of them was."""
        begun = time.monotonic()
        seen = {id(person): len(person.writes) for person in self.people}
        async with asyncio.timeout(PATIENCE):
            while True:
                new = [write for person in self.people for write in person.writes[seen[id(person)] :]]
                kept = [write.ended for write in new if write.outcome is Outcome.KEPT and write.begun >= begun]
                if len(kept) >= count:
                    return min(kept) - begun
                self._look_after()
                await asyncio.sleep(0.02)

    async def trouble(self, count: int) -> None:
        """Return when as many attempts to write as this have failed from now on."""
        seen = self.failures
        async with asyncio.timeout(PATIENCE):
            while self.failures < seen + count:
                self._look_after()
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Let everybody finish what they are at, and the followers come to the end of the feed."""
        self.is_stopping = True
        async with asyncio.timeout(2 * PATIENCE):
            await asyncio.gather(*self._running)

    def _look_after(self) -> None:
        for running in self._running:
            if running.done():
                running.result()


class Client:
    """Writes one thing after another, each to tasks that no other client writes to."""

    def __init__(self, load: Load, person: Person, seed: int) -> None:
        self._load = load
        self._http = load.http
        self._person = person
        self._chance = random.Random(seed)  # noqa: S311
        self._open: dict[str, dict[str, Any]] = {}
        self._trash: dict[str, dict[str, Any]] = {}
        self._count = 0
        self._name = uuid4().hex[:12]

    async def go_on(self) -> None:
        kinds = {
            self._create: 4,
            self._change: 6,
            self._complete_or_reopen: 3,
            self._delete: 2,
            self._restore: 1,
            self._purge: 1,
            self._batch: 1,
            self._read: 3,
        }
        while not self._load.is_stopping:
            await self._chance.choices(list(kinds), list(kinds.values()))[0]()

    async def _create(self) -> None:
        title = self._text()
        body: dict[str, Any] = {"title": title, "priority": self._chance.choice(PRIORITIES)}
        body["tags"] = self._chance.sample(["home", "shop", "garden"], self._chance.randint(0, 2))
        way = self._chance.choice(("plain", "id", "key"))
        if way == "id":
            body["id"] = str(a_task_id())
        write = Write((("create", title),))
        await self._send(write, "POST", "/api/tasks", body, key=way == "key", is_repeatable=way != "plain")
        self._remember(write)

    async def _change(self) -> None:
        if not (task := self._some(self._open)):
            return
        text = self._text()
        write = Write((("change", text),))
        body: dict[str, Any] = {"description": text}
        if self._chance.random() < 0.3:
            body["completed"] = self._chance.random() < 0.5
        headers = {"If-Match": f'"{task["revision"]}"'} if self._chance.random() < 0.3 else {}
        method = self._chance.choice(("PATCH", "PATCH", "PUT"))
        await self._send(write, method, f"/api/tasks/{task['id']}", body, headers=headers)
        self._remember(write)

    async def _complete_or_reopen(self) -> None:
        """With a key, so that it is never left open what became of it: it would be open what to do next."""
        if not (task := self._some(self._open)):
            return
        await self._look(task)
        task = self._open.get(task["id"], task)
        verb = "reopen" if task["completed"] else "complete"
        write = Write(((verb, task["id"]),))
        await self._send(write, "POST", f"/api/tasks/{task['id']}/{verb}", key=True, is_repeatable=True)
        self._remember(write)

    async def _delete(self) -> None:
        if not (task := self._some(self._open)):
            return
        del self._open[task["id"]]
        write = Write((("delete", task["id"]),))
        if await self._send(write, "DELETE", f"/api/tasks/{task['id']}"):
            self._trash[task["id"]] = task

    async def _restore(self) -> None:
        if not (task := self._some(self._trash)):
            return
        del self._trash[task["id"]]
        write = Write((("restore", task["id"]),))
        await self._send(write, "POST", f"/api/trash/{task['id']}/restore", key=True, is_repeatable=True)
        self._remember(write)

    async def _purge(self) -> None:
        if len(self._trash) < 2 or not (task := self._some(self._trash)):
            return
        del self._trash[task["id"]]
        await self._send(Write((("purge", task["id"]),)), "DELETE", f"/api/trash/{task['id']}")

    async def _batch(self) -> None:
        """Three writes as one."""
        if not (task := self._some(self._open)):
            return
        texts = [self._text() for _ in range(3)]
        operations = [
            {"op": "create", "task": {"title": texts[0]}},
            {"op": "update", "id": task["id"], "task": {"description": texts[1]}},
            {"op": "create", "task": {"title": texts[2]}},
        ]
        write = Write((("create", texts[0]), ("change", texts[1]), ("create", texts[2])))
        has_key = self._chance.random() < 0.5
        body = {"operations": operations}
        await self._send(write, "POST", "/api/tasks/batch", body, key=has_key, is_repeatable=has_key)
        self._remember(write)

    async def _read(self) -> None:
        if task := self._some(self._open):
            await self._look(task)

    async def _look(self, task: dict[str, Any]) -> None:
        """Read a task. What was acknowledged before must be in it."""
        try:
            answer = await self._http.get(f"/api/tasks/{task['id']}", headers=self._person.headers)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
            return
        if answer.status_code == 200:
            seen = answer.json()
            if seen["revision"] < task["revision"]:
                self._person.stale_reads.append(f"{seen['revision']} after {task['revision']}")
            self._open[task["id"]] = seen
        elif answer.status_code == 404:
            self._person.stale_reads.append(f"no {task['id']}")
        else:
            await asyncio.sleep(0.05)

    async def _send(
        self,
        write: Write,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: bool = False,
        is_repeatable: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> bool:
        """Whether it was acknowledged. What may be repeated safely is repeated until it is answered."""
        head = {**self._person.headers, **(headers or {}), **({"Idempotency-Key": uuid4().hex} if key else {})}
        self._person.writes.append(write)
        may_have_arrived = False
        while True:
            write.tries += 1
            try:
                answer = await self._http.request(method, path, json=body, headers=head)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                outcome, write.told = Outcome.REFUSED, repr(error)
            except httpx.TransportError as error:
                outcome, write.told = Outcome.UNKNOWN, repr(error)
            else:
                outcome, write.told = _outcome(answer), f"{answer.status_code} {answer.text[:200]}"
                if outcome is Outcome.KEPT and answer.content:
                    shown = answer.json()
                    write.shown = shown.get("results", [shown])
                is_repeatable = is_repeatable and answer.status_code == 503
            may_have_arrived |= outcome is Outcome.UNKNOWN
            self._load.failures += outcome is not Outcome.KEPT
            if outcome is Outcome.KEPT or not is_repeatable:
                break
            await asyncio.sleep(0.05)
        if outcome is Outcome.REFUSED and may_have_arrived:
            outcome = Outcome.UNKNOWN
        write.ended, write.outcome = time.monotonic(), outcome
        if outcome is not Outcome.KEPT:
            await asyncio.sleep(0.05)
        return outcome is Outcome.KEPT

    def _remember(self, write: Write) -> None:
        for task in write.shown:
            self._open[task["id"]] = task

    def _some(self, tasks: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
        return tasks[self._chance.choice(list(tasks))] if tasks else None

    def _text(self) -> str:
        self._count += 1
        return f"{self._name} {self._count}"


def _outcome(answer: httpx.Response) -> Outcome:
    if answer.is_success:
        return Outcome.KEPT
    if answer.status_code == 503 and int(answer.headers.get("Retry-After", "0")) > 0:
        return Outcome.UNKNOWN
    return Outcome.REFUSED if answer.is_client_error else Outcome.FAULT
