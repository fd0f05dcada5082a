"""The numbers behind the metrics: of one process, and of several together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from todo.entrypoints.metrics.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from todo.entrypoints.metrics.families import Family
    from todo.entrypoints.metrics.tally import Durations

_MERGES: Final[dict[str, Callable[[Iterable[float]], float]]] = {"sum": sum, "min": min, "max": max}

Labels = tuple[str, ...]


class Histogram(msgspec.Struct, array_like=True):
    """How many were in each class of durations (see `BOUNDS`), and how many seconds that was in all."""

    counts: list[int]
    seconds: float


class Numbers(msgspec.Struct):
    """For each metric, by its name, a value for each choice of labels."""

    values: dict[str, list[tuple[Labels, float]]] = {}
    histograms: dict[str, list[tuple[Labels, Histogram]]] = {}
    is_alive: bool = True
    """Whether the process serves. What it counted stays when it ends; its gauges do not."""

    def put(self, family: Family, value: float, *labels: str) -> None:
        """Say what the metric is for these labels."""
        self.values.setdefault(family.name, []).append((labels, value))

    def put_durations(self, family: Family, durations: Durations, *labels: str) -> None:
        """The same of a histogram."""
        histogram = Histogram(list(durations.counts), durations.seconds)
        self.histograms.setdefault(family.name, []).append((labels, histogram))


def together(parts: Iterable[Numbers]) -> Numbers:
    """What several processes have to tell as one."""
    parts = list(parts)
    merged = Numbers()
    for family in FAMILIES:
        if family.kind == "histogram":
            merged.histograms[family.name] = _histograms(family.name, parts)
        else:
            telling = parts if family.kind == "counter" else [part for part in parts if part.is_alive]
            merged.values[family.name] = _values(family, telling)
    return merged


def _values(family: Family, parts: Iterable[Numbers]) -> list[tuple[Labels, float]]:
    merge = _MERGES[family.merged]
    found: dict[Labels, list[float]] = {}
    for part in parts:
        for labels, value in part.values.get(family.name, ()):
            found.setdefault(labels, []).append(value)
    return [(labels, merge(values)) for labels, values in found.items()]


def _histograms(name: str, parts: Iterable[Numbers]) -> list[tuple[Labels, Histogram]]:
    found: dict[Labels, Histogram] = {}
    for part in parts:
        for labels, histogram in part.histograms.get(name, ()):
            so_far = found.get(labels, Histogram([0] * len(histogram.counts), 0.0))
            counts = [one + other for one, other in zip(so_far.counts, histogram.counts, strict=True)]
            found[labels] = Histogram(counts, so_far.seconds + histogram.seconds)
    return list(found.items())
