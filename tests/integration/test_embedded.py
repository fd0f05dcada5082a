"""The embedded server, on its own directory for each test. The binaries have to be installed: no test is skipped."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from todo.adapters.postgres.embedded import EmbeddedPostgres
from todo.adapters.postgres.programs import EmbeddedPostgresError
from todo.adapters.postgres.url import connect_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Holds a directory until it is killed, and says when it does.
HOLDER = """
import sys, time
from pathlib import Path
from todo.adapters.postgres.embedded import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A cluster that was made and stopped: copying it is quicker than making one for each test."""
    directory = Path(tempfile.mkdtemp(prefix="todo-tests-"))
    with EmbeddedPostgres(directory, durable=False) as url:
        query(url, "CREATE TABLE kept (number int)")
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def directory(template: Path, tmp_path: Path) -> Path:
    """A directory with a cluster that nobody uses."""
    place = tmp_path / "data"
    duplicate(template, place)
    return place


def duplicate(template: Path, place: Path) -> None:
    shutil.copytree(template, place)
    owner = template.joinpath("postgres").stat()
    for path in (place / "postgres", *place.joinpath("postgres").rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def query(url: str, statement: str) -> Any:
    """The first value that the statement answers with."""

    async def ask() -> Any:
        connection = await asyncpg.connect(**connect_arguments(url))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    with asyncio.Runner() as runner:
        return runner.run(ask())


def server_number(directory: Path) -> int:
    return int((directory / "postgres" / "postmaster.pid").read_text().partition("\n")[0])


def wait_until_gone(number: int) -> None:
    deadline = time.monotonic() + 10
    with suppress(ProcessLookupError, FileNotFoundError):
        while time.monotonic() < deadline:
            Path(f"/proc/{number}/cwd").readlink()
            time.sleep(0.02)
        pytest.fail("the server is still there")


def test_what_is_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "new") as url:
        query(url, "CREATE TABLE kept AS SELECT 1 AS number")
        number = server_number(tmp_path / "new")
    wait_until_gone(number)
    with EmbeddedPostgres(tmp_path / "new") as url:
        assert query(url, "SELECT number FROM kept") == 1


def test_the_cluster_needs_nothing_of_the_system(directory: Path) -> None:
    with EmbeddedPostgres(directory) as url:
        locale = "SELECT datlocprovider::text || datlocale || pg_encoding_to_char(encoding) FROM pg_database"
        assert query(url, f"{locale} WHERE datname = 'todo'") == "bC.UTF-8UTF8"
        assert query(url, "SHOW listen_addresses") == ""
        assert query(url, "SHOW data_checksums") == "on"
        assert query(url, "SHOW fsync") == "on"
        assert query(url, "SHOW TimeZone") == "UTC"
    with EmbeddedPostgres(directory, durable=False) as url:
        assert query(url, "SHOW fsync") == "off"


def test_nobody_else_can_reach_it(directory: Path) -> None:
    with EmbeddedPostgres(directory) as url:
        socket_directory = Path(connect_arguments(url)["host"])
        assert socket_directory.stat().st_mode & 0o777 == 0o700


def test_a_start_that_was_cut_off_leaves_no_half_cluster(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path, durable=False) as url:
        assert query(url, "SELECT 1") == 1
    assert not unfinished.exists()


def test_a_killed_server_comes_back_with_everything(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    url = server.start()
    query(url, "INSERT INTO kept VALUES (2)")
    os.kill(server_number(directory), signal.SIGKILL)
    server.stop()
    with EmbeddedPostgres(directory) as url:
        assert query(url, "SELECT sum(number) FROM kept") == 2


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return bool(query(url, "SELECT 1") == 1)
    except (OSError, asyncpg.PostgresError):
        return False


def test_a_server_that_is_kept_is_started_again(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    url = server.start()
    server.keep()
    query(url, "INSERT INTO kept VALUES (3)")
    for _ in range(2):
        number = server_number(directory)
        os.kill(number, signal.SIGKILL)
        wait_for(lambda was=number: answers(url) and server_number(directory) != was)  # type: ignore[misc]
    assert query(url, "SELECT sum(number) FROM kept") == 3
    last = server_number(directory)
    server.stop()
    wait_until_gone(last)


def test_a_server_that_cannot_start_is_not_given_up(directory: Path) -> None:
    with capture_logs() as said:
        server = EmbeddedPostgres(directory)
        server.start()
        server.keep()
        settings = directory / "postgres" / "postgresql.conf"
        good = settings.read_text()
        settings.write_text(f"{good}no_such_setting = 1\n")
        os.kill(server_number(directory), signal.SIGKILL)
        wait_for(lambda: len([line for line in said if line["event"] == "embedded_postgres_not_started"]) >= 3)
        settings.write_text(good)
        wait_for(lambda: any(line["event"] == "embedded_postgres_started" for line in said))
        server.stop()
    failures = [line["reason"] for line in said if line["event"] == "embedded_postgres_not_started"]
    assert all("configuration file" in reason for reason in failures)


def test_a_server_that_a_killed_process_left_behind_is_replaced(directory: Path) -> None:
    holder = hold(directory)
    left_behind = server_number(directory)
    holder.kill()
    holder.communicate()
    assert Path(f"/proc/{left_behind}/cwd").samefile(directory / "postgres")
    with EmbeddedPostgres(directory) as url:
        assert query(url, "SELECT count(*) FROM kept") == 0
        assert server_number(directory) != left_behind
    wait_until_gone(left_behind)


def test_backends_that_outlive_their_server_are_waited_for(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    url = server.start()

    async def leave_a_busy_backend() -> None:
        connection = await asyncpg.connect(**connect_arguments(url))
        busy = asyncio.ensure_future(connection.execute("DO 'BEGIN FOR i IN 1..2e8 LOOP NULL; END LOOP; END'"))
        await asyncio.sleep(0.1)
        os.kill(server_number(directory), signal.SIGKILL)
        busy.cancel()
        with suppress(asyncio.CancelledError, asyncpg.PostgresError, OSError):
            await busy
        connection.terminate()

    with asyncio.Runner() as runner:
        runner.run(leave_a_busy_backend())
    server.stop()
    assert query(server.start(), "SELECT count(*) FROM kept") == 0
    server.stop()


@pytest.mark.parametrize("content", ["", "nonsense\n", "{own}\n/elsewhere\n"])
def test_a_stale_number_is_no_obstacle(directory: Path, content: str) -> None:
    # This process is alive, and no server: as when a number went to another program after a reboot.
    text = content.format(own=os.getpid())
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (directory / "postgres" / name).write_text(text)
    (directory / "postgres" / ".s.PGSQL.5432").touch()
    with EmbeddedPostgres(directory) as url:
        assert query(url, "SELECT 1") == 1


def test_of_two_at_once_the_second_is_refused(directory: Path) -> None:
    with EmbeddedPostgres(directory) as url:
        with pytest.raises(EmbeddedPostgresError, match="Another todo is running"):
            EmbeddedPostgres(directory).start()
        assert query(url, "SELECT 1") == 1


def test_a_path_may_be_longer_than_a_socket_address(template: Path, tmp_path: Path) -> None:
    place = tmp_path / ("long" * 30)
    duplicate(template, place)
    server = EmbeddedPostgres(place)
    url = server.start()
    shortcut = Path(connect_arguments(url)["host"])
    assert query(url, "SELECT 1") == 1
    assert shortcut.parent.stat().st_mode & 0o777 == 0o700
    server.stop()
    assert not shortcut.parent.exists()


def test_data_of_another_version_is_left_alone(directory: Path) -> None:
    (directory / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 17"):
        EmbeddedPostgres(directory).start()


def test_what_the_server_says_when_it_does_not_start_is_passed_on(directory: Path) -> None:
    with (directory / "postgres" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="configuration file"):
        EmbeddedPostgres(directory).start()


def test_a_log_does_not_grow_for_ever(directory: Path) -> None:
    log = directory / "postgres.log"
    with log.open("r+b") as file:
        file.truncate(9 * 1024 * 1024)
    with EmbeddedPostgres(directory):
        assert log.stat().st_size < 100_000
    assert log.with_name("postgres.log.old").exists()


def test_it_can_be_stopped_twice_and_started_again(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    server.start()
    server.stop()
    server.stop()
    assert query(server.start(), "SELECT 1") == 1
    server.stop()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(directory: Path) -> None:
    with EmbeddedPostgres(directory):
        assert os.getsid(server_number(directory)) != os.getsid(0)


def hold(directory: Path) -> subprocess.Popen[str]:
    """Another process that uses the directory."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stdout.readline().startswith("postgresql://")
    return holder
