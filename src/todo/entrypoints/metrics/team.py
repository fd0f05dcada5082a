"""The processes that serve together: each leaves its numbers where the others find them, so any can answer for all.

A counter in shared memory would cost each request ten times what counting costs; files that are written once a
second cost none of them anything.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import msgspec
import structlog

from todo.entrypoints.metrics.exposition import MetricsServer
from todo.entrypoints.metrics.numbers import Numbers, together
from todo.entrypoints.metrics.reading import numbers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from todo.entrypoints.container import Container
    from todo.entrypoints.settings import Settings

DIRECTORY: Final = "_TODO_NUMBERS"
"""The variable in which `todo serve` tells its workers where; without it, a process is on its own."""
PERIOD: Final = 1.0
"""Seconds between two reports of a process."""
SILENCE: Final = 10.0
"""Seconds after which a process that runs but does not report any more counts as gone."""

log = structlog.get_logger("todo.metrics")


class GatheringError(Exception):
    """The numbers cannot be put together, or not be shown. One sentence that says why."""


class Member:
    """One process of those that serve: the one with these parts."""

    def __init__(self, container: Container) -> None:
        self.container = container
        directory = os.environ.get(DIRECTORY)
        self._file = Path(directory, f"{os.getpid()}-{uuid4().hex}.json") if directory else None
        self._is_heard = True

    async def keep_reporting(self) -> None:
        """Report every second, until cancelled, if there is anyone to report to."""
        while self._file:
            _ = self.report()
            await asyncio.sleep(PERIOD)

    def report(self, *, is_alive: bool = True) -> Numbers:
        """Leave the numbers of this moment where the others find them; they are these."""
        numbers = numbers_of(self.container)
        numbers.is_alive = is_alive
        if not self._file:
            return numbers
        draft = self._file.with_suffix(".new")
        try:
            draft.write_bytes(msgspec.json.encode(numbers))
            draft.replace(self._file)
        except OSError as error:
            if self._is_heard:
                log.warning("numbers_not_reported", error=type(error).__name__)
            self._is_heard = False
        else:
            self._is_heard = True
        return numbers

    def leave(self) -> None:
        """Report for the last time."""
        _ = self.report(is_alive=False)

    def numbers_of_all(self) -> Numbers:
        """What all of them have to tell together.

        What is told once is told again by the others, even if this process is killed now: it reports first.
        """
        own = self.report()
        others = _reported(self._file.parent, but=self._file) if self._file else ()
        return together([own, *others])


@contextmanager
def numbers_gathered(settings: Settings) -> Iterator[int | None]:
    """Where the processes that are started in the block meet, and the port on which their numbers are shown.

    The port is None if they have none of their own. `GatheringError` if it cannot be listened on.
    """
    with _directory() as name:
        os.environ[DIRECTORY] = name
        if settings.metrics_port is None:
            yield None
            return
        server = _server(settings.metrics_host, settings.metrics_port, Path(name))
        try:
            yield server.port
        finally:
            server.close()


def _directory() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix="todo-numbers-", ignore_cleanup_errors=True)
    except OSError as error:
        reason = f"there is no directory for what processes count: {error.strerror}."
        raise GatheringError(f"TMPDIR: {reason} Name one that can be written, or set TODO_METRICS=off.") from None


def _server(host: str, port: int, directory: Path) -> MetricsServer:
    try:
        return MetricsServer(host, port, lambda: together(_reported(directory)))
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror | UnicodeError) or error.errno == errno.EADDRNOTAVAIL:
            reason = f"{host!r} is not an address or name of this machine."
            raise GatheringError(f"TODO_METRICS_HOST: {reason}") from None
        reason = f"port {port} of {host} cannot be listened on: {error.strerror}."
        raise GatheringError(f"TODO_METRICS_PORT: {reason}") from None


def _reported(directory: Path, but: Path | None = None) -> Iterator[Numbers]:
    long_ago = time.time() - SILENCE
    for file in directory.glob("*.json"):
        if file == but:
            continue
        with suppress(FileNotFoundError):
            numbers = msgspec.json.decode(file.read_bytes(), type=Numbers)
            is_silent = file.stat().st_mtime < long_ago
            numbers.is_alive = numbers.is_alive and not is_silent and _runs(int(file.name.partition("-")[0]))
            yield numbers


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
