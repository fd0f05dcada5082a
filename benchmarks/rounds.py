"""One load on one stack, measured; and stacks compared with each other, turn by turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import data
from benchmarks.load import Load
from benchmarks.operations import LABELS, NEW_TASK, PATHS, WRITES
from benchmarks.processes import machine, memory, processor_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.cluster import Cluster
    from benchmarks.running import Running

    Figures = dict[str, Any]

_HERE = Path(__file__).parents[1]
PERCENTILES = ("p50", "p95", "p99")


def start_load(load: Load) -> subprocess.Popen[str]:
    """Start a load; `finish_load` waits for what it measured."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_HERE,
    )
    assert process.stdin
    process.stdin.write(json.dumps(asdict(load)))
    process.stdin.close()
    return process


def finish_load(process: subprocess.Popen[str]) -> Figures:
    """What the load has measured."""
    assert process.stdout
    told = process.stdout.read()
    if process.wait():
        raise SystemExit("The load generator failed; see above.")
    figures: Figures = json.loads(told)
    return figures


def measure(cluster: Cluster, stack: Running, load: Load) -> Figures:
    """What one load gets from one stack, and what it costs there and in the database."""
    before = processor_seconds(stack.pid), processor_seconds(cluster.pid), *machine(), time.perf_counter()
    figures = finish_load(start_load(load))
    after = processor_seconds(stack.pid), processor_seconds(cluster.pid), *machine(), time.perf_counter()
    service, database, busy, stolen, elapsed = (late - early for late, early in zip(after, before, strict=True))
    sent = max(1, figures["sent"])
    return figures | {
        "rate": figures["answered"] / figures["seconds"] if figures["seconds"] else 0.0,
        "service_us": 1e6 * service / sent,
        "database_us": 1e6 * database / sent,
        "generator_us": 1e6 * figures["generator"] / sent,
        "memory_mb": memory(stack.pid) / 1e6,
        # what the machine did besides: with much of it, the round tells about others
        "others": max(0.0, busy + stolen - service - database - figures["generator"]) / elapsed,
    }


def compare(
    cluster: Cluster,
    stacks: Sequence[Running],
    seed: data.Seed,
    operations: Sequence[str],
    *,
    connections: int,
    rounds: int,
    seconds: float,
    tokens: Path,
    say: Callable[[str], None],
) -> dict[str, dict[str, Figures]]:
    """Each operation on each stack: A B C, C B A, …; the medians of the rounds."""
    found: dict[str, dict[str, Figures]] = {}
    for operation in operations:
        number = 0
        data.keep_tokens(tokens, seed.users)
        every: dict[str, list[Figures]] = {stack.name: [] for stack in stacks}
        for turn in range(rounds + 1):
            for stack in stacks if turn % 2 else stacks[::-1]:
                load = Load(
                    stack.port,
                    operation,
                    connections,
                    seconds if turn else min(1.0, seconds),  # the first turn is to get warm
                    (0, seed.users),
                    first=number,
                    ramp=0.2 if connections < 500 else seconds / 3,  # until the first of many have had their turn
                    tokens=str(tokens),
                )
                figures = measure(cluster, stack, load)
                number += figures["sent"]
                if turn:
                    every[stack.name].append(figures)
        if operation in WRITES:
            data.repair(cluster, seed.database)
        found[operation] = {name: summary(every[name], every[stacks[0].name]) for name in every}
        for name, row in found[operation].items():
            say(line(operation, name, row))
    return found


def summary(rounds: list[Figures], base: list[Figures]) -> Figures:
    """The medians; the ratio is that of each round to the same round of the base. Errors are counted together."""
    keys = ("rate", *PERCENTILES, "service_us", "database_us", "generator_us", "memory_mb", "others")
    row: Figures = {key: statistics.median(figures[key] for figures in rounds) for key in keys}
    pairs = zip(rounds, base, strict=True)
    row["ratio"] = statistics.median(one["rate"] / (other["rate"] or 1) for one, other in pairs)
    row["errors"] = sum(figures["errors"] for figures in rounds)
    row["statuses"] = sorted({status for figures in rounds for status in figures["statuses"]})
    row["rates"] = [round(figures["rate"]) for figures in rounds]
    row["bytes"] = rounds[0]["bytes"] / max(1, rounds[0]["answered"])
    return row


HEAD = (
    f"{'operation':18}{'stack':9}{'req/s':>8}{'ratio':>7}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}"
    f"{'service µs':>11}{'database µs':>12}{'MB':>6}{'errors':>7}{'others':>7}"
)


def line(operation: str, name: str, row: Figures) -> str:
    """A row for people to read; `others` is how many processors were busy with other things."""
    return (
        f"{LABELS.get(operation, operation):18}{name:9}{row['rate']:8.0f}{row['ratio']:7.2f}"
        f"{row['p50']:8.1f}{row['p95']:8.1f}{row['p99']:8.1f}{row['service_us']:11.0f}{row['database_us']:12.0f}"
        f"{row['memory_mb']:6.0f}{row['errors']:7d}{row['others']:7.1f}"
    )


def agree(stacks: Sequence[Running]) -> None:
    """`SystemExit` unless all stacks give the same answers, but for what each makes up itself."""
    user, task = 7, data.task_id(7, data.completed_tasks(7)[3])
    asked = [
        ("GET", f"/api/tasks/{task}", None),
        *[("GET", path, None) for path in PATHS.values()],
        ("POST", "/api/tasks", NEW_TASK),
        ("PATCH", f"/api/tasks/{task}", '{"title":"Renamed 1","completed":true}'),
        ("POST", f"/api/tasks/{data.task_id(user, data.open_tasks(user)[3])}/complete", None),
    ]
    for method, path, body in asked:
        answers = {stack.name: _without_own(stack.ask(method, path, user, body)) for stack in stacks}
        first = next(iter(answers.values()))
        for name, answer in answers.items():
            if answer != first:
                said = f"{str(answer)[:600]}\n instead of {str(first)[:600]}"
                raise SystemExit(f"{method} {path}: the stacks do not agree; {name} says {said}")


_OWN = {"next_cursor", "cursor", "total", "revision", "completed_at", "created_at", "updated_at"}


def _without_own(answer: tuple[int, Any]) -> tuple[int, Any]:
    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: None if name in _OWN else clean(part) for name, part in value.items()}
        return [clean(part) for part in value] if isinstance(value, list) else value

    status, told = answer
    cleaned = clean(told)
    if isinstance(cleaned, dict) and status == 201:
        cleaned["id"] = None
    return status, cleaned
