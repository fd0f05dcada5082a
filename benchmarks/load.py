"""A load generator, in a process of its own: one thread, one epoll, and nothing else on the way of a byte.

`python -m benchmarks.load` reads a `Load` as JSON and writes a `Measured` as JSON. It costs some ten
microseconds of processor a request.
"""

from __future__ import annotations

import gc
import heapq
import json
import random
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import data
from benchmarks.operations import Requests

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 15.0  # seconds, for what is under way at the end
_TOKENS_LAST = 600.0  # seconds; a little less than they do


@dataclass(frozen=True, slots=True)
class Load:
    """What to do for how long.

    Each connection sends its next request when it has its answer, `think` seconds later on average. One that
    is told to come back later does so if it `heeds` that. The first `ramp` seconds are not measured.
    With a number of `requests` it ends when they are answered. With a `path`, that is what is read. `users` is a
    range; their tokens are in the file `tokens`, or else made.
    """

    port: int
    operation: str
    connections: int
    seconds: float
    users: tuple[int, ...]
    first: int = 0
    requests: int = 0
    think: float = 0.0
    heeds: bool = False
    ramp: float = 0.2
    path: str = ""
    tokens: str = ""


@dataclass(slots=True)
class Measured:
    """What became of it. Latencies are in milliseconds, of answers in the 200s only."""

    sent: int = 0
    answered: int = 0
    seconds: float = 0.0
    bytes: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    retry_after: int = 0
    lost: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    worst: float = 0.0
    refused_p95: float = 0.0
    generator: float = 0.0
    timeline: list[tuple[float, float]] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """Answers outside the 200s, and connections that were lost."""
        return self.lost + sum(number for status, number in self.statuses.items() if status[0] != "2")


