"""Plots of what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import pyplot

from benchmarks.operations import LABELS

if TYPE_CHECKING:
    from pathlib import Path

    Figures = dict[str, Any]

mpl.use("svg")
# text stays text, and the same figures are the same file
mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "todo",
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "white",
    }
)
_COLORS = {"floor": "#b8c0c8", "service": "#1f6f8b", "usual": "#d98e04"}


def operations(figures: Figures, path: Path) -> None:
    """Requests per second of each operation, as shares of the floor's."""
    figure, axes = pyplot.subplots(figsize=(8, 4.2))
    names = [name for name in ("floor", "service", "usual") if name in next(iter(figures.values()))]
    for place, name in enumerate(names):
        heights = [figures[operation][name]["ratio"] for operation in figures]
        at = [number + (place - 1) * 0.27 for number in range(len(figures))]
        bars = axes.bar(at, heights, 0.25, label=name, color=_COLORS[name])
        if name != "floor":
            axes.bar_label(bars, [f"{height:.2f}" for height in heights], fontsize=7, padding=1)
    axes.set_xticks(range(len(figures)), [LABELS[operation] for operation in figures], rotation=20, ha="right")
    axes.set_ylabel("requests/s, the floor is 1")
    axes.legend(frameon=False, ncols=3, loc="upper right", bbox_to_anchor=(1, 1.1))
    _save(figure, path)


def growth(figures: Figures, path: Path) -> None:
    """What each operation costs as the tables grow, as a multiple of its cheapest."""
    figure, axes = pyplot.subplots(figsize=(8, 4.2))
    for operation, row in figures["sizes"].items():
        costs = [one["service_us"] + one["database_us"] for one in row.values()]
        axes.plot(
            [int(size) for size in row], [cost / min(costs) for cost in costs], marker="o", label=LABELS[operation]
        )
    axes.axhline(1.3, color="#999999", linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_ylim(0.9, None)
    axes.set_xlabel("tasks in the table")
    axes.set_ylabel("processor time per request,\nas a multiple of the least")
    axes.legend(frameon=False, ncols=4, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.17))
    _save(figure, path)


def soak(figures: Figures, path: Path) -> None:
    """Memory, and how long the slowest twentieth waited, over time."""
    figure, (upper, lower) = pyplot.subplots(2, 1, figsize=(8, 4.2), sharex=True)
    upper.plot(*zip(*figures["memory"], strict=True), color=_COLORS["service"])
    upper.set_ylim(0, None)
    upper.set_ylabel("memory, MB")
    for timeline, label, color in (
        (figures["timeline"], "requests", _COLORS["service"]),
        (figures["live"]["timeline"], "/livez", _COLORS["usual"]),
    ):
        if timeline:
            lower.plot(*zip(*timeline, strict=True), label=label, color=color)
    lower.set_ylim(0, None)
    lower.set_ylabel("p95, ms")
    lower.set_xlabel("seconds")
    lower.legend(frameon=False, ncols=2)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
