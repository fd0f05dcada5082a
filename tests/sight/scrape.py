"""Metrics, as Prometheus would read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import httpx


class Scrape:
    """One look at the metrics."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    @classmethod
    def of(cls, answer: httpx.Response) -> Scrape:
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return cls(answer.text)

    def value(self, name: str, **labels: str) -> float:
        """The sum of all that have these labels, and perhaps others; 0 if there are none."""
        return sum(
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self) -> dict[str, AbstractSet[str]]:
        """The names of all samples, and those of the labels that each has."""
        found: dict[str, set[str]] = {}
        for sample in self.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
        return dict(found)


async def scrape(service: Any) -> Scrape:
    """What the service shows now."""
    return Scrape.of(await service.get("/metrics"))
