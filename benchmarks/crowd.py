"""A thousand connections and more: how long they wait, whom the service sends away, and whether it stays alive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from benchmarks import data
from benchmarks.load import Load
from benchmarks.processes import memory, processor_seconds
from benchmarks.rounds import finish_load, start_load
from benchmarks.running import running

if TYPE_CHECKING:
    from benchmarks.parts import Bench
    from benchmarks.running import Running

_SAMPLE = 5.0  # seconds between two looks at the memory


def crowd(bench: Bench) -> Any:
    """The mixed load of many connections, with one worker and with two."""
    seconds = 6.0 if bench.small else 20.0
    seed = bench.seed()
    figures: dict[str, Any] = {}
    for workers in (1, 2):
        with running(["service"], [bench.cluster.url(seed.database)], workers, bench.directory) as (service,):
            finish_load(start_load(_load(service, seed, 64, 2.0)))
            bench.say(f"\n{workers} worker(s)\n{_HEAD}")
            for name, load in (
                ("1,000 who think for a second", _load(service, seed, 1000, seconds + 10, think=1.0)),
                ("1,000 who think for half of one", _load(service, seed, 1000, seconds + 10, think=0.5)),
                ("1,000 who do not", _load(service, seed, 1000, seconds)),
                ("4,000 who do not", _load(service, seed, 4000, seconds)),
                ("4,000 who heed Retry-After", _load(service, seed, 4000, seconds, heeds=True)),
            ):
                row = _watched(bench, service, load)
                figures.setdefault(name, {})[str(workers)] = row
                bench.say(_line(name, row))
        data.repair(bench.cluster, seed.database)
    return figures


def soak(bench: Bench) -> Any:
    """A thousand busy connections for as long as is asked: memory, waiting and /livez over time."""
    seconds = bench.soak or 600.0
    seed = bench.seed()
    bench.cluster.run("todo", "ALTER SYSTEM SET autovacuum = on")
    bench.cluster.run("todo", "SELECT pg_reload_conf()")
    with running(["service"], [bench.cluster.url(seed.database)], 1, bench.directory) as (service,):
        row = _watched(bench, service, _load(service, seed, 1000, seconds), tell=True)
    bench.cluster.run("todo", "ALTER SYSTEM SET autovacuum = off")
    bench.cluster.run("todo", "SELECT pg_reload_conf()")
    data.repair(bench.cluster, seed.database)
    bench.say(f"{_HEAD}\n{_line('1,000 who do not think', row)}")
    return row


_HEAD = (
    f"{'connections':30}{'req/s':>7}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}{'503':>8}{'told when':>10}{'503 p95':>8}"
    f"{'other errors':>13}{'/livez p95':>11}{'worst':>7}{'MB':>6}"
)


def _load(service: Running, seed: data.Seed, connections: int, seconds: float, **more: Any) -> Load:
    ramp = min(2.0, seconds / 4)
    return Load(service.port, "mix", connections, seconds, (0, seed.users), int(time.time()), ramp=ramp, **more)


def _watched(bench: Bench, service: Running, load: Load, *, tell: bool = False) -> dict[str, Any]:
    """What the load measures, what a look at /livez twenty times a second does meanwhile, and the memory."""
    began, memories = time.monotonic(), []
    processor = processor_seconds(service.pid), processor_seconds(bench.cluster.pid)
    running_load = start_load(load)
    probe = start_load(Load(service.port, "live", 1, load.seconds, load.users, ramp=load.ramp, think=0.05))
    while running_load.poll() is None:
        memories.append((round(time.monotonic() - began, 1), memory(service.pid) / 1e6))
        if tell and len(memories) % 6 == 0:
            bench.say(f"  {memories[-1][0]:5.0f} s: {memories[-1][1]:.0f} MB")
        wait = time.monotonic() + _SAMPLE
        while running_load.poll() is None and time.monotonic() < wait:
            time.sleep(0.1)
    row, live = finish_load(running_load), finish_load(probe)
    used = processor_seconds(service.pid) - processor[0], processor_seconds(bench.cluster.pid) - processor[1]
    refused = row["statuses"].get("503", 0)
    return row | {
        "rate": (row["answered"] - refused) / row["seconds"],
        "refused": refused,
        "service_us": 1e6 * used[0] / max(1, row["sent"]),
        "database_us": 1e6 * used[1] / max(1, row["sent"]),
        "live": live,
        "memory": memories,
    }


def _line(name: str, row: dict[str, Any]) -> str:
    live = row["live"]
    return (
        f"{name:30}{row['rate']:7.0f}{row['p50']:8.1f}{row['p95']:8.1f}{row['p99']:8.1f}{row['refused']:8d}"
        f"{row['retry_after']:10d}{row['refused_p95']:8.1f}{row['errors'] - row['refused'] + live['errors']:13d}"
        f"{live['p95']:11.1f}{live['worst']:7.0f}{row['memory'][-1][1]:6.0f}"
    )
