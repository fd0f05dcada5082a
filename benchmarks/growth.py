"""What an operation costs as the tables grow, and for somebody who has very many tasks."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from benchmarks import data
from benchmarks.load import Load
from benchmarks.operations import LABELS, OPERATIONS, PATHS, WRITES
from benchmarks.rounds import measure
from benchmarks.running import Running, running

if TYPE_CHECKING:
    from benchmarks.parts import Bench

_CONNECTIONS = 4  # few enough that no request waits for another
_AT_WORK = 2000  # users at most; as many tokens as a service meets again before it has forgotten them
_MEASURED = ("service_us", "database_us", "p50", "p95", "others")
_SINGLE = tuple(operation for operation in OPERATIONS if operation != "mix")


def growth(bench: Bench) -> Any:
    """Each operation with 10 thousand to 5 million tasks in the tables, the sizes taking turns."""
    sizes = (20, 200) if bench.small else (20, 200, 2000, 10_000)
    rounds, requests = (2, 500) if bench.small else (4, 1000)
    rounds, operations = bench.rounds or rounds, bench.operations or _SINGLE
    names = {users: bench.database(users) for users in sizes}
    figures: dict[str, Any] = {}
    seeds = {users: bench.seed(users) for users in sizes}
    with running(
        ["service"] * len(sizes), [bench.cluster.url(names[users]) for users in sizes], 1, bench.directory
    ) as all_:
        services = dict(zip(sizes, all_, strict=True))
        head = "".join(f"{users * data.TASKS_EACH:>16,}" for users in sizes)
        bench.say(f"{'service + database µs':21}{head}   most : least")
        for operation in operations:
            if data.keep_tokens(bench.tokens, sizes[-1]) or len(figures) == 0:
                for users, service in services.items():  # everybody says hello
                    measure(bench.cluster, service, _load(bench, service, "get", users, 0, min(users, _AT_WORK)))
            figures[operation] = _grown(bench, operation, seeds, services, rounds, requests)
            costs = [row["service_us"] + row["database_us"] for row in figures[operation].values()]
            shown = "".join(
                f"{row['service_us']:8.0f} +{row['database_us']:6.0f}" for row in figures[operation].values()
            )
            bench.say(f"{LABELS[operation]:21}{shown}   {max(costs) / min(costs):.2f}")
    for users in sizes:
        bench.let_go(users)
    return {"sizes": figures, "heavy": heavy(bench)}


def _grown(
    bench: Bench,
    operation: str,
    seeds: dict[int, data.Seed],
    services: dict[int, Running],
    rounds: int,
    requests: int,
) -> dict[str, Any]:
    found: dict[int, list[dict[str, Any]]] = {users: [] for users in seeds}
    first = 0
    for turn in range(rounds + 1):
        number = requests if turn else 400
        for users in found if turn % 2 else reversed(found):
            if operation in WRITES and users * data.TASKS_EACH <= 10 * requests:
                data.repair(bench.cluster, seeds[users].database)  # else a small table is all dead rows by now
            load = _load(bench, services[users], operation, users, first, number)
            figures = measure(bench.cluster, services[users], load)
            if figures["errors"]:
                raise SystemExit(f"{operation}: {figures['statuses']}")
            if turn:
                found[users].append(figures)
        first += number
    if operation in WRITES:
        for seed in seeds.values():
            data.repair(bench.cluster, seed.database)
    return {
        str(users * data.TASKS_EACH): {key: statistics.median(row[key] for row in rows) for key in _MEASURED}
        for users, rows in found.items()
    }


def _load(bench: Bench, service: Running, operation: str, users: int, first: int, requests: int) -> Load:
    people, tokens = (0, users, max(1, users // _AT_WORK)), str(bench.tokens)
    return Load(service.port, operation, _CONNECTIONS, 60, people, first, requests, ramp=0, tokens=tokens)


def heavy(bench: Bench) -> Any:
    """One user with 50,000 tasks, who asks one thing after the other."""
    requests = 50 if bench.small else 150
    bench.say(f"\nA user with {data.HEAVY_TASKS:,} tasks{'':9}p50 ms  p95 ms  worst ms  database µs")
    seed = data.seed(bench.cluster, "bench_heavy", 20, heavy=True)
    figures = {}
    with running(["service"], [bench.cluster.url(seed.database)], 1, bench.directory) as (service,):
        asked = {**dict.fromkeys(_SINGLE, ""), "page 900": _deep(service, 900)}
        for name, path in asked.items():
            users = (data.HEAVY_USER, data.HEAVY_USER + 1)
            operation = "list" if path else name
            warm = Load(service.port, operation, 1, 60, users, 0, 20, ramp=0, path=path)
            measure(bench.cluster, service, warm)
            row = measure(bench.cluster, service, replace(warm, first=20, requests=requests))
            if row["errors"]:
                raise SystemExit(f"{name}: {row['statuses']}")
            figures[name] = {key: row[key] for key in (*_MEASURED, "worst")}
            bench.say(
                f"{LABELS.get(name, name):31}{row['p50']:8.2f}{row['p95']:8.2f}{row['worst']:10.2f}"
                f"{row['database_us']:13.0f}"
            )
    bench.cluster.drop(seed.database)
    return figures


def _deep(service: Running, pages: int) -> str:
    """The path of a page that is many pages into the list."""
    path = first = PATHS["list"]
    for _ in range(pages - 1):
        status, page = service.ask("GET", path, data.HEAVY_USER)
        if status != 200:
            raise SystemExit(f"{path}: {page}")
        path = f"{first}&cursor={quote(page['next_cursor'])}"
    return path
