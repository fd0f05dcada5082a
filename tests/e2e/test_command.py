from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TODO = Path(sys.executable).with_name("todo")
ROOT = Path(__file__).parents[2]


class Running:
    """A service that said where it listens."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address

    @contextmanager
    def signed_up(self) -> Iterator[httpx.Client]:
        person = {"email": f"ada-{secrets.token_hex(6)}@example.com", "password": "correct horse battery"}
        with httpx.Client(base_url=self.address, timeout=30) as client:
            answer = client.post("/api/auth/register", json=person).raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client

    def wait_until_ready(self) -> None:
        """Workers begin to serve after the service has said where it listens."""
        httpx.get(f"{self.address}/readyz", timeout=60).raise_for_status()

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


@contextmanager
def serving(directory: Path, **settings: str) -> Iterator[Running]:
    """The command with a PostgreSQL of its own, on a port that is free."""
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith("TODO_") and name != "DATABASE_URL"
    }
    environment = {**ours, "TODO_DATA_DIR": str(directory), "TODO_PORT": "0", **settings}
    log = directory.with_suffix(".log")
    with (
        log.open("a") as errors,
        subprocess.Popen(
            [TODO, "serve"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # so that a test can press Ctrl-C
        ) as process,
    ):
        try:
            assert process.stdout
            said = ""
            while not (found := re.search(r"API +(http://\S+)/api", said)):
                line = process.stdout.readline()
                assert line, f"it ended: {said}{log.read_text()}"
                said += line
            yield Running(process, found[1])
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)  # which gives no notice, as SIGTERM does
            try:
                process.wait(timeout=60)
            finally:
                process.kill()  # what does not end is a failure, and nothing to wait for


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def test_a_person_starts_from_nothing_and_finishes_a_task(data: Path) -> None:
    with serving(data) as service, service.signed_up() as client:
        task = client.post("/api/tasks", json={"title": "Buy milk"}).raise_for_status().json()
        done = client.post(f"/api/tasks/{task['id']}/complete").raise_for_status().json()
        assert done["completed"] is True
        listed = client.get("/api/tasks").raise_for_status().json()
        assert [one["title"] for one in listed["tasks"]] == ["Buy milk"]
        assert client.get("/readyz").status_code == 200
        assert client.get("/docs").status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_secret_from_a_guide_will_do_for_who_tries_it_out(data: Path, workers: str) -> None:
    guessable = {"BETTER_AUTH_SECRET": "better-auth-secret-123456789012345", "TODO_WORKERS": workers}
    with serving(data, **guessable) as service:
        service.wait_until_ready()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_being_told_to_stop_is_how_a_service_is_done(data: Path, how: signal.Signals) -> None:
    with serving(data) as service:
        assert service.stop(how) == 0


def test_what_was_acknowledged_outlives_a_kill(data: Path) -> None:
    with serving(data) as service, service.signed_up() as client:
        task = client.post("/api/tasks", json={"title": "Keep me"}).raise_for_status().json()
        token = client.headers["Authorization"]
        service.stop(signal.SIGKILL)
    with serving(data) as service:
        again = httpx.get(f"{service.address}/api/tasks/{task['id']}", headers={"Authorization": token})
        assert again.json() == task


def test_several_workers_serve_one_user(data: Path) -> None:
    with serving(data, TODO_WORKERS="2") as service, service.signed_up() as client:
        made = {client.post("/api/tasks", json={"title": f"{n}"}).json()["revision"] for n in range(20)}
        assert made == set(range(1, 21))


def test_a_second_service_on_the_same_data_is_refused_in_a_sentence(data: Path) -> None:
    with serving(data):
        ours = {**os.environ, "TODO_DATA_DIR": str(data), "TODO_PORT": "0"}
        second = subprocess.run([TODO, "serve"], env=ours, capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 1
        assert "Another todo is running" in second.stderr
        assert "Traceback" not in second.stderr


def test_the_description_needs_no_database() -> None:
    printed = subprocess.run([TODO, "openapi"], capture_output=True, text=True, timeout=30, check=True)
    document: dict[str, Any] = json.loads(printed.stdout)
    assert document["openapi"].startswith("3.1")


def test_the_readme_tells_the_truth(data: Path) -> None:
    """Its five lines, typed by a shell."""
    story = re.search(r"(?ms)^    api=.*?(?=^\(|^#)", (ROOT / "README.md").read_text())
    assert story
    with serving(data) as service:
        lines = (
            story[0].replace("http://127.0.0.1:8000", service.address).replace("ada@", f"ada-{secrets.token_hex(6)}@")
        )
        # the spelling that an older curl knows
        lines = lines.replace("--json", "-H 'Content-Type: application/json' -d")
        shell = shutil.which("bash") or "sh"
        told = subprocess.run([shell, "-ec", lines], capture_output=True, text=True, timeout=30, check=True)
        listed = json.JSONDecoder().raw_decode(told.stdout[told.stdout.index('{"tasks"') :])[0]
        assert [(task["title"], task["completed"]) for task in listed["tasks"]] == [("Buy milk", True)]
