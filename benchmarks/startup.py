"""How long the service takes to start, and its modules to load."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.parts import Bench

_COMMAND = [sys.executable, "-c", "from todo.entrypoints.cli import main; raise SystemExit(main())"]
_IMPORT = [
    sys.executable,
    "-c",
    "import todo.entrypoints.container, todo.entrypoints.http.app, todo.entrypoints.server",
]


def start(bench: Bench) -> Any:
    """From the command to the first line that says it is there: the first time ever, and after that."""
    cold, warm, times = [], [], 2 if bench.small else 5
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="todo-start-", ignore_cleanup_errors=True) as place:
            cold.append(_served(Path(place)))
            warm.append(_served(Path(place)))
    others = {
        "todo --version": [_run([*_COMMAND, "--version"]) for _ in range(times)],
        "importing the service": [_run(_IMPORT) for _ in range(times)],
        "importing nothing": [_run([sys.executable, "-c", ""]) for _ in range(times)],
    }
    figures = {"first start": cold, "later start": warm, **others}
    for name, seconds in figures.items():
        bench.say(f"{name:24}{statistics.median(seconds):6.2f} s   (worst {max(seconds):.2f})")
    return figures


def _served(place: Path) -> float:
    here = {key: value for key, value in os.environ.items() if not key.startswith("TODO_")}
    began = time.perf_counter()
    with subprocess.Popen(
        [*_COMMAND, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        env=here | {"TODO_DATA_DIR": str(place), "PYTHONUNBUFFERED": "1"},
        text=True,
    ) as service:
        assert service.stdout
        said = []
        for line in service.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                taken = time.perf_counter() - began
                service.terminate()
                service.stdout.read()
                return taken
    raise SystemExit(f"The service does not start: {''.join(said)}")


def _run(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
