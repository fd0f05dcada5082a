"""PgBouncer in transaction mode, with TLS and SCRAM, before a server of PostgreSQL."""

from __future__ import annotations

import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.databases.certificates import AUTHORITY
from tests.databases.debian import free_port, give, listens, pgbouncer_program, place, running
from tests.integration.servers import PASSWORD, connected
from todo.adapters.postgres.url import connect_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

SESSIONS = 4
"""How many a pool has on the server: fewer than the service has connections, so that they are really shared."""


@dataclass(frozen=True, slots=True)
class Bouncer:
    """One that runs."""

    port: int
    authority: Path

    def url(self, direct: str, query: str = "", *, hints: bool = True) -> str:
        """The same database, by way of this; with `hints`, it says so."""
        named = connect_arguments(direct)
        password = quote(named.get("password", PASSWORD), safe="")
        who = f"{quote(named['user'], safe='')}:{password}"
        place = f"localhost:{self.port}/{quote(named.get('database', named['user']), safe='')}"
        return f"postgresql://{who}@{place}?{'pgbouncer=true&' * hints}{query or self.verified}"

    @property
    def verified(self) -> str:
        return f"sslmode=verify-full&sslrootcert={quote(str(self.authority), safe='')}"


@asynccontextmanager
async def pgbouncer(server_url: str, settings: Mapping[str, str | int] | None = None) -> AsyncIterator[Bouncer]:
    """One before this server, for all of its databases and users."""
    program = pgbouncer_program()
    assert program
    named = connect_arguments(server_url)
    user, password = named["user"], named.get("password", PASSWORD)
    if "password" not in named:  # nor has the server asked for one; PgBouncer shall
        async with connected(server_url) as admin:
            await admin.execute(f"ALTER ROLE {user} PASSWORD '{password}'")
    with place() as directory:
        port = free_port()
        chosen = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "pool_mode": "transaction",
            "default_pool_size": SESSIONS,
            "max_client_conn": 200,
            "server_idle_timeout": 5,  # a session that nobody uses keeps its database from being dropped
            "auth_type": "scram-sha-256",
            "auth_file": directory / "users",
            "auth_user": user,
            "auth_query": "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin",
            "client_tls_sslmode": "require",
            "client_tls_key_file": directory / "server.key",
            "client_tls_cert_file": directory / "server.pem",
            **(settings or {}),
        }
        if _version(program) < (1, 21):  # which prepares nothing, as later ones do if told so
            chosen.pop("max_prepared_statements", None)
        lines = "\n".join(f"{name} = {value}" for name, value in chosen.items())
        server = f"* = host={named.get('host', '')} port={named['port']}"
        (directory / "pgbouncer.ini").write_text(f"[databases]\n{server}\n[pgbouncer]\n{lines}\n")
        (directory / "users").write_text(f'"{user}" "{password}"\n')
        give(directory)
        with running([program, "pgbouncer.ini"], directory, lambda: listens(port)):
            yield Bouncer(port, directory / AUTHORITY)


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in said.split()[1].split("."))
