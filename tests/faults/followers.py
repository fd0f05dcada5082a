"""A replica that follows the feed by its cursor, whatever happens in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping


class MayStop(Protocol):
    """What tells when to stop."""

    @property
    def is_stopping(self) -> bool:
        """Whether nothing is written any more."""


class Follower:
    """Keeps a copy of a person's tasks by `GET /api/tasks/changes`, as docs/sync.md says."""

    def __init__(self, http: httpx.AsyncClient, headers: Mapping[str, str]) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.flaws: list[str] = []
        self.parts = 0
        self.restarts = 0
        self._http = http
        self._headers = headers
        self._cursor: str | None = None
        self._last = 0

    async def follow(self, load: MayStop) -> None:
        """Go on until the writers have stopped and everything was read."""
        while not load.is_stopping:
            await self._read()
            await asyncio.sleep(0.03)

    async def catch_up(self) -> None:
        """Read to the end."""
        while not await self._read():
            pass

    async def _read(self) -> bool:
        """Read one part; whether it was the last for now."""
        since = {"since": self._cursor} if self._cursor else {}
        try:
            answer = await self._http.get("/api/tasks/changes", params=since, headers=self._headers)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
            return False
        if answer.status_code == 410:
            self._cursor, self._last = None, 0
            self.tasks.clear()
            self.restarts += 1
            return False
        if answer.status_code != 200:
            if answer.status_code not in (401, 503):  # a token may have expired, and its owner is about to log in
                self.flaws.append(f"the feed answers {answer.status_code} {answer.text}")
            await asyncio.sleep(0.05)
            return False
        part = answer.json()
        self.parts += 1
        for change in part["changes"]:
            if change["revision"] <= self._last:
                self.flaws.append(f"the feed goes back from {self._last} to {change['revision']}")
            self._last = change["revision"]
            if change.get("deleted"):
                self.tasks.pop(change["id"], None)
            else:
                self.tasks[change["id"]] = change
        self._cursor = part["cursor"]
        return not part["has_more"]
