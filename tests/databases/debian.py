"""Servers from Debian's packages: PgBouncer, and the PostgreSQL of the release. Each runs as an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.databases.certificates import Certificates
from tests.integration.servers import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PATIENCE = 30.0
"""Seconds in which a server must have started, or stopped."""
ADMIN = "admin"


@cache
def pgbouncer_program() -> str | None:
    """Where it is: Debian keeps it in a place that is on the PATH of administrators only."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


@cache
def older_postgres() -> Path | None:
    """The programs of a PostgreSQL that is older than the embedded one: the newest such there is."""
    found = {int(path.parents[1].name): path.parent for path in Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb")}
    fit = [version for version in found if 15 <= version < 18]
    return found[max(fit)] if fit else None


needs_pgbouncer = pytest.mark.skipif(
    not pgbouncer_program(), reason="PgBouncer is not installed (Debian: apt-get install pgbouncer)"
)
needs_older_postgres = pytest.mark.skipif(
    not older_postgres(), reason="no PostgreSQL from 15 to 17 is installed (Debian 12: apt-get install postgresql-15)"
)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def ordinary_user() -> dict[str, Any]:
    """Arguments for `subprocess`, because neither server runs as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("There is no user `postgres` or `nobody` to run a server as.")


@contextmanager
def place() -> Iterator[Path]:
    """A directory of that user's, with certificates, which is gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="todo-tests-"))
    try:
        Certificates.make(directory)
        give(directory)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def give(directory: Path) -> None:
    if user := ordinary_user():
        for path in (directory, *directory.rglob("*")):
            os.chown(path, user["user"], user["group"])


@contextmanager
def running(command: list[str], directory: Path, is_up: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from when it takes connections until it has gone."""
    log = directory / "log"
    with log.open("ab") as output:
        server = subprocess.Popen(command, cwd=directory, stdout=output, stderr=output, **ordinary_user())
    try:
        deadline = time.monotonic() + PATIENCE
        while not is_up():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not start:\n{log.read_text()}")
            time.sleep(0.02)
        yield server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
        server.wait(PATIENCE)


@contextmanager
def postgres(programs: Path, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The URL of an empty database on a server of its own, which speaks TLS and asks for passwords (SCRAM)."""
    with place() as directory:
        password = directory / "password"
        password.write_text(PASSWORD)
        give(directory)
        data, port = directory / "data", free_port()
        options = "--auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions"
        command = [str(programs / "initdb"), "-D", str(data), "-U", ADMIN, f"--pwfile={password}", *options.split()]
        subprocess.run(command, check=True, capture_output=True, cwd=directory, **ordinary_user())
        chosen = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(directory),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "ssl": "on",
            "ssl_cert_file": str(directory / "server.pem"),
            "ssl_key_file": str(directory / "server.key"),
            **(settings or {}),
        }
        serve = [str(programs / "postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in chosen.items())]
        with running(serve, directory, lambda: _is_ready(data)):
            yield f"postgresql://{ADMIN}:{quote(PASSWORD)}@localhost:{port}/postgres"


def listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(data: Path) -> bool:
    """As `pg_ctl` finds out: the server listens before it lets anybody in."""
    try:
        return (data / "postmaster.pid").read_text().rstrip().endswith("ready")
    except FileNotFoundError:
        return False
