"""What the files beside a PostgreSQL server tell: who has the directory, whether a server runs on it and is ready."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL: Final = 0.01  # seconds


def open_locked(path: Path, *, patience: float) -> int | None:
    """A descriptor of the file, locked for as long as it or an heir of it is open. None if it is taken.

    Waits `patience` seconds for whoever has it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(_POLL)
        else:
            return descriptor


def server_on(data: Path) -> int | None:
    """The process id of the server that runs on `data`, if one does.

    PostgreSQL leaves its number behind when it is killed, and the number may since have gone to another
    program: so the process must be called postgres and be at home in `data`.
    """
    try:
        number = int((data / "postmaster.pid").read_text().partition("\n")[0])
        process = Path("/proc", str(number))
        if process.parent.joinpath("self").exists():
            is_server = process.joinpath("comm").read_text() == "postgres\n" and process.joinpath("cwd").samefile(data)
        else:
            command = ["/bin/ps", "-o", "command=", "-p", str(number)]
            ps = subprocess.run(command, capture_output=True, text=True, check=False)
            is_server = f"postgres -D {data}" in ps.stdout
    except (OSError, ValueError):
        return None
    return number if is_server else None


def is_ready(data: Path, number: int) -> bool:
    """Whether the server takes connections: it says so in the eighth line of its file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(number) and lines[7].strip() == "ready"


def end(send: Callable[[int], None], is_gone: Callable[[], bool]) -> None:
    """End a server: in order within 30 seconds, else at once, which its next start recovers from."""
    for number, patience in ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        with suppress(ProcessLookupError):
            send(number)
        deadline = time.monotonic() + patience
        while not is_gone():
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL)
        else:
            return


def sync(directory: Path) -> None:
    """Have the names in a directory outlive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
