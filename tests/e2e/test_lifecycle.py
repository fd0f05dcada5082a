"""The installed command while it stops, loses processes and starts beside itself."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.containers import SECRET
from tests.e2e.test_command import serving
from tests.integration.servers import new_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.e2e.test_command import Running

pytestmark = pytest.mark.slow

ALSO_ALONE = [pytest.param("1", marks=pytest.mark.prove), "2"]
ALSO_SEVERAL = ["1", pytest.param("2", marks=pytest.mark.prove)]

SOON = 30.0
"""Seconds after which what should have happened never will."""


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def on_database(database_url: str) -> dict[str, str]:
    return {"TODO_DATABASE_URL": database_url, "TODO_JWT_SECRET": SECRET, "TODO_RATE_LIMIT": "off"}


@pytest.fixture
async def empty_url(server_url: str) -> AsyncIterator[str]:
    async with new_database(server_url) as url:
        yield url


def descendants(process: int) -> set[int]:
    """The processes that it started, and those that they started, on Linux."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # gone
            continue
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {process}} - found:
        found |= more
    return found


def listens(process: int, address: str) -> bool:
    """Whether the process has a socket that listens on the port of the address."""
    port = f":{urlsplit(address).port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(port) and line[3] == "0A"}
    try:
        return any(str(path.readlink()) in inodes for path in Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return False


class Shopper(threading.Thread):
    """Adds task after task. Goes to the next service when one is not ready, has closed or refuses connections.

    Repeats what got no answer, with the same key. What it never forgives is an answer that is no 201.
    """

    def __init__(self, token: str, services: list[Running]) -> None:
        super().__init__()
        self._token = token
        self._services = list(services)
        self._is_over = threading.Event()
        self.added: list[str] = []
        self.failures: list[Any] = []
        self.moves = 0

    def run(self) -> None:
        with httpx.Client(headers={"Authorization": self._token}, timeout=SOON, trust_env=False) as client:
            while not self._is_over.is_set():
                answer = self._add(client, secrets.token_hex(8))
                if answer.status_code == httpx.codes.CREATED:
                    self.added.append(answer.json()["id"])
                else:
                    self.failures.append((answer.status_code, answer.text))
                if answer.headers.get("connection") == "close":  # as a load balancer does that sees /readyz
                    self._move()

    def _add(self, client: httpx.Client, key: str) -> httpx.Response:
        while True:
            try:
                place = f"{self._services[0].address}/api/tasks"
                return client.post(place, json={"title": key}, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                self._move()

    def _move(self) -> None:
        self.moves += 1
        self._services.append(self._services.pop(0))

    def stop(self) -> None:
        self._is_over.set()
        self.join(SOON)
        assert not self.is_alive()


@contextmanager
def shopping(services: list[Running]) -> Iterator[list[Shopper]]:
    with ExitStack() as stack:
        people = [stack.enter_context(services[0].signed_up()) for _ in range(4)]
        shoppers = [Shopper(person.headers["Authorization"], services) for person in people for _ in range(2)]
        for shopper in shoppers:
            shopper.start()
        try:
            yield shoppers
        finally:
            for shopper in shoppers:
                shopper.stop()


@pytest.mark.parametrize("workers", ALSO_ALONE)
def test_no_request_fails_while_a_service_stops_beside_another(
    on_database: dict[str, str], tmp_path: Path, workers: str
) -> None:
    on_database |= {"TODO_WORKERS": workers, "TODO_SHUTDOWN_SECONDS": "12"}
    with serving(tmp_path / "a", **on_database) as first, serving(tmp_path / "b", **on_database) as second:
        with shopping([first, second]) as shoppers, httpx.Client(base_url=first.address, timeout=SOON) as probe:
            wait_for(lambda: all(len(shopper.added) > 5 for shopper in shoppers))
            assert probe.get("/readyz").status_code == 200
            first.process.send_signal(signal.SIGTERM)
            wait_for(lambda: probe.get("/readyz").status_code == 503)
            assert probe.get("/livez").headers["connection"] == "close"
            assert first.process.wait(timeout=60) == 0
            enough = [len(shopper.added) + 5 for shopper in shoppers]
            wait_for(lambda: all(len(one.added) > number for one, number in zip(shoppers, enough, strict=True)))
        assert [shopper.failures for shopper in shoppers] == [[]] * len(shoppers)
        assert all(shopper.moves for shopper in shoppers)
        kept = httpx.get(
            f"{second.address}/api/tasks", params={"limit": 200}, headers={"Authorization": shoppers[0]._token}
        ).json()
        listed = [task["id"] for task in kept["tasks"]]
        assert kept["total"] == len(shoppers[0].added + shoppers[1].added)
        assert set(listed) <= set(shoppers[0].added + shoppers[1].added)


def is_ready(service: Running) -> bool:
    try:
        return httpx.get(f"{service.address}/readyz", timeout=SOON).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def unfinished(service: Running) -> socket.socket:
    """A request that has begun, and whose body never ends to come."""
    port = urlsplit(service.address).port
    connection = socket.create_connection(("127.0.0.1", port), timeout=SOON)
    connection.sendall(
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    # they came as one: when the first has its answer, the second has been read
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    return connection


def accepts(service: Running) -> bool:
    try:
        socket.create_connection(("127.0.0.1", urlsplit(service.address).port), timeout=SOON).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("workers", ALSO_SEVERAL)
def test_a_request_that_does_not_end_is_cut_off(on_database: dict[str, str], tmp_path: Path, workers: str) -> None:
    with serving(tmp_path / "a", **on_database, TODO_WORKERS=workers, TODO_SHUTDOWN_SECONDS="2") as service:
        service.wait_until_ready()
        with unfinished(service):
            assert service.stop(signal.SIGTERM) == 0
    assert "cut_off" in (tmp_path / "a.log").read_text()


@pytest.mark.parametrize("workers", ALSO_ALONE)
def test_who_asks_twice_does_not_wait(on_database: dict[str, str], tmp_path: Path, workers: str) -> None:
    with serving(tmp_path / "a", **on_database, TODO_WORKERS=workers, TODO_SHUTDOWN_SECONDS="3000") as service:
        service.wait_until_ready()
        with unfinished(service):
            service.process.send_signal(signal.SIGTERM)
            wait_for(lambda: httpx.get(f"{service.address}/readyz").status_code == 503)
            assert service.stop(signal.SIGTERM) == 0


def test_a_request_that_was_under_way_when_it_was_told_to_stop_is_the_last_on_its_connection(
    on_database: dict[str, str], tmp_path: Path
) -> None:
    with serving(tmp_path / "a", **on_database, TODO_SHUTDOWN_SECONDS="30") as service:
        service.wait_until_ready()
        with unfinished(service) as connection:
            service.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not is_ready(service))  # and requests are still accepted, for some seconds
            connection.sendall(b" " * 99)
            assert b"\r\nconnection: close\r\n" in connection.recv(4096)
        assert service.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_of_its_processes_ends_it_in_good_order(
    on_database: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """As a terminal sends Ctrl-C, and systemd SIGTERM."""
    with serving(tmp_path / "a", **on_database, TODO_WORKERS="2", TODO_SHUTDOWN_SECONDS="8") as service:
        service.wait_until_ready()
        with unfinished(service) as connection:
            os.killpg(service.process.pid, number)
            wait_for(lambda: not accepts(service))  # then all workers have heard
            connection.sendall(b" " * 99)
            answer = connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 4")
            assert b"\r\nconnection: close\r\n" in answer
        assert service.process.wait(timeout=60) == 0
    log = (tmp_path / "a.log").read_text()
    assert "cut_off" not in log
    assert "worker_ended" not in log
    assert "Traceback" not in log
    assert '"at":' not in log


def test_a_worker_that_is_killed_is_replaced(on_database: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path / "a", **on_database, TODO_WORKERS="2") as service, service.signed_up() as client:

        def workers() -> set[int]:
            everyone = descendants(service.process.pid)
            return {one for one in everyone if listens(one, service.address)}

        wait_for(lambda: len(workers()) == 2)
        before = workers()
        killed = min(before)
        task = client.post("/api/tasks", json={"title": "Keep me"}).raise_for_status().json()
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: len(workers()) == 2 and killed not in workers())
        for _ in range(20):
            fresh = httpx.get(f"{service.address}/api/tasks/{task['id']}", headers=client.headers, timeout=SOON)
            assert fresh.json() == task
        # without the one that looks after them, they end by themselves
        left = workers()
        service.process.kill()
        wait_for(lambda: not any(Path(f"/proc/{one}").exists() for one in left))
    assert '"event":"worker_ended"' in (tmp_path / "a.log").read_text()


def test_a_service_whose_postgresql_is_killed_heals_by_itself(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with serving(directory) as service, service.signed_up() as client:
        task = client.post("/api/tasks", json={"title": "Keep me"}).raise_for_status().json()
        os.kill(int((directory / "postgres/postmaster.pid").read_text().partition("\n")[0]), signal.SIGKILL)
        wait_for(lambda: "embedded_postgres_started" in (tmp_path / "data.log").read_text())
        wait_for(lambda: client.get("/readyz").status_code == 200)
        assert client.get(f"/api/tasks/{task['id']}").json() == task
        assert service.stop(signal.SIGTERM) == 0


def test_two_start_at_once_on_an_empty_database(empty_url: str, tmp_path: Path) -> None:
    """With everything secret in files."""
    for name, content in (("url", empty_url), ("secret", SECRET)):
        (tmp_path / name).write_text(f"{content}\n")
    settings = {"TODO_DATABASE_URL_FILE": f"{tmp_path}/url", "TODO_JWT_SECRET_FILE": f"{tmp_path}/secret"}
    with ExitStack() as stack:
        begun: list[Running] = []
        threads = [
            threading.Thread(target=lambda n=name: begun.append(stack.enter_context(serving(tmp_path / n, **settings))))
            for name in ("a", "b")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        first, second = begun
        with first.signed_up() as client:
            task = client.post("/api/tasks", json={"title": "Buy milk"}).raise_for_status().json()
            there = httpx.get(f"{second.address}/api/tasks/{task['id']}", headers=client.headers, timeout=SOON)
            assert there.json() == task


def test_workers_that_cannot_start_end_the_service(on_database: dict[str, str], tmp_path: Path) -> None:
    settings = on_database | {"TODO_WORKERS": "2", "TODO_PORT": "0", "TODO_DATA_DIR": str(tmp_path)}
    broken = (
        "import sys; from todo.entrypoints import cli, cli_serve; cli_serve._APPLICATION = 'todo:nothing'\n"
        "if __name__ == '__main__': sys.exit(cli.main(['serve']))"
    )
    (tmp_path / "broken.py").write_text(broken)
    done = subprocess.run(
        [sys.executable, tmp_path / "broken.py"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
