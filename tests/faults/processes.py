"""What gets killed: a PostgreSQL server and the installed command, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from tests.containers import SECRET
from todo.adapters.postgres.embedded import EmbeddedPostgres
from todo.adapters.postgres.url import connect_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from asyncpg import Record

TODO = Path(sys.executable).with_name("todo")
T = TypeVar("T")

PATIENCE = 60.0
"""Seconds after which what should have come never will."""


async def until(look: Callable[[], Awaitable[T | None]]) -> T:
    """What is found, as soon as something is."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.05)


class Postgres:
    """A server that keeps what it acknowledged, and that a test may kill, stop and start again at the same place."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._server = EmbeddedPostgres(directory)
        self.url = ""

    @property
    def socket(self) -> str:
        """The path of its Unix socket."""
        return f"{connect_arguments(self.url)['host']}/.s.PGSQL.5432"

    async def start(self) -> None:
        self.url = await asyncio.to_thread(self._server.start)

    async def stop(self) -> None:
        """Stop it as an operator does (fast): whoever is connected is cut off."""
        await asyncio.to_thread(self._server.stop)

    async def kill(self) -> None:
        """SIGKILL to the postmaster, as a machine does that runs out of memory."""
        number = int((self.directory / "postgres" / "postmaster.pid").read_text().partition("\n")[0])
        os.kill(number, signal.SIGKILL)
        await self.stop()

    async def kill_backend(self) -> int:
        """SIGKILL to a process that serves one connection; the server then ends all others and recovers. Its id."""
        query = (
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            " ORDER BY state = 'active' DESC, state_change DESC LIMIT 1"
        )
        number = await until(lambda: self._number(query))
        os.kill(number, signal.SIGKILL)
        return number

    async def _number(self, query: str) -> int | None:
        async with self.admin() as admin:
            number: int | None = await admin.fetchval(query)
            return number

    async def _connection(self) -> asyncpg.Connection[Record] | None:
        with suppress(OSError, asyncpg.PostgresError):
            connection: asyncpg.Connection[Record] = await asyncpg.connect(**connect_arguments(self.url))
            return connection
        return None

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[asyncpg.Connection[Record]]:
        """A connection that no policy binds. Waits for a server that is still recovering."""
        connection = await until(self._connection)
        try:
            yield connection
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=5)


class Service:
    """`todo serve` on a port that stays the same when it is started again."""

    def __init__(self, log: Path, *, workers: int = 1, **settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("TODO_") and name != "DATABASE_URL"
        }
        ours = {
            "TODO_JWT_SECRET": SECRET,
            "TODO_PORT": str(port),
            "TODO_WORKERS": str(workers),
            "TODO_RATE_LIMIT": "off",
            "TODO_LOG_LEVEL": "warning",
            "TODO_SHUTDOWN_SECONDS": "4",
        }
        self._environment: Mapping[str, str] = {**kept, **ours, **settings}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process
        return self._process

    async def start(self) -> None:
        """Start it, and return when it says where it listens."""
        with self.log.open("a") as errors:
            self._process = await asyncio.create_subprocess_exec(
                TODO, "serve", env=self._environment, stdout=asyncio.subprocess.PIPE, stderr=errors
            )
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            while b"/api" not in (line := await self.process.stdout.readline()):
                assert line, self.log.read_text()

    async def kill(self) -> None:
        self.process.kill()
        await self._end()

    async def terminate(self) -> int:
        """SIGTERM, and the status that it exits with."""
        self.process.terminate()
        return await self._end()

    async def stop(self) -> None:
        """End it, if it runs at all, without the notice that SIGTERM gives to those who send it requests."""
        if self._process and self._process.returncode is None:
            self.process.send_signal(signal.SIGINT)
            await self._end()

    def workers(self) -> set[int]:
        """The ids of the processes that serve requests, if there are several: those that have begun no others."""
        parents: dict[int, int] = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                number, _, rest = status.read_text().partition(" ")
                parents[int(number)] = int(rest.rpartition(")")[2].split()[1])
        ours = {self.process.pid}
        while more := {number for number, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return {number for number in ours - set(parents.values()) if _serves(number)}

    def faults(self) -> list[str]:
        """The lines of its log that tell of a bug."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if "Traceback" in line or '"at":' in line]

    async def _end(self) -> int:
        try:
            async with asyncio.timeout(PATIENCE):
                await self.process.communicate()
        except TimeoutError:
            self.process.kill()
            await self.process.communicate()
            raise
        assert self.process.returncode is not None
        return self.process.returncode


def _serves(number: int) -> bool:
    with suppress(OSError):
        command = Path("/proc", str(number), "cmdline").read_bytes()
        return b"multiprocessing" in command and b"resource_tracker" not in command
    return False
