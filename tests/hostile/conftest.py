"""The installed command on a database of its own, which must be there when all is over."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from tests.builders import an_email
from tests.containers import SECRET
from tests.e2e.test_command import serving
from tests.hostile.wire import Host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.e2e.test_command import Running


class Target(NamedTuple):
    """The service that is attacked, and an attacker's account."""

    host: Host
    running: Running
    authorization: str

    def memory(self) -> int:
        """The resident set of its process, in MiB."""
        number = self.running.process.pid
        try:
            status = Path(f"/proc/{number}/status").read_text()
            return int(status.partition("VmRSS:")[2].split()[0]) // 1024
        except FileNotFoundError:  # not Linux
            return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(number)])) // 1024  # noqa: S607


@pytest.fixture(scope="session")
def running(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = {"TODO_DATABASE_URL": database_url, "TODO_JWT_SECRET": SECRET, "TODO_RATE_LIMIT": "off"}
    with serving(tmp_path_factory.mktemp("hostile") / "data", **settings) as service:
        yield service


@pytest.fixture(scope="session")
def authorization(running: Running) -> str:
    with httpx.Client(base_url=running.address, timeout=60, trust_env=False) as http:
        body = {"email": an_email(), "password": "correct horse battery"}
        answer = http.post("/api/auth/register", json=body).raise_for_status()
    return f"Authorization: Bearer {answer.json()['access_token']}"


@pytest.fixture
async def target(running: Running, authorization: str) -> AsyncIterator[Target]:
    """It is there before, and after."""
    host = Host(running.address)
    yield Target(host, running, authorization)
    assert running.process.poll() is None, "it ended"
    assert await host.is_alive()


@pytest.fixture
def host(target: Target) -> Host:
    return target.host
