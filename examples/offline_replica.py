"""A small offline-first replica of one person's tasks, on the standard library and httpx.

    python examples/offline_replica.py http://127.0.0.1:8000 ACCESS_TOKEN

It pulls what changed, edits while nobody is connected, pushes its edits as one batch that may be repeated,
resolves conflicts field by field, and follows the stream. `docs/sync.md` gives the reason for each rule.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 100
"""Operations that one batch may hold."""


def uuid7() -> str:
    """An id of version 7 (RFC 9562): the time in milliseconds, then chance."""
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    return str(uuid.UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62))


class Replica:
    """Tasks as the service had them (`known`), and the edits on top of them that it does not have yet."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.known: dict[str, dict[str, Any]] = {}
        self.cursor: str | None = None  # where the feed was read to; None before it was
        self.edits: dict[str, dict[str, Any] | None] = {}  # the fields that were set, or None for a removal
        # what was sent, until it is answered: the key, the edits as they were, and the operations made of them
        self.pending: tuple[str, dict[str, dict[str, Any] | None], list[dict[str, Any]]] | None = None

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """What a person sees: the known tasks with the edits on top."""
        shown = {task: {**self.known.get(task, {"id": task}), **(edit or {})} for task, edit in self.edits.items()}
        seen = {**self.known, **shown}
        return {task: fields for task, fields in seen.items() if self.edits.get(task, {}) is not None}

    def create(self, **fields: Any) -> str:
        """A new task, under an id of our own: sent twice, it is made once."""
        task = uuid7()
        self.edits[task] = fields
        return task

    def edit(self, task: str, **fields: Any) -> None:
        """Set fields, and remember which: only they are sent."""
        self.edits[task] = {**(self.edits.get(task) or {}), **fields}

    def remove(self, task: str) -> None:
        """Put into the trash."""
        self.edits[task] = None

    def pull(self) -> None:
        """Learn what changed since the last time; start over if the service cannot tell any more."""
        while True:
            answer = self.http.get("/api/tasks/changes", params={"since": self.cursor} if self.cursor else {})
            if answer.status_code == 410:
                self.known, self.cursor = {}, None
                continue
            part = answer.raise_for_status().json()
            for change in part["changes"]:
                self.take(change)
            self.cursor = part["cursor"]
            if not part["has_more"]:
                return

    def take(self, change: dict[str, Any]) -> None:
        """One change. An older state than the known one is passed over, so that it may come twice."""
        known = self.known.get(change["id"])
        if known and known["revision"] >= change["revision"]:
            return
        if change.get("deleted"):
            self.known.pop(change["id"], None)
        else:
            self.known[change["id"]] = change

    def push(self) -> None:
        """Send the edits, a hundred as one. Call it again after a lost connection: it repeats the same request."""
        while self.pending or self.edits:
            if self.pending is None:
                sent = dict(list(self.edits.items())[:MOST])
                operations = [one for task in sent if (one := self._operation(task))]
                self.pending = str(uuid.uuid4()), sent, operations
            key, sent, operations = self.pending
            if operations:
                body = {"operations": operations}
                answer = self.http.post("/api/tasks/batch", json=body, headers={"Idempotency-Key": key})
                if answer.is_client_error:
                    self.pending = None  # refused as a whole, and the key was not used up
                if answer.status_code in {404, 409, 412}:
                    self._resolve(operations[answer.json()["index"]], answer.json())
                    continue
                answer.raise_for_status()
                for change in answer.json()["results"]:
                    self.take(change)
                    if change.get("deleted"):
                        self.known.pop(change["id"], None)
            self.pending = None
            for task, edit in sent.items():
                self._settle(task, edit)

    def _operation(self, task: str) -> dict[str, Any] | None:
        known, edit = self.known.get(task), self.edits[task]
        if known is None:
            return {"op": "create", "id": task, "task": edit} if edit and "title" in edit else None
        if edit is None:
            return {"op": "delete", "id": task, "if_revision": known["revision"]}
        return {"op": "update", "id": task, "if_revision": known["revision"], "task": edit}

    def _settle(self, task: str, sent: dict[str, Any] | None) -> None:
        """The service has this edit. What was edited since it was sent is still to be sent."""
        now = self.edits.pop(task)
        if now is None:
            if sent is not None:
                self.edits[task] = None
        elif left := {name: value for name, value in now.items() if sent is None or sent.get(name) != value}:
            self.edits[task] = left

    def _resolve(self, operation: dict[str, Any], problem: dict[str, Any]) -> None:
        """The fields that we did not touch are the service's, those that we did are ours. What was removed stays so."""
        task = operation["id"]
        if problem["code"] == "stale":
            self.known[task] = problem["current"]
            if operation["op"] == "delete":
                del self.edits[task]  # somebody still works on it
        else:
            self.known.pop(task, None)
            del self.edits[task]

    def follow(self) -> Iterator[dict[str, Any]]:
        """Each change as it happens, from where the replica is. Ends with the stream: pull, and follow again."""
        begin = {"since": self.cursor} if self.cursor else {}
        with self.http.stream("GET", "/api/tasks/events", params=begin, timeout=45) as answer:
            answer.raise_for_status()
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                if line:
                    name, _, value = line.partition(":")
                    event[name] = value.removeprefix(" ")
                    continue
                if event.get("event") == "resync":
                    self.known, self.cursor = {}, None
                    self.pull()
                elif event.get("event") == "task":
                    change = json.loads(event["data"])
                    self.take(change)
                    self.cursor = event["id"]
                    yield change
                event = {}


def main() -> None:
    """Show the tasks, and then what happens to them."""
    url, token = sys.argv[1:]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as http:
        replica = Replica(http)
        while True:
            replica.pull()
            for task in replica.tasks.values():
                print("x" if task["completed"] else " ", task["title"])  # noqa: T201
            for change in replica.follow():
                print(change.get("title", "a task was removed"))  # noqa: T201


if __name__ == "__main__":
    main()
