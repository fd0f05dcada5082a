"""Runs of other tests on another database."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.conftest import GIVEN_SERVER
from tests.integration.servers import new_database

ROOT = Path(__file__).parents[2]
CONTRACTS = ("tests/integration/test_postgres.py",)
ISOLATION = ("tests/integration/test_isolation.py", "tests/integration/test_races.py")
HTTP = (
    "tests/integration/test_http.py",
    "tests/integration/test_http_sessions.py",
    "tests/integration/test_streams.py",
    "tests/integration/test_session_races.py",
    "tests/integration/test_erasure.py",
    "tests/integration/test_foreign_people.py",
    "tests/integration/test_postgres_rate_limiter.py",
)
MIGRATIONS = ("tests/integration/test_migrate.py", "tests/integration/test_migrations.py")

BRIEFLY = ("-k", "not model and not TaskLists and not WithoutPolicies")
"""Without what takes long, and has nothing to do with the way to the database."""
WITHOUT_MODELS = ("-k", "not model")


async def run(server_url: str, *tests: str, plugin: str | None = None, environ: dict[str, str] | None = None) -> str:
    """What pytest says of these tests, on a database of their own on this server.

    `AssertionError` with all of it, if one fails or is left out.
    """
    plugins = ("-p", plugin) if plugin else ()
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins, *tests)
    async with new_database(server_url) as url:  # else they might meet what the tests around them left
        running = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env={**os.environ, GIVEN_SERVER: url, **(environ or {})},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
    said = output.decode(errors="replace")
    assert running.returncode == 0, said
    return said
