"""The parts of the benchmark, and what they work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import crowd, data, growth, startup
from benchmarks.operations import OPERATIONS
from benchmarks.rounds import HEAD, agree, compare
from benchmarks.running import STACKS, running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Bench:
    """A server, and what was asked for on the command line."""

    cluster: Cluster
    directory: Path
    small: bool
    keep: bool = False
    soak: float | None = None
    operations: Sequence[str] = ()
    stacks: Sequence[str] = ()
    rounds: int | None = None
    seconds: float | None = None
    connections: int | None = None
    workers: int | None = None

    def say(self, line: str) -> None:
        """Tell how far it is."""
        print(line, flush=True)

    def database(self, users: int) -> str:
        """The name of the database with so many users."""
        return f"bench_{users}"

    def seed(self, users: int = 0) -> data.Seed:
        """A database of so many users with 500 tasks each; without a number, the one that most parts use."""
        users = users or (200 if self.small else 2000)
        self.say(f"Preparing {users * data.TASKS_EACH:,} tasks of {users:,} users …")
        return data.seed(self.cluster, self.database(users), users)

    @property
    def tokens(self) -> Path:
        """The file of the tokens that loads share."""
        return self.directory / "tokens.json"

    def let_go(self, users: int) -> None:
        """Drop a database that no other part uses."""
        if not self.keep and users != (200 if self.small else 2000):
            self.cluster.drop(self.database(users))


class Part(NamedTuple):
    """One part: what it is, about how many minutes it takes (full, small), and what measures it."""

    title: str
    minutes: tuple[float, float]
    measure: Callable[[Bench], Any]


def ops(bench: Bench) -> Any:
    """All operations on all stacks, with 64 connections and one worker."""
    rounds, seconds = (3, 1.0) if bench.small else (5, 1.5)
    return _compared(bench, bench.connections or 64, bench.workers or 1, rounds, seconds)


def scale(bench: Bench) -> Any:
    """The same with two workers, with a thousand connections, and with both."""
    few, many = ((1, 0.8), (1, 3.0)) if bench.small else ((3, 1.2), (2, 4.0))
    return {
        "64/2": _compared(bench, 64, 2, *few),
        "1000/1": _compared(bench, 1000, 1, *many),
        "1000/2": _compared(bench, 1000, 2, *many),
    }


def _compared(bench: Bench, connections: int, workers: int, rounds: int, seconds: float) -> Any:
    seed = bench.seed()
    names = bench.stacks or STACKS
    rounds, seconds = bench.rounds or rounds, bench.seconds or seconds
    urls = [bench.cluster.url(seed.database)] * len(names)
    with running(names, urls, workers, bench.directory) as stacks:
        bench.say(", ".join(f"{stack.name}: process {stack.pid}, port {stack.port}" for stack in stacks))
        agree(stacks)
        data.repair(bench.cluster, seed.database)
        bench.say(f"{connections} connections, {workers} worker(s), {rounds} rounds of {seconds:g} s\n{HEAD}")
        return compare(
            bench.cluster,
            sorted(stacks, key=lambda stack: stack.name != "floor"),
            seed,
            bench.operations or OPERATIONS,
            connections=connections,
            rounds=rounds,
            seconds=seconds,
            tokens=bench.tokens,
            say=bench.say,
        )


PARTS = {
    "ops": Part("Operations: the service, the floor and the usual stack", (7, 2.5), ops),
    "scale": Part("The same with more workers and more connections", (18, 6), scale),
    "growth": Part("Growth: what an operation costs in large tables", (6, 1.5), growth.growth),
    "crowd": Part("A crowd: many connections at once", (4, 1.5), crowd.crowd),
    "start": Part("Starting", (0.7, 0.3), startup.start),
    "soak": Part("A crowd that stays", (0.5, 0.5), crowd.soak),
}
