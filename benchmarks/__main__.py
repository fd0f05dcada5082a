"""`python -m benchmarks`: measure, show, and keep the figures as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import parts, report
from benchmarks.cluster import cluster
from benchmarks.report import RESULTS

_ROOT = Path(__file__).parents[1]


def main() -> int:
    """Measure the parts that are asked for, one after the other, and keep each as soon as it is done."""
    chosen = _parser().parse_args()
    wanted = _listed(chosen.parts)
    if chosen.soak and "soak" not in wanted:
        wanted.append("soak")
    if unknown := set(wanted) - set(parts.PARTS):
        raise SystemExit(f"There is no part {', '.join(unknown)}: the parts are {', '.join(parts.PARTS)}.")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    # only what was measured as a whole is kept for the documentation
    is_whole = not (chosen.small or chosen.operations or chosen.stacks or chosen.connections or chosen.workers)
    suffix = "" if is_whole else "-small"
    size = "small" if chosen.small else "full"
    minutes = sum(parts.PARTS[name].minutes[chosen.small] for name in wanted) + (chosen.soak or 0) / 60
    print(f"Measuring {', '.join(wanted)} ({size}): some {minutes:.0f} minutes. Machine: {_machine()}.", flush=True)
    chosen.directory.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(exist_ok=True)
    with cluster(chosen.directory) as server:
        bench = parts.Bench(
            server,
            chosen.directory,
            small=chosen.small,
            keep=chosen.keep,
            soak=chosen.soak,
            operations=_listed(chosen.operations),
            stacks=_listed(chosen.stacks),
            rounds=chosen.rounds,
            seconds=chosen.seconds,
            connections=chosen.connections,
            workers=chosen.workers,
        )
        for name in wanted:
            began = time.monotonic()
            print(f"\n== {parts.PARTS[name].title}", flush=True)
            figures = parts.PARTS[name].measure(bench)
            _keep(f"{name}{suffix}", figures, began)
    for path in report.plot(RESULTS, RESULTS, suffix):
        print(f"Drawn: {path.relative_to(_ROOT)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--parts", default="ops,growth,crowd,start", help=", ".join(parts.PARTS))
    parser.add_argument("--small", action="store_true", help="a quick look with less data and shorter rounds")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="put a crowd on the service for so long")
    parser.add_argument("--directory", type=Path, default=_ROOT / ".data" / "bench", help="where the data lies")
    parser.add_argument("--keep", action="store_true", help="keep the large databases for the next time")
    parser.add_argument("--operations", help="only these operations, with commas in between")
    parser.add_argument("--stacks", help="only these stacks, with commas in between")
    parser.add_argument("--rounds", type=int, help="how many rounds")
    parser.add_argument("--seconds", type=float, help="how long a round is")
    parser.add_argument("--connections", type=int, help="how many connections in the part ops")
    parser.add_argument("--workers", type=int, help="how many processes a stack has in the part ops")
    return parser


def _listed(text: str | None) -> list[str]:
    return [name for name in (text or "").split(",") if name]


def _keep(name: str, figures: Any, began: float) -> None:
    kept = {
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": _machine(),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "figures": figures,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} processors, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
