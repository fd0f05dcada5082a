"""Metrics, log lines and traces of the installed command, as an operator gets them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.e2e.test_command import TODO, serving
from tests.sight.collector import collecting
from tests.sight.scrape import Scrape
from tests.sight.test_papers import expressions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


LONG_ENOUGH = 30.0
"""Seconds after which what should have come never will."""
FIELDS = {
    "timestamp",
    "level",
    "logger",
    "event",
    "method",
    "route",
    "status",
    "milliseconds",
    "user",
    "request_id",
}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


_strangers = httpx.Client(headers={"Connection": "close"}, timeout=LONG_ENOUGH, trust_env=False)
"""Each request on a connection of its own, so that any worker may get it."""


def scrape(address: str) -> Scrape:
    return Scrape.of(_strangers.get(f"{address}/metrics"))


def awaited(address: str, seen: Callable[[Scrape], bool]) -> Scrape:
    """The metrics, once they show this: a process tells the others once a second."""
    deadline = time.monotonic() + LONG_ENOUGH
    while not seen(found := scrape(address)):
        assert time.monotonic() < deadline, found.text
        time.sleep(0.1)
    return found


def log_lines(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in directory.with_suffix(".log").read_text().splitlines() if line[:1] == "{"]


def names_in_use() -> set[str]:
    """What the dashboard and the alert rules want to see."""
    text = " ".join(expression for _, expression in expressions())
    return set(re.findall(r"\b(?:todo|process)_[a-z_]+", text))


def reports(directory: Path) -> list[Path]:
    """What processes have reported there."""
    return list(directory.glob("todo-numbers-*/*.json"))


def workers_in(directory: Path) -> set[int]:
    """The processes that have reported there."""
    return {int(file.name.partition("-")[0]) for file in reports(directory)}


def test_any_worker_answers_for_all_and_what_one_counted_outlives_it(data: Path, tmp_path: Path) -> None:
    settings = {"TODO_WORKERS": "2", "TMPDIR": str(tmp_path)}
    with serving(data, **settings) as service, service.signed_up() as client:
        awaited(service.address, lambda seen: seen.value("todo_workers") == 2)
        for _ in range(60):
            _strangers.get(f"{service.address}/livez").raise_for_status()
        client.post("/api/tasks", json={"title": "Buy milk"}).raise_for_status()
        assert client.get("/nowhere").status_code == 404

        def has_all(seen: Scrape) -> bool:
            return (
                seen.value("todo_http_requests_total", route="/livez", status="200") == 60
                and seen.value("todo_http_request_duration_seconds_count", route="/api/tasks", method="POST") == 1
                and seen.value("todo_sign_ups_total", outcome="ok") == 1
            )

        seen = awaited(service.address, has_all)
        assert seen.value("todo_pool_connections") >= 1
        assert seen.labels().keys() >= names_in_use()

        first = workers_in(tmp_path)
        assert len(first) == 2
        now = time.time()
        awaited(service.address, lambda _: all(file.stat().st_mtime > now for file in reports(tmp_path)))
        os.kill(min(first), signal.SIGKILL)
        awaited(service.address, lambda seen: has_all(seen) and len(workers_in(tmp_path)) == 3)
        assert has_all(awaited(service.address, lambda seen: seen.value("todo_workers") == 2))
        assert service.stop(signal.SIGTERM) == 0
    assert not list(tmp_path.glob("todo-numbers-*")), "it leaves nothing behind"


def test_a_port_of_their_own_shows_them_and_nothing_else_does(data: Path) -> None:
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    with serving(data, TODO_METRICS_PORT=str(port)) as service, service.signed_up() as client:
        client.get("/api/tasks").raise_for_status()
        awaited(own, lambda seen: seen.value("todo_http_requests_total", route="/api/tasks", status="200") == 1)
        assert client.get("/metrics").status_code == 404
        awaited(own, lambda seen: seen.value("todo_http_requests_total", status="404", route="none") == 1)
        assert service.process.stdout
        announced = next(line for line in service.process.stdout if "metrics" in line)
        assert announced.split() == ["metrics", f"{own}/metrics"]


def test_a_port_that_is_taken_is_a_sentence(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = {"TODO_DATA_DIR": str(data), "TODO_PORT": "0", "TODO_METRICS_PORT": str(port)}
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TODO_")}
        done = subprocess.run([TODO, "serve"], env=ours | settings, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"todo: TODO_METRICS_PORT: port {port} of 127.0.0.1 cannot be listened on: ")
    assert done.stderr.count("\n") == 1


def test_the_log_has_a_line_for_each_request_and_a_collector_that_is_away_is_no_trouble(data: Path) -> None:
    settings = {"TODO_TRACES": f"http://127.0.0.1:{free_port()}"}
    with serving(data, **settings) as service, service.signed_up() as client:
        task = client.post("/api/tasks", json={"title": "Tell nobody"}).raise_for_status().json()
        client.get(f"/api/tasks/{task['id']}?search=somebody", headers={"X-Request-ID": "the-one"}).raise_for_status()
        assert service.stop(signal.SIGTERM) == 0
    (line,) = (line for line in log_lines(data) if line.get("request_id") == "the-one")
    assert line.keys() == FIELDS
    assert (line["event"], line["route"]) == ("request", "/api/tasks/{task_id}")
    assert re.fullmatch("[0-9a-f]{16}", line["user"])
    told = data.with_suffix(".log").read_text()
    for secret in (task["id"], "nobody", "example.com", "somebody"):
        assert secret not in told


def test_requests_are_traced_with_their_statements_and_without_their_data(data: Path) -> None:
    with collecting() as collector:
        settings = {"TODO_TRACES": collector.url, "TODO_WORKERS": "2"}
        with serving(data, **settings) as service, service.signed_up() as client:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            task = client.post("/api/tasks", json={"title": "Tell nobody"}, headers=headers).raise_for_status().json()
            client.head(f"/api/tasks/{task['id']}?search=somebody").raise_for_status()
            client.get("/problems/stale").raise_for_status()
            client.get(f"/nowhere/{task['id']}")
            client.get("/livez").raise_for_status()
            me = client.get("/api/auth/me").raise_for_status().json()
            service.stop(signal.SIGTERM)  # what was not sent yet is sent then
        assert collector.paths == {"/v1/traces"}
        (made,) = (span for span in collector.spans if span.name == "POST /api/tasks")
        assert (made.trace, made.parent) == (TRACE, PARENT)
        assert made.attributes["http.route"] == "/api/tasks"
        assert made.attributes["http.response.status_code"] == 201
        assert made.resource["service.name"] == "todo"
        assert made.resource["service.version"]
        statements = [span for span in collector.spans if span.parent == made.id]
        assert {span.trace for span in statements} == {TRACE}
        assert "INSERT tasks" in {span.name for span in statements}
        assert any("INSERT INTO tasks" in str(span.attributes["db.query.text"]) for span in statements)
        names = {span.name for span in collector.spans}
        assert names >= {"HEAD /api/tasks/{task_id}", "GET /problems/{code}", "GET"}
        assert not any("livez" in name for name in names)
        told = str(collector.spans)
        for secret in (task["id"], me["id"], me["email"], "nobody", "somebody", "nowhere"):
            assert secret not in told
