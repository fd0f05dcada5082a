"""The numbers in the words of Prometheus."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from todo.entrypoints.metrics.families import FAMILIES
from todo.entrypoints.metrics.tally import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from todo.entrypoints.metrics.families import Family
    from todo.entrypoints.metrics.numbers import Histogram, Numbers

_ENDS: Final = [*map(str, BOUNDS), "+Inf"]


def exposition(numbers: Numbers, accepted: str) -> tuple[bytes, str]:
    """The numbers, and the media type that they are in: the best of those that `Accept` names."""
    try:
        encode, media_type = choose_encoder(accepted)
    except TypeError:  # it compares versions, and takes whatever is sent for one
        encode, media_type = choose_encoder("")
    return encode(_registry(lambda: numbers)), media_type


class MetricsServer:
    """A server of its own that shows nothing but these numbers, in threads of this process. `OSError` if it cannot."""

    def __init__(self, host: str, port: int, gather: Callable[[], Numbers]) -> None:
        self._server, self._thread = start_http_server(port, host, _registry(gather))

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Numbers(Collector):
    def __init__(self, gather: Callable[[], Numbers]) -> None:
        self._gather = gather

    def collect(self) -> Iterator[Metric]:
        numbers = self._gather()
        for family in FAMILIES:
            if family.kind == "histogram":
                yield _histogram(family, numbers)
            else:
                yield _plain(family, numbers)

    def describe(self) -> Iterator[Metric]:
        """Nothing: else it would be asked for its numbers before there are any."""
        return iter(())


def _registry(gather: Callable[[], Numbers]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Numbers(gather))
    return registry


def _plain(family: Family, numbers: Numbers) -> Metric:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.meaning, labels=family.labels)
    for labels, value in numbers.values.get(family.name, ()):
        metric.add_metric(labels, value)
    return metric


def _histogram(family: Family, numbers: Numbers) -> Metric:
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, histogram in numbers.histograms.get(family.name, ()):
        metric.add_metric(labels, _buckets(histogram), histogram.seconds)
    return metric


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    return list(zip(_ENDS, accumulate(histogram.counts), strict=True))
