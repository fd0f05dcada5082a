"""A PostgreSQL server for the benchmark alone, and the databases on it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from todo.adapters.postgres import migrate as migration
from todo.adapters.postgres.embedded import EmbeddedPostgres
from todo.adapters.postgres.url import connect_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent

# As a server of one's own would be set; nothing that makes a commit less durable. Tables are vacuumed between
# rounds instead of during them, and the soak turns autovacuum on.
_MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
SETTINGS = {
    "shared_buffers": f"{_MEMORY // 4}MB",
    "effective_cache_size": f"{_MEMORY // 2}MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "60min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "200",
    "max_parallel_workers_per_gather": "0",
}


class Cluster:
    """A running server."""

    def __init__(self, url: str, pid: int) -> None:
        self.pid = pid
        self._url = url

    def url(self, database: str) -> str:
        """The URL of one of its databases, for who may do anything there."""
        return self._url.replace("/todo?", f"/{database}?")

    def run(self, database: str, *scripts: str) -> None:
        """Run scripts, side by side; each is one message, and one transaction."""

        async def run_all() -> None:
            await asyncio.gather(*(self._run(database, script) for script in scripts))

        asyncio.run(run_all())

    def value(self, database: str, query: str, *arguments: object) -> Any:
        """The first column of the first row."""
        return asyncio.run(self._value(database, query, *arguments))

    def seeded(self, name: str, *, anew: bool = False) -> bool:
        """Whether this database is there with today's schema and seed; if not, it is there now, migrated and empty."""
        mark = _fingerprint()
        query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1"
        if not anew and self.value("todo", query, name) == mark:
            return True
        self.run("todo", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.run("todo", f"CREATE DATABASE {name}")
        asyncio.run(migration.migrate(self.url(name)))
        self.run(name, (HERE / "functions.sql").read_text())
        return False

    def mark_seeded(self, name: str) -> None:
        """Remember that the database is complete, for runs to come."""
        self.run("todo", f"COMMENT ON DATABASE {name} IS '{_fingerprint()}'")

    def warm(self, name: str) -> None:
        """Read the tables into memory, as they are on a server that has run for a while."""
        self.run(name, "CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        self.value(
            name, "SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relname ~ '^(tasks|users)' AND relkind IN ('r', 'i')"
        )

    def drop(self, name: str) -> None:
        """Drop a database."""
        self.run("todo", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _run(self, database: str, script: str) -> None:
        connection = await asyncpg.connect(**connect_arguments(self.url(database)))
        try:
            await connection.execute(script, timeout=1200)
        finally:
            await connection.close()

    async def _value(self, database: str, query: str, *arguments: object) -> Any:
        connection = await asyncpg.connect(**connect_arguments(self.url(database)))
        try:
            return await connection.fetchval(query, *arguments, timeout=1200)
        finally:
            await connection.close()


@contextmanager
def cluster(directory: Path) -> Iterator[Cluster]:
    """The server on this directory, which keeps its databases from run to run."""
    server = EmbeddedPostgres(directory, settings=SETTINGS)
    with server as url:
        pid = int((directory / "postgres" / "postmaster.pid").read_text().partition("\n")[0])
        found = Cluster(url, pid)
        found.run("todo", "ALTER SYSTEM SET autovacuum = off")
        found.run("todo", "SELECT pg_reload_conf()")
        yield found


def _fingerprint() -> str:
    """What changes whenever a database that was seeded before can no longer be used."""
    sources = [HERE / "functions.sql", HERE / "seed.sql", HERE / "data.py"]
    sources += sorted((Path(migration.__file__).parent / "migrations" / "versions").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
