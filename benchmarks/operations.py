"""What is asked of a stack: the requests of each operation, in bytes."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from benchmarks import data

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Make = Callable[["Requests", int], bytes]

OPERATIONS = ("get", "list", "filter", "search", "create", "patch", "complete", "feed", "mix")
WRITES = ("create", "patch", "complete", "mix")
LABELS = {
    "get": "one task",
    "list": "newest 50",
    "filter": "filtered 50",
    "search": "search 50",
    "create": "create",
    "patch": "patch",
    "complete": "complete",
    "feed": "feed, 50 changes",
    "mix": "mixed",
}
PATHS = {
    "list": "/api/tasks?limit=50",
    "filter": "/api/tasks?status=open&tag=work&limit=50",
    "search": "/api/tasks?q=report&limit=50",
    "feed": "/api/tasks/changes?since=400&limit=50",
}
NEW_TASK = (
    '{"title":"Write quarterly report","description":"Collect the figures, ask Alice for the budget, send the draft'
    ' before noon","priority":"high","tags":["work","urgent"],"due":"2027-01-15T09:30:00Z"}'
)
# half of the mix reads one task, a third a list, and a fifth writes
_MIX = ("get",) * 10 + ("list",) * 6 + ("create",) * 2 + ("patch",) * 2


class Requests:
    """Requests of one operation, one after the other, each of another user than those before it.

    That is what many people at work are to a service: the requests that are under way at one time are of
    different users. `first` is how many requests of this operation went before: none is completed twice. No `load`
    has the name of another, so that what one changes the next changes again.
    """

    def __init__(
        self, operation: str, users: Sequence[int], tokens: Sequence[str], first: int = 0, path: str = ""
    ) -> None:
        shuffled = list(zip(users, tokens, strict=True))
        random.Random(len(users)).shuffle(shuffled)
        self._users = shuffled
        self._random = random.Random(first)
        self._number = first
        self.load = f"{time.time_ns():x}"
        self._make = _path(path) if path else _MAKERS[operation]

    def next(self) -> bytes:
        """One more."""
        self._number += 1
        return self._make(self, self._number)

    def user(self, number: int) -> int:
        """Whose turn it is."""
        return self._users[number % len(self._users)][0]

    def request(self, method: str, path: str, number: int, body: str = "") -> bytes:
        """The request in bytes."""
        token = self._users[number % len(self._users)][1]
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n{body}".encode()

    def pick(self, tasks: Sequence[int]) -> int:
        """One of these, at random."""
        return tasks[int(self._random.random() * len(tasks))]

    def nth(self, tasks: Sequence[int], number: int) -> int:
        """One of these, each once before any comes again."""
        return tasks[number // len(self._users) % len(tasks)]


def _live(_: Requests, __: int) -> bytes:
    return b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def _get(requests: Requests, number: int) -> bytes:
    user = requests.user(number)
    return requests.request("GET", f"/api/tasks/{data.task_id(user, requests.pick(range(data.TASKS_EACH)))}", number)


def _path(path: str) -> Make:
    return lambda requests, number: requests.request("GET", path, number)


def _create(requests: Requests, number: int) -> bytes:
    return requests.request("POST", "/api/tasks", number, NEW_TASK)


def _patch(requests: Requests, number: int) -> bytes:
    user = requests.user(number)
    task = data.task_id(user, requests.pick(data.completed_tasks(user)))
    is_done = "true" if number % 2 else "false"
    body = f'{{"title":"Renamed {number} by {requests.load}","completed":{is_done}}}'
    return requests.request("PATCH", f"/api/tasks/{task}", number, body)


def _complete(requests: Requests, number: int) -> bytes:
    user = requests.user(number)
    task = data.task_id(user, requests.nth(data.open_tasks(user), number))
    return requests.request("POST", f"/api/tasks/{task}/complete", number)


def _mix(requests: Requests, number: int) -> bytes:
    return _MAKERS[_MIX[int(requests.pick(range(len(_MIX))))]](requests, number)


_MAKERS: dict[str, Make] = {
    "live": _live,
    "get": _get,
    "create": _create,
    "patch": _patch,
    "complete": _complete,
    "mix": _mix,
    **{name: _path(path) for name, path in PATHS.items()},
}
