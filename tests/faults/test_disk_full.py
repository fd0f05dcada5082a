"""A full disk below the service with a PostgreSQL of its own: nothing acknowledged is lost, and it comes back."""

from __future__ import annotations

import asyncio
import os
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.faults import witness
from tests.faults.audit import audit
from tests.faults.load import Load
from tests.faults.processes import Postgres, Service
from todo.adapters.postgres.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.conftest import Report

pytestmark = pytest.mark.slow

SIZE = "112m"
"""For a cluster of 40 MB, and some of its log."""
SOME = 60


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, that is soon full."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "none", place], check=True)
    yield place
    subprocess.run(["/bin/umount", "--lazy", place], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte is left, as long as this lasts."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    yield
    ballast.unlink()


@pytest.mark.parametrize("seconds", [0, pytest.param(60, marks=pytest.mark.prove)])
async def test_a_full_disk(small_disk: Path, tmp_path: Path, seed: int, report: Report, seconds: int) -> None:
    service = Service(tmp_path / "log", TODO_DATA_DIR=str(small_disk / "data"))
    await service.start()
    try:
        postgres = Postgres(small_disk / "data")
        postgres.url = EmbeddedPostgres(small_disk / "data").join() or ""
        async with postgres.admin() as admin:
            await witness.install(admin)
        async with Load(service.url, seed=seed) as load:
            await load.progress(SOME)
            with filled(small_disk):
                await _use_up_the_log(postgres)
                await load.trouble(20)
                await asyncio.sleep(seconds)
                assert (await load.http.get("/livez")).status_code == 200
                read = await load.http.get("/api/tasks", headers=load.people[0].headers)
                assert read.status_code in (200, 503)
            recovered = await load.progress(SOME)
            async with postgres.admin() as admin:
                report(await audit(load, admin), recovered)
    finally:
        await service.stop()
    assert not service.faults()


async def _use_up_the_log(postgres: Postgres) -> None:
    """Begin new segments of the write-ahead log until there is no room for one."""
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        async with postgres.admin() as admin:
            while True:
                await admin.execute(
                    "SELECT pg_logical_emit_message(false, 'witness', repeat('x', 1000)), pg_switch_wal()"
                )
