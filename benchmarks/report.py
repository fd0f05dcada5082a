"""Tables and plots of what was measured: `python -m benchmarks.report` puts them into docs/performance.md."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.operations import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    Figures = dict[str, Any]

_ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
PAGE = _ROOT / "docs" / "performance.md"


def main() -> int:
    """Put the newest figures of full runs into the page, between its marks, and the plots beside it."""
    text, missing = PAGE.read_text(), []
    for name, table in TABLES.items():
        if (kept := read(RESULTS, "growth" if name == "heavy" else name)) is None:
            missing.append(name)
            continue
        shown = "\n".join([_measured_on(kept), "", *table(kept["figures"])])
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        text = mark.sub("\\1\n" + shown.replace("\\", r"\\") + "\n\n\\2", text)
    PAGE.write_text(text)
    plot(RESULTS, PAGE.parent)
    print(f"Wrote {PAGE.relative_to(_ROOT)}{' without ' + ', '.join(missing) if missing else ''}.")
    return 0


def read(place: Path, name: str) -> Figures | None:
    """What is kept of a part; None if it was not measured."""
    path = place / f"{name}.json"
    kept: Figures | None = json.loads(path.read_text()) if path.exists() else None
    return kept


def plot(place: Path, where: Path, suffix: str = "") -> list[Path]:
    """Draw what there is to draw."""
    from benchmarks import plots

    drawn = []
    for name, draw in (("ops", plots.operations), ("growth", plots.growth), ("soak", plots.soak)):
        if kept := read(place, f"{name}{suffix}"):
            drawn.append(where / f"performance-{name}{suffix}.svg")
            draw(kept["figures"], drawn[-1])
    return drawn


def _measured_on(kept: Figures) -> str:
    return f"*{kept['day']}, {kept['machine']}, {kept['minutes']:g} minutes{_busy(kept['figures'])}.*"


def _busy(figures: Any) -> str:
    """How much the machine had to do besides, in processors, where it was looked at."""
    found = sorted(_others(figures))
    return f", {found[len(found) // 2]:.1f} processors busy with other things" if found else ""


def _others(figures: Any) -> Iterator[float]:
    if isinstance(figures, dict):
        for key, value in figures.items():
            if key == "others":
                yield value
            else:
                yield from _others(value)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _operations(figures: Figures) -> list[str]:
    head = ["", "requests/s", "of the floor", "times the usual", "p50 ms", "p95", "p99", "service µs", "database µs"]
    rows = []
    for operation, stacks in figures.items():
        service, usual = stacks["service"], stacks["usual"]
        rows.append(
            [
                LABELS[operation],
                f"{service['rate']:,.0f}",
                f"{service['ratio']:.2f}",
                f"{service['ratio'] / usual['ratio']:.1f}",
                *(f"{service[key]:.1f}" for key in ("p50", "p95", "p99")),
                *(f"{service[key]:.0f}" for key in ("service_us", "database_us")),
            ]
        )
    memory = ", ".join(f"{name} {max(row[name]['memory_mb'] for row in figures.values()):.0f} MB" for name in stacks)
    errors = ", ".join(f"{name} {sum(row[name]['errors'] for row in figures.values())}" for name in stacks)
    return [*_table(head, rows), "", f"Resident memory at most: {memory}. Errors: {errors}.", "", *_others_of(figures)]


def _others_of(figures: Figures) -> list[str]:
    """The stacks that the service is compared with."""
    head = ["", *(f"{name} {what}" for name in ("floor", "usual") for what in ("req/s", "p95", "µs", "database µs"))]
    rows = [
        [
            LABELS[operation],
            *(
                f"{stacks[name][key]:{form}}"
                for name in ("floor", "usual")
                for key, form in (("rate", ",.0f"), ("p95", ".1f"), ("service_us", ".0f"), ("database_us", ".0f"))
            ),
        ]
        for operation, stacks in figures.items()
    ]
    return _table(head, rows)


def _scale(figures: Figures) -> list[str]:
    head = ["", *(f"{name.replace('/', ' connections, ')} worker{'s' * (name[-1] > '1')}" for name in figures)]
    operations = next(iter(figures.values()))
    rows = [[LABELS[operation], *(_short(figures[name][operation]) for name in figures)] for operation in operations]
    return _table(head, rows)


def _short(stacks: Figures) -> str:
    service, usual = stacks["service"], stacks["usual"]
    share, times = service["ratio"], service["ratio"] / usual["ratio"]
    errors = f", {service['errors']} errors" if service["errors"] else ""
    compared = f"{share:.2f} of the floor, {times:.1f} times the usual"
    return f"{service['rate']:,.0f}/s, {compared}, p95 {service['p95']:.0f} ms{errors}"


def _growth(figures: Figures) -> list[str]:
    sizes = list(next(iter(figures["sizes"].values())))
    head = ["µs, service + database", *(f"{int(size):,} tasks" for size in sizes), "most : least"]
    rows = []
    for operation, row in figures["sizes"].items():
        costs = [row[size]["service_us"] + row[size]["database_us"] for size in sizes]
        cells = [f"{row[size]['service_us']:.0f} + {row[size]['database_us']:.0f}" for size in sizes]
        rows.append([LABELS[operation], *cells, f"{max(costs) / min(costs):.2f}"])
    return _table(head, rows)


def _heavy(figures: Figures) -> list[str]:
    head = ["", "p50 ms", "p95 ms", "worst ms", "database µs"]
    return _table(
        head,
        [
            [
                LABELS.get(name, name),
                *(f"{row[key]:.1f}" for key in ("p50", "p95", "worst")),
                f"{row['database_us']:.0f}",
            ]
            for name, row in figures["heavy"].items()
        ],
    )


def _crowd(figures: Figures) -> list[str]:
    head = [
        "connections",
        "workers",
        "answered/s",
        "p50 ms",
        "p95",
        "p99",
        "503",
        "/livez p95",
        "/livez worst",
        "other errors",
    ]
    rows = []
    for name, by_workers in figures.items():
        for workers, row in by_workers.items():
            refused = row["refused"]
            others = row["errors"] - refused + row["live"]["errors"]
            cells = [f"{row[key]:,.0f}" for key in ("rate", "p50", "p95", "p99", "refused")]
            cells += [f"{row['live'][key]:.0f}" for key in ("p95", "worst")]
            rows.append([name, workers, *cells, f"{others}"])
    told = all(row["retry_after"] >= row["refused"] for by in figures.values() for row in by.values())
    return [
        *_table(head, rows),
        "",
        "Every 503 said when to come again." if told else "Not every 503 had `Retry-After`.",
    ]


def _soak(figures: Figures) -> list[str]:
    memory, live = figures["memory"], figures["live"]
    settled = [megabytes for at, megabytes in memory if at > memory[-1][0] / 6]
    told = (
        f"{figures['seconds'] / 60:.0f} minutes: {figures['answered']:,} answers, {figures['rate']:,.0f} a second, p95"
        f" {figures['p95']:.0f} ms, {figures['errors']} errors. Memory {settled[0]:.0f} MB after the first sixth,"
        f" {settled[-1]:.0f} MB at the end, {max(settled):.0f} MB at most. `/livez`: p95 {live['p95']:.0f} ms, worst"
        f" {live['worst']:.0f} ms."
    )
    return [told]


def _start(figures: Figures) -> list[str]:
    rows = [
        [name, f"{sorted(seconds)[len(seconds) // 2]:.2f}", f"{max(seconds):.2f}"] for name, seconds in figures.items()
    ]
    return _table(["", "seconds (median)", "worst"], rows)


TABLES = {
    "ops": _operations,
    "scale": _scale,
    "growth": _growth,
    "heavy": _heavy,
    "crowd": _crowd,
    "soak": _soak,
    "start": _start,
}


if __name__ == "__main__":
    sys.exit(main())
