"""Starting the stacks, each in processes of its own, and asking them one thing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import data

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STACKS = ("service", "floor", "usual")
_START_LIMIT = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that answers on a port of this machine."""

    name: str
    port: int
    pid: int

    def ask(self, method: str, path: str, user: int, body: str | None = None) -> tuple[int, Any]:
        """The status and the JSON of one answer."""
        headers = {"Authorization": f"Bearer {data.tokens([user])[0]}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, body.encode() if body else None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode(errors="replace")


@contextmanager
def running(names: Sequence[str], urls: Sequence[str], workers: int, logs: Path) -> Iterator[list[Running]]:
    """These stacks, each on its database, ready to be asked; what they say goes to files in `logs`."""
    with ExitStack() as stack:
        pairs = enumerate(zip(names, urls, strict=True))
        yield [
            stack.enter_context(_running(name, url, workers, logs / f"{name}-{number}.log"))
            for number, (name, url) in pairs
        ]


@contextmanager
def _running(name: str, url: str, workers: int, path: Path) -> Iterator[Running]:
    port = _free_port()
    here = {key: value for key, value in os.environ.items() if not key.startswith("TODO_")}
    given = {"TODO_DATABASE_URL": url, "TODO_JWT_SECRET": data.SECRET}
    with path.open("w") as log:
        process = subprocess.Popen(
            _command(name, port, workers), env=here | given, stdout=log, stderr=log, cwd=Path(__file__).parents[1]
        )
        try:
            started = Running(name, port, process.pid)
            _wait(started, process, path)
            yield started
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(name: str, port: int, workers: int) -> list[str]:
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
    if name == "service":  # as it is shipped, with everything on
        return [
            sys.executable,
            "-c",
            "from todo.entrypoints.cli import main; raise SystemExit(main())",
            "serve",
            *where,
        ]
    options = [
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--backlog",
        "4096",
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    return [sys.executable, "-m", "uvicorn", f"benchmarks.stacks.{name}:app", *where, *options]


def _wait(started: Running, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT
    said: object = ""
    while time.monotonic() < deadline and process.poll() is None:
        try:
            status, said = started.ask("GET", "/api/tasks?limit=1", 0)
        except OSError:
            time.sleep(0.05)
            continue
        if status == 200:
            return
        time.sleep(0.2)
    raise SystemExit(f"{started.name} does not start: {said}\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
