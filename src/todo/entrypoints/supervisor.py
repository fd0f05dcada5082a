"""Several processes that serve on one socket, and one that looks after them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

import structlog

from todo.entrypoints.process import listen
from todo.entrypoints.server import BACKLOG, STOP_HARD, STOP_NOW, STOP_SOON, work

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from multiprocessing.context import ForkServerProcess
    from types import FrameType

_HEARD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_YOUNG: Final = 10.0
"""Seconds. When workers end younger than this, their successors wait …"""
_PAUSES: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""… so many seconds: the longer, the more there were in a row."""
_BEGINNING: Final = 60.0
"""Seconds. If one of the first workers gives up by itself before that, the others would as well."""
_GRACE: Final = 2.0
"""Seconds that a worker has beyond its time, before it is killed."""
_REMINDER: Final = 1.0
"""Seconds until a worker is told again: one that has just begun may not have heard."""
_PRELOADED: Final = [
    "todo.entrypoints.container",
    "todo.entrypoints.environment",
    "todo.entrypoints.http.app",
    "todo.entrypoints.logs",
    "todo.entrypoints.server",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
]
"""What is imported once for all workers. Nothing of it runs there: workers share no connection and no dice."""

log = structlog.get_logger("todo.server")


@dataclass(slots=True)
class _Worker:
    process: ForkServerProcess
    begun: float
    is_first: bool


class Supervisor:
    """Keeps `workers` processes serving what the factory makes, until told to stop.

    One that ends is replaced at once; several in a row that end young, ever more slowly. Told to stop, it tells
    the workers, and kills those that have not ended after `seconds` and a little more.
    """

    def __init__(self, factory: str, listener: socket.socket, *, workers: int, seconds: float) -> None:
        self._factory = factory
        self._listener = listener
        self._seconds = seconds
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOADED)
        self._workers: dict[int, _Worker] = {}
        self._due = dict.fromkeys(range(workers), 0.0)
        self._died_young = 0
        self._is_first = True
        self._heard: list[int] = []

    def run(self, announce: Callable[[], None]) -> int:
        """Start the workers, and return the status to exit with when all have ended: 1 if they cannot start.

        `PortError` if the socket cannot be listened on.
        """
        # Whoever believes the announcement and connects at once waits for the workers, and is not refused.
        listen(self._listener, BACKLOG)
        with self._listening() as bell:
            self._replace()
            if not self._workers:
                return 1
            self._is_first = False
            announce()
            status = 0
            while not (self._heard or status):
                due = min(self._due.values(), default=time.monotonic() + 60)
                self._wait(bell, due - time.monotonic())
                status = self._bury()
                if not (self._heard or status):
                    self._replace()
            self._end(bell)
        return status

    def _replace(self) -> None:
        now = time.monotonic()
        for place in [place for place, due in self._due.items() if due <= now]:
            process = self._context.Process(target=work, args=(self._factory, self._listener, self._seconds))
            try:
                with _held_off():
                    process.start()
            except (EOFError, OSError) as error:  # what begets the workers is gone, or there is no room for another
                log.error("worker_not_started", error=type(error).__name__)
                self._due[place] = now + _PAUSES[-1]
            else:
                self._workers[place] = _Worker(process, now, self._is_first)
                del self._due[place]

    def _bury(self) -> int:
        """Make the places of those that have ended due. 1 if the very first of them cannot even start."""
        now = time.monotonic()
        for place, worker in list(self._workers.items()):
            if worker.process.is_alive():
                continue
            del self._workers[place]
            status, age = worker.process.exitcode, now - worker.begun
            if worker.is_first and age < _BEGINNING and status and status > 0:
                return 1
            self._died_young = self._died_young + 1 if age < _YOUNG else 0
            pause = _PAUSES[min(max(0, self._died_young - 1), len(_PAUSES) - 1)]
            self._due[place] = now + pause
            log.warning("worker_ended", pid=worker.process.pid, status=status, successor_in_seconds=pause)
        return 0

    def _end(self, bell: int) -> None:
        """Have all workers end, the sooner the more often it is told to stop."""
        self._listener.close()  # so that connections are refused, not left waiting, once the workers accept no more
        told = STOP_SOON if self._heard and self._heard[0] != signal.SIGINT else STOP_NOW
        deadline = time.monotonic() + self._seconds + _GRACE
        while alive := [worker.process for worker in self._workers.values() if worker.process.is_alive()]:
            if len(self._heard) > 1 and told != STOP_HARD:
                told, deadline = STOP_HARD, min(deadline, time.monotonic() + _GRACE)
            left = deadline - time.monotonic()
            for process in alive:
                if left <= 0:
                    process.kill()
                elif process.pid:
                    with suppress(ProcessLookupError):
                        os.kill(process.pid, told)
            self._wait(bell, min(_REMINDER, max(left, 0.0) or _REMINDER))

    def _wait(self, bell: int, seconds: float) -> None:
        """Until a worker ends, a signal comes, or the time is over."""
        sentinels = [worker.process.sentinel for worker in self._workers.values()]
        if bell in wait([bell, *sentinels], max(0.0, seconds)):
            os.read(bell, 64)

    @contextmanager
    def _listening(self) -> Iterator[int]:
        """Signals are noted, and ring a bell that can be waited for."""
        bell, clapper = os.pipe()
        os.set_blocking(clapper, False)

        def hear(number: int, _: FrameType | None) -> None:
            self._heard.append(number)
            with suppress(BlockingIOError):
                os.write(clapper, b"!")

        # `nohup` wants a terminal that is closed to be ignored.
        heeded = [number for number in _HEARD if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, hear) for number in heeded}
        try:
            yield bell
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(bell)
            os.close(clapper)


@contextmanager
def _held_off() -> Iterator[None]:
    """Signals that reach a whole group of processes wait here, and never reach the process that begets the workers.

    The workers are begotten with them held off, too: `work` lets in what is for them.
    """
    resource_tracker.ensure_running()  # else the first process starts it, and that lets them in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
