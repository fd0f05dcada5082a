"""The dashboard, the alert rules and the documentation speak of what there is: held against a real scrape."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.sight.scrape import Scrape
from tests.sight.test_tally import durations
from todo.entrypoints.metrics.exposition import exposition
from todo.entrypoints.metrics.families import FAMILIES, Family
from todo.entrypoints.metrics.numbers import Numbers, together
from todo.entrypoints.metrics.tally import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text())
ALERTS = yaml.safe_load((ROOT / "deploy/alerts.yml").read_text())
PAGE = (ROOT / "docs/observability.md").read_text()

OF_PROMETHEUS = {"up": {"job", "instance"}}
"""What Prometheus says itself."""
TARGET = {"job", "instance"}
"""What Prometheus adds to each sample."""
_GRAMMAR = {"and", "by", "on", "or", "unless", "without"}
_FUNCTIONS = {"absent", "count", "histogram_quantile", "increase", "max", "min", "rate", "sum", "topk", "vector"}

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"\b([a-z_][a-z_0-9]*)\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|without|on)\s*\(([^)]*)\)")
_DURATION = re.compile(r"\[[^]]*\]")


@pytest.fixture(scope="module")
def shown() -> dict[str, set[str]]:
    """The names of everything that can be scraped, with their labels, as the exposition writes them."""
    numbers = Numbers()
    for family in FAMILIES:
        labels = ["x" for _ in family.labels]
        if family.kind == "histogram":
            numbers.put_durations(family, durations(0.1), *labels)
        else:
            numbers.put(family, 1, *labels)
    return {
        name: set(labels) for name, labels in Scrape(exposition(together([numbers]), "")[0].decode()).labels().items()
    }


def expressions() -> Iterator[tuple[str, str]]:
    """All PromQL that there is, and where."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield f"panel {panel['title']}", target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert found
            yield f"variable {variable['name']}", f"sum by ({found[2]}) ({found[1]})"
    for rule in rules():
        yield f"alert {rule['alert']}", rule["expr"]


def rules() -> Iterator[dict[str, Any]]:
    for group in ALERTS["groups"]:
        yield from group["rules"]


@pytest.mark.parametrize(("where", "expression"), list(expressions()), ids=lambda text: text if " " in text else None)
def test_an_expression_names_only_what_is_there(where: str, expression: str, shown: dict[str, set[str]]) -> None:
    there = shown | OF_PROMETHEUS
    assert expression.count("(") == expression.count(")"), where
    labels = TARGET.copy()
    bare = _STRING.sub('""', expression)
    for name, matchers in _SELECTOR.findall(bare):
        assert name in there, name
        named = {re.split(r"[=!]", matcher)[0].strip() for matcher in matchers.split(",")}
        assert named <= there[name] | TARGET, (name, named)
        labels |= there[name]
    for grouping in _GROUPING.findall(bare):
        assert {label.strip() for label in grouping.split(",")} <= labels | {"le"}, grouping
    rest = _GROUPING.sub("", _SELECTOR.sub("", _DURATION.sub("", bare)))
    names = set(re.findall(r"[a-z_][a-z_0-9]*", rest)) - _GRAMMAR - _FUNCTIONS
    assert names <= there.keys(), "a metric without a selector, or a function that nobody knows"


def test_every_metric_is_drawn_or_watched() -> None:
    used = " ".join(expression for _, expression in expressions())
    unused = {family.name for family in FAMILIES if family.name not in used}
    assert unused == {"process_start_time_seconds"}


def test_an_alert_says_how_bad_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"].keys() == {"summary", "description"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_the_documentation_tells_every_metric_as_it_is() -> None:
    table = "\n".join(["| metric | kind | labels | meaning |", "|---|---|---|---|", *map(row, FAMILIES)])
    assert table in PAGE
    assert ", ".join(f"{bound:g}" for bound in BOUNDS) in PAGE


def row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.meaning} |"
