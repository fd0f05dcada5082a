"""Clients that do things to one task at once, through HTTP, and write down when they asked what, and the answer."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from tests.builders import a_task_id, an_email
from tests.http.service import PASSWORD
from tests.linearizability.checker import Operation
from tests.linearizability.task_model import READS, Asked, View

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

PATIENCE = 60.0
KINDS = {
    "create": 3,
    "get": 6,
    "list": 3,
    "stats": 1,
    "trash": 1,
    "changes": 2,
    "change": 8,
    "put": 2,
    "complete": 2,
    "reopen": 1,
    "toggle": 2,
    "batch": 2,
    "delete": 1,
    "restore": 4,
    "purge": 1,
}
"""How often each is done."""
_ROUTES = {
    "create": ("POST", "/api/tasks"),
    "get": ("GET", "/api/tasks/{}"),
    "list": ("GET", "/api/tasks"),
    "stats": ("GET", "/api/tasks/stats"),
    "trash": ("GET", "/api/trash"),
    "changes": ("GET", "/api/tasks/changes"),
    "change": ("PATCH", "/api/tasks/{}"),
    "put": ("PUT", "/api/tasks/{}"),
    "complete": ("POST", "/api/tasks/{}/complete"),
    "reopen": ("POST", "/api/tasks/{}/reopen"),
    "toggle": ("PATCH", "/api/tasks/{}/complete"),
    "batch": ("POST", "/api/tasks/batch"),
    "delete": ("DELETE", "/api/tasks/{}"),
    "restore": ("POST", "/api/trash/{}/restore"),
    "purge": ("DELETE", "/api/trash/{}"),
}
IMPATIENCE = 0.04
"""How many of the writes are given up by their client while they are under way."""


async def sign_up(url: str) -> str:
    """The access token of a new user."""
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http:
        body = {"email": an_email(), "password": PASSWORD}
        answer = await http.post("/api/auth/register", json=body)
    token: str = answer.raise_for_status().json()["access_token"]
    return token


async def history(
    urls: Sequence[str], token: str, *, seed: int, clients: int, operations: int
) -> list[Operation[Asked]]:
    """What so many clients, spread over these services, did to one task of a new user, and what they were told."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    task = str(a_task_id())
    writers = [
        _Client(number, urls[number % len(urls)], token, task, chance.getrandbits(64)) for number in range(clients)
    ]
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.go_on(operations))
    return [operation for writer in writers for operation in writer.done]


class _Client:
    def __init__(self, number: int, url: str, token: str, task: str, seed: int) -> None:
        self.done: list[Operation[Asked]] = []
        self._number = number
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._task = task
        self._chance = random.Random(seed)  # noqa: S311
        self._seen: int | None = None

    async def go_on(self, operations: int) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=PATIENCE, trust_env=False) as http:
            for count in range(operations):
                kind = self._chance.choices(list(KINDS), list(KINDS.values()))[0]
                await self._do(http, self._asked(kind, f"{self._number}.{count}"))

    def _asked(self, kind: str, text: str) -> Asked:
        seen = None
        if kind in ("change", "put", "delete", "restore", "complete", "batch") and self._chance.random() < 0.5:
            seen = self._seen
        match kind:
            case "create":
                return Asked(kind, (("title", text),))
            case "change" | "put":
                names = self._chance.choice((("title",), ("description",), ("title", "description")))
                return Asked(kind, tuple((name, text) for name in names), seen)
            case "batch":
                return Asked(kind, (("title", text), ("description", text)), seen)
            case "complete" | "reopen":
                return Asked(kind, (("completed", kind == "complete"),), seen)
            case _:
                return Asked(kind, (), seen)

    async def _do(self, http: httpx.AsyncClient, asked: Asked) -> None:
        method, path, body = self._request(asked)
        headers = dict(self._headers)
        if asked.seen is not None and asked.kind != "batch":
            headers["If-Match"] = f'"{asked.seen}"'
        has_key = method == "POST" and self._chance.random() < 0.3
        if has_key:
            headers["Idempotency-Key"] = uuid4().hex
        limit = None
        if asked.kind not in READS and self._chance.random() < IMPATIENCE:
            limit = self._chance.random() * 0.01
        invoked = time.monotonic()
        while True:
            try:
                async with asyncio.timeout(limit):
                    answer = await http.request(method, path, json=body, headers=headers)
            except (TimeoutError, httpx.TransportError):
                answer = None
            known = answer is not None and answer.status_code != 503
            if known or not has_key:
                break
            limit = None
        returned = time.monotonic()
        if answer is None or not known:
            if asked.kind not in READS:
                self.done.append(Operation(self._number, asked, invoked))
            return
        told = replace(asked, status=answer.status_code, shown=self._shown(asked.kind, answer))
        self.done.append(Operation(self._number, told, invoked, returned))

    def _request(self, asked: Asked) -> tuple[str, str, Any]:
        fields = dict(asked.fields)
        body: Any = fields if asked.kind in ("change", "put") else None
        if asked.kind == "create":
            body = {"id": self._task, **fields}
        if asked.kind == "batch":
            seen = {} if asked.seen is None else {"if_revision": asked.seen}
            parts = [{"op": "update", "id": self._task, "task": {name: value}} for name, value in fields.items()]
            body = {"operations": [{**parts[0], **seen}, *parts[1:]]}
        method, path = _ROUTES[asked.kind]
        return method, path.format(self._task), body

    def _shown(self, kind: str, answer: httpx.Response) -> Hashable:
        """What the answer shows, in the words of the model."""
        if answer.status_code == 412:
            return self._view(answer.json()["current"])
        if not answer.is_success or not answer.content:
            return None
        body = answer.json()
        match kind:
            case "list" | "trash":
                assert body["total"] == len(body["tasks"])
                return self._view(body["tasks"][0]) if body["tasks"] else None
            case "stats":
                return body["open"], body["completed"]
            case "changes":
                changed = body["changes"][0] if body["changes"] else None
                is_removed = bool(changed and changed.get("deleted"))
                view = self._view(changed) if changed and not is_removed else None
                return int(body["cursor"].partition("-")[0]), view, is_removed
            case "batch":
                return self._view(body["results"][-1])
            case _:
                return self._view(body)

    def _view(self, task: dict[str, Any]) -> View:
        self._seen = task["revision"]
        return View(task["title"], task["description"], task["completed"], task["revision"])