class Generator:
    """Keeps all connections busy until the time is over."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._begun: dict[int, float] = {}
        self._partial: dict[int, bytes] = {}
        self._buffer = memoryview(bytearray(1 << 18))  # one for all: a new one for each answer costs more than the rest
        self._due: list[tuple[float, int]] = []
        self._good: list[tuple[float, float]] = []
        self._refused: list[float] = []
        self._statuses: Counter[str] = Counter()
        self._random = random.Random(load.first)
        self._result = Measured()

    def run(self) -> Measured:
        """The whole load."""
        load, result = self._load, self._result
        make = self._next = self._made(load.first)
        if load.requests:  # made beforehand, they do not delay each other
            ready = iter([make() for _ in range(load.requests)])
            self._next = lambda: next(ready, b"")
        gc.disable()
        for _ in range(load.connections):
            self._connect()
        began = time.perf_counter()
        self._from, self._until = began + load.ramp, began + load.ramp + load.seconds
        for number in list(self._sockets):
            if load.think:
                heapq.heappush(self._due, (began + self._random.random() * 2 * load.think, number))
            else:
                self._send(number, began)
        processor, renewal = time.process_time(), began + _TOKENS_LAST
        while (now := time.perf_counter()) < self._until and (self._begun or self._due):
            self._turn(now, self._until)
            if now > renewal and not load.requests:
                self._next, renewal = self._made(load.first + result.sent), now + _TOKENS_LAST
        ended = min(now, self._until)
        result.generator = time.process_time() - processor
        while self._begun and (now := time.perf_counter()) < ended + _PATIENCE:
            self._turn(now, ended + _PATIENCE, is_over=True)
        result.lost += len(self._begun)
        for connection in self._sockets.values():
            connection.close()
        self._summarize(ended - self._from)
        return result

    def _made(self, first: int) -> Callable[[], bytes]:
        users, path = range(*self._load.users), self._load.tokens
        tokens = data.read_tokens(Path(path), users) if path else data.tokens(users)
        return Requests(self._load.operation, users, tokens, first, self._load.path).next

    def _connect(self) -> int:
        connection = socket.create_connection(("127.0.0.1", self._load.port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        number = connection.fileno()
        self._sockets[number] = connection
        self._poll.register(number, select.EPOLLIN)
        return number

    def _send(self, number: int, now: float) -> None:
        if request := self._next():
            self._begun[number] = now
            self._sockets[number].send(request)
            self._result.sent += 1

    def _turn(self, now: float, until: float, *, is_over: bool = False) -> None:
        wait = until - now
        if self._due and not is_over:
            wait = min(wait, self._due[0][0] - now)
        for number, _ in self._poll.poll(max(wait, 0.0)):
            self._hear(number, is_over=is_over)
        if is_over:
            return
        now = time.perf_counter()
        while self._due and self._due[0][0] <= now:
            self._send(heapq.heappop(self._due)[1], now)

    def _hear(self, number: int, *, is_over: bool) -> None:
        try:
            got = bytes(self._buffer[: self._sockets[number].recv_into(self._buffer)])
        except OSError:
            got = b""
        now, answer = time.perf_counter(), self._partial.pop(number, b"") + got
        if not got:
            self._lose(number, now, is_over=is_over)
        elif (head := _end_of_head(answer)) < 0:
            self._partial[number] = answer
        else:
            taken, status = now - self._begun.pop(number), answer[9:12]
            if now >= self._from and not is_over:
                self._count(status, now, taken, len(answer))
            pause = self._load.think and self._load.think * (0.5 + self._random.random())
            if status == b"503" and (after := answer.find(b"retry-after: ", 0, head)) > 0:
                self._result.retry_after += 1
                if self._load.heeds:
                    pause = float(answer[after + 13 : answer.find(b"\r\n", after)]) * (1 + self._random.random())
            if pause:
                heapq.heappush(self._due, (now + pause, number))
            elif not is_over:
                self._send(number, now)

    def _count(self, status: bytes, now: float, taken: float, size: int) -> None:
        self._result.bytes += size
        if status[:1] == b"2":
            self._good.append((now, taken))
        else:
            self._refused.append(taken)
        self._statuses[status.decode()] += 1

    def _lose(self, number: int, now: float, *, is_over: bool) -> None:
        """The server has hung up: in the midst of an answer it is an error, else its right."""
        self._poll.unregister(number)
        self._sockets.pop(number).close()
        if self._begun.pop(number, None) is not None:
            self._result.lost += 1
            if not is_over:
                self._send(self._connect(), now)

    def _summarize(self, seconds: float) -> None:
        result = self._result
        result.seconds = seconds
        result.answered = len(self._good) + len(self._refused)
        result.statuses = dict(self._statuses)
        times = sorted(1000 * taken for _, taken in self._good)
        result.p50, result.p95, result.p99 = (percentile(times, share) for share in (0.5, 0.95, 0.99))
        result.worst = times[-1] if times else 0.0
        result.refused_p95 = percentile(sorted(1000 * taken for taken in self._refused), 0.95)
        if seconds > 60:
            by_part: dict[int, list[float]] = {}
            for at, taken in self._good:
                by_part.setdefault(int((at - self._from) // 10), []).append(1000 * taken)
            result.timeline = [(10.0 * part, percentile(sorted(by_part[part]), 0.95)) for part in sorted(by_part)]


def _end_of_head(answer: bytes) -> int:
    """Where the head of a complete answer ends; -1 if something is missing."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return -1
    place = answer.find(b"content-length: ", 0, head)
    if place < 0:
        raise SystemExit(f"An answer without length: {answer[:head]!r}")
    length = int(answer[place + 16 : answer.find(b"\r\n", place)])
    return head if len(answer) >= head + 4 + length else -1


def percentile(times: list[float], share: float) -> float:
    """Of sorted times the one that this share of them does not exceed."""
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


def main() -> None:
    """Carry out the load that standard input describes."""
    told = json.loads(sys.stdin.read())
    measured = Generator(Load(**told)).run()
    json.dump({**asdict(measured), "errors": measured.errors}, sys.stdout)


if __name__ == "__main__":
    main()
