"""The service behind deploy/Caddyfile, with a real Caddy and its own certificates."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.test_command import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

CADDYFILE = Path(__file__).parents[2] / "deploy" / "Caddyfile"
PERSON = {"email": "ada@example.com", "password": "correct horse battery"}
PATIENCE = 30  # seconds

caddy_is_here = pytest.mark.skipif(not shutil.which("caddy"), reason="no caddy is installed: apt-get install caddy")


@contextmanager
def fronted(upstream: str, place: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The address of a Caddy in front of this one, and whom to trust there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    frame = place / "Caddyfile"
    frame.write_text(
        "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n\tdefault_bind 127.0.0.1\n}\n"
        f"import {CADDYFILE}\n"
    )
    told = {"DOMAIN": f"https://localhost:{port}", "UPSTREAM": upstream, "HOME": str(place)}
    told |= {f"XDG_{kind}_HOME": str(place) for kind in ("DATA", "CONFIG")}
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(frame)]
    with (
        (place / "caddy.log").open("w") as log,
        subprocess.Popen(command, env={"PATH": os.environ["PATH"], **told}, stdout=log, stderr=log) as caddy,
    ):
        try:
            authority = place / "caddy" / "pki" / "authorities" / "local" / "root.crt"
            deadline = time.monotonic() + PATIENCE
            while not _answers(port, authority):
                assert caddy.poll() is None, (place / "caddy.log").read_text()
                assert time.monotonic() < deadline, "caddy did not come up"
                time.sleep(0.1)
            yield f"https://localhost:{port}", ssl.create_default_context(cafile=str(authority))
        finally:
            caddy.terminate()


def _answers(port: int, authority: Path) -> bool:
    try:
        trusted = ssl.create_default_context(cafile=str(authority))
        httpx.get(f"https://localhost:{port}/", verify=trusted, timeout=5)
    except (OSError, httpx.TransportError):
        return False
    return True


@contextmanager
def browsing(address: str, trusted: ssl.SSLContext, own: str = "127.0.0.1") -> Iterator[httpx.Client]:
    """A client with this address of its own."""
    transport = httpx.HTTPTransport(verify=trusted, local_address=own)
    with httpx.Client(base_url=address, transport=transport, timeout=PATIENCE) as client:
        yield client


def sign_up(client: httpx.Client) -> dict[str, str]:
    answer = client.post("/api/auth/register", json=PERSON).raise_for_status()
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.slow
@caddy_is_here
def test_a_browser_is_served_over_tls_and_known_by_its_own_address(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data", TODO_TRUSTED_PROXIES="127.0.0.1") as service,
        fronted(service.address.removeprefix("http://"), tmp_path) as (address, trusted),
        browsing(address, trusted) as client,
        browsing(address, trusted, own="127.0.0.2") as neighbour,
    ):
        token = sign_up(client)
        with client.stream("GET", "/api/tasks/events", headers=token) as stream:
            assert stream.raise_for_status().headers["Content-Type"].startswith("text/event-stream")
            task = client.post("/api/tasks", json={"title": "Hello"}, headers=token).raise_for_status().json()
            # It comes while the stream is open: nothing on the way waits for more.
            events = (line.removeprefix("data:") for line in stream.iter_lines() if line.startswith("data:"))
            seen = next(event for event in map(json.loads, events) if isinstance(event, dict) and "title" in event)
            assert seen["id"] == task["id"]
        # What a client claims to be is not passed on: it has ten tries a minute, and its neighbour has others.
        tries = [
            client.post("/api/auth/login", json=PERSON, headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code
            for n in range(11)
        ]
        assert tries == [200] * 10 + [429]
        assert neighbour.post("/api/auth/login", json=PERSON).status_code == 200


@pytest.mark.prove
@caddy_is_here
def test_a_request_waits_while_the_service_restarts(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as service:
        upstream = service.address.removeprefix("http://")
        with fronted(upstream, tmp_path) as (address, trusted), browsing(address, trusted) as client:
            token = sign_up(client)
            service.stop(signal.SIGTERM)
            with ThreadPoolExecutor() as threads:
                waiting = threads.submit(client.get, "/api/tasks", headers=token)
                with serving(tmp_path / "data", TODO_PORT=upstream.rpartition(":")[2]):
                    assert waiting.result(PATIENCE).status_code == 200
