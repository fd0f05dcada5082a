"""What spans tell, and what they do not."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from sqlalchemy import select

from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.tables import tasks
from todo.adapters.postgres.traced import TracedConnection, summary
from todo.entrypoints.environment import load_settings
from todo.entrypoints.expectations import SettingsError
from todo.entrypoints.metrics.traced import TracedTally
from todo.entrypoints.tracing import Discreet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan


class Told:
    """A span, and once it has ended what was sent of it."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def span(self) -> ReadableSpan:
        (span,) = self._exporter.get_finished_spans()
        return span


@contextmanager
def a_span(name: str = "GET", **attributes: str) -> Iterator[Told]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=Discreet(ALWAYS_ON))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span(name, attributes=attributes):
        yield Told(exporter)


def test_a_span_is_named_after_method_and_route() -> None:
    tally = TracedTally()
    with a_span() as told:
        tally.answered("HEAD", "/api/tasks/{task_id}", 404, "not_found", 0.001)
    assert told.span.name == "HEAD /api/tasks/{task_id}"
    assert told.span.attributes == {"http.route": "/api/tasks/{task_id}", "todo.outcome": "not_found"}
    assert list(tally.requests) == [("HEAD", "/api/tasks/{task_id}", 404, "not_found")]


def test_what_is_for_no_route_has_no_name_that_a_client_could_choose() -> None:
    with a_span("HTTP") as told:
        TracedTally().answered("BREW", "none", 404, "unknown_route", 0.001)
    assert told.span.name == "HTTP"
    with a_span("HTTP") as told:
        TracedTally().answered("BREW", "/livez", 405, "method_not_allowed", 0.001)
    assert told.span.name == "OTHER /livez"


def test_a_wait_for_a_connection_is_an_event_of_the_request() -> None:
    tally = TracedTally()
    with a_span() as told:
        tally.pool_waits.add(0.25)
    (event,) = told.span.events
    assert event.attributes == {"todo.pool.wait.seconds": 0.25}
    assert sum(tally.pool_waits.counts) == 1


def test_paths_and_queries_are_left_out() -> None:
    told_of = {"http.request.method": "GET", "url.scheme": "http"}
    with a_span(**told_of, **{"url.path": "/api/x", "url.query": "search=y", "url.full": "http://z"}) as told:
        pass
    assert told.span.attributes == told_of


def test_sampling_is_left_to_the_sampler() -> None:
    provider = TracerProvider(sampler=Discreet(ALWAYS_OFF))
    with provider.get_tracer("tests").start_as_current_span("GET") as span:
        assert not span.is_recording()
    assert "AlwaysOffSampler" in Discreet(ALWAYS_OFF).get_description()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT users.id FROM users WHERE users.id = $1", "SELECT users"),
        ("WITH me AS (SELECT 1 FROM users) SELECT 1 FROM me JOIN LATERAL (SELECT 1 FROM tasks) AS t", "SELECT tasks"),
        ("WITH turn AS (UPDATE users SET revision = 1) INSERT INTO tasks (id) VALUES ($1)", "INSERT tasks"),
        ("INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = $1", "INSERT users"),
        ("DELETE FROM tasks WHERE id = $1", "DELETE tasks"),
        ("SELECT pg_notify($1, $2)", "SELECT"),
    ],
)
def test_a_statement_is_told_in_two_words(sql: str, words: str) -> None:
    assert summary(sql) == words


class Driver:
    """A driver whose server quotes what it was sent."""

    def prepare(self, sql: str, **_: str) -> NoReturn:
        raise ValueError(f"{sql}: Tell nobody")

    def execute(self, script: str) -> NoReturn:
        raise ValueError(script)


async def test_a_statement_that_fails_tells_only_how(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    connection = TracedConnection(cast("Any", Driver()))
    statement = Statement(select(tasks.c.id))
    with provider.get_tracer("tests").start_as_current_span("GET"):
        with pytest.raises(ValueError, match="nobody"):
            await connection.fetch(statement, {})
        with pytest.raises(ValueError, match="grace"):
            await connection.execute("BEGIN; SELECT set_config('todo.owner', E'grace', true)")
    with pytest.raises(ValueError, match="grace"):
        await connection.execute("BEGIN; SELECT set_config('todo.owner', E'grace', true)")
    fetched, begun, request = exporter.get_finished_spans()
    assert (fetched.name, begun.name, request.name) == ("SELECT tasks", "BEGIN", "GET")
    assert fetched.attributes
    assert fetched.attributes["db.query.text"] == statement.sql
    for span in (fetched, begun):
        assert span.parent
        assert span.parent.span_id == request.context.span_id
        assert not span.status.is_ok
        assert not span.events
        assert "nobody" not in span.to_json()
        assert "grace" not in span.to_json()


def test_who_traces_nothing_does_not_even_load_what_would_send_it() -> None:
    program = (
        "import sys, todo.entrypoints.http.app; print([name for name in sys.modules if 'opentelemetry.sdk' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("given", "collector"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318"),
        ("http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318"),
        ("https://otlp.example.com/otlp", "https://otlp.example.com/otlp"),
        ("", None),
    ],
)
def test_the_collector_is_a_url(given: str, collector: str | None) -> None:
    assert load_settings({"TODO_TRACES": given}).traces == collector


@pytest.mark.parametrize(
    "given",
    [
        "on",
        "127.0.0.1:4318",
        "grpc://127.0.0.1:4317",
        "http://",
        "http://a/?b",
        "http://a b",
        "http://a@b",
        "http://a:b",
        "http://a:0",
        "http://a:99999/otlp",
        "http://[a",
    ],
)
def test_what_is_none_is_refused_in_a_sentence(given: str) -> None:
    with pytest.raises(SettingsError, match=r"^TODO_TRACES must be a URL like http://"):
        load_settings({"TODO_TRACES": given})
