"""Keeping a database in a file, and making it again from one, with PostgreSQL's own pg_dump and pg_restore."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, NamedTuple, cast

from todo.adapters.postgres.libpq import ClientPrograms, environment
from todo.adapters.postgres.migrate import VERSION_TABLE, head, is_current, reach
from todo.adapters.postgres.roles import MAKE_ROLE, grant_to_role
from todo.adapters.postgres.tables import metadata
from todo.adapters.postgres.url import is_pooler, place

if TYPE_CHECKING:
    from pathlib import Path

_TABLES: Final = tuple(table.name for table in metadata.sorted_tables)
_PATIENCE: Final = 60  # seconds, for a lock
_CHUNK: Final = 256 * 1024  # bytes
_PREAMBLE: Final = 4096  # bytes; the settings with which a script begins
_TOO_NEW: Final = b"SET transaction_timeout = 0;\n"  # in every script, though older servers do not know it
_TOO_NEW_SINCE: Final = 17
_NEWER_FORMAT: Final = b"unsupported version"
# Revisions that were given after the backup may have been seen, and must not be given again for something else. Nobody
# writes more than once a millisecond for long, so the time is beyond them, and beyond those after an earlier restore.
_RAISE_REVISIONS: Final = """
UPDATE users SET (revision, purged_revision) = (
    SELECT beyond, beyond FROM greatest(revision + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS beyond
);
"""


class BackupError(Exception):
    """It cannot be backed up or restored. One sentence, without a password and without anybody's data."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What a file says that it holds."""

    path: Path
    name: str
    """What people call it."""
    made_at: str
    made_by: int
    """The major version of the pg_dump that wrote it."""
    tables: tuple[str, ...]
    """Those of the service, without the one that holds the revision of the schema."""


class _Found(NamedTuple):
    version: int
    login: str
    is_bound: bool
    schema: str
    tables: list[str]
    has_accounts: bool


def back_up(url: str, path: Path | None) -> None:
    """Write all that is the service's, as of one moment, in PostgreSQL's custom format: over a file that is there.

    None is for standard output.

    The database may be in use. `BackupError` if it cannot be done; then what was written is worth nothing.
    `ProgramsError` if there is no pg_dump for it, `MigrationError` if the database cannot be reached or has the
    schema of a newer version, `DatabaseUrlError` for a bad URL.
    """
    _refuse_pooler(url)
    found = asyncio.run(_look(url))
    if not found.tables:
        raise BackupError(f"The database at {place(url)} has no schema of todo: there is nothing to back up.")
    if found.is_bound:
        # With --enable-row-security, pg_dump would write nobody's rows, and call that a success.
        raise BackupError(
            f"The login {found.login!r} is bound by row-level security, and would see nobody's tasks: back up with"
            " the URL of a superuser or of a role with BYPASSRLS."
        )
    options = [f"--table={_quoted(found.schema)}.{_quoted(table)}" for table in found.tables]
    dump = ClientPrograms.for_server(found.version, url).command(
        "pg_dump",
        "--format=custom",
        "--no-password",
        "--no-unlogged-table-data",
        f"--lock-wait-timeout={_PATIENCE}s",
        *([f"--file={path}"] if path else []),
        *options,
    )
    done = subprocess.run(dump, env=environment(url), stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise BackupError(f"The database at {place(url)} cannot be backed up: {_reason(done.stderr)}.")


def examine(path: Path, name: str | None = None) -> Archive:
    """Look into a file, which people call `name`. `BackupError` if it is no backup that this version can restore."""
    name = name or str(path)
    reader = ClientPrograms.newest()
    listed, problems = _told_by(reader.command("pg_restore", "--list", str(path)))
    if _NEWER_FORMAT in problems:
        raise BackupError(
            f"{name} was written by a newer pg_dump than the pg_restore {reader.version} that is installed: install"
            " PostgreSQL's client programs of its version."
        )
    if problems:
        raise BackupError(f"{name} is not a backup, or not a whole one: {_reason(problems)}.")
    tables = set(re.findall(r"^\d+; \d+ \d+ TABLE \S+ (\S+) ", listed, re.MULTILINE))
    if not {"users", VERSION_TABLE} <= tables:
        raise BackupError(f"{name} is a PostgreSQL archive, but not a backup of todo.")
    command = reader.command("pg_restore", "--data-only", f"--table={VERSION_TABLE}", "--file=-", str(path))
    revision = re.search(r"^COPY .*\n(\S+)$", _told_by(command)[0], re.MULTILINE)
    if not revision:
        raise BackupError(f"{name} is damaged: it does not tell which schema it has.")
    if revision[1] > head():
        raise BackupError(
            f"{name} was made by a newer version of todo (its schema is {revision[1]}, and this one knows up to"
            f" {head()}): restore it with that version."
        )
    made_at = re.search(r"^;\s+Archive created at (.+)$", listed, re.MULTILINE)
    made_by = re.search(r"^;\s+Dumped by pg_dump version: (\d+)", listed, re.MULTILINE)
    return Archive(
        path,
        name,
        made_at[1] if made_at else "an unknown time",
        int(made_by[1]) if made_by else 0,
        tuple(table for table in _TABLES if table in tables),
    )


def restore(url: str, archive: Archive, *, replace: bool = False) -> None:
    """Make the database that is in the archive: all of it or, whatever happens, nothing.

    A schema without accounts in it gives way; one with accounts only with `replace`. What comes back has the
    schema of then: migrate it afterwards. The rights of the service's role, which no archive holds, are given
    anew. Revisions go on from the present time in milliseconds, and every cursor of before has expired: what was
    written after the backup is lost, and who has seen it has to start over. Errors as in `back_up`.
    """
    _refuse_pooler(url)
    found = asyncio.run(_look(url, any_version=replace))
    if found.has_accounts and not replace:
        raise BackupError(
            f"The database at {place(url)} has accounts already: restore into an empty one, or replace all that is"
            " there with --force."
        )
    programs = ClientPrograms.for_server(max(found.version, archive.made_by), url)
    read = programs.command("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(archive.path))
    run = programs.command("psql", "--no-psqlrc", "--no-password", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-")
    with (
        tempfile.TemporaryFile() as problems,
        subprocess.Popen(read, stdout=subprocess.PIPE, stderr=problems) as source,
        subprocess.Popen(
            run, env=environment(url), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=problems
        ) as sink,
    ):
        script, session = cast("IO[bytes]", source.stdout), cast("IO[bytes]", sink.stdin)
        try:
            session.write(_opening(found).encode())
            beginning = script.read(_PREAMBLE)
            if programs.version >= _TOO_NEW_SINCE > found.version:
                beginning = beginning.replace(_TOO_NEW, b"", 1)
            session.write(beginning)
            while chunk := script.read(_CHUNK):
                session.write(chunk)
            is_whole = source.wait() == 0
            if is_whole:  # else the transaction ends with the connection, and is undone
                session.write(_closing(found, archive).encode())
            session.close()
        except BrokenPipeError:
            is_whole = False
            source.terminate()
        if sink.wait() or not is_whole:
            problems.seek(0)
            raise BackupError(
                f"{archive.name} cannot be restored, and nothing has changed: {_reason(problems.read())}."
            )


async def _look(url: str, *, any_version: bool = False) -> _Found:
    connection = await reach(url)
    try:
        row = await connection.fetchrow(
            "SELECT current_setting('server_version_num')::int / 10000 AS version, current_user AS login,"
            " NOT (rolsuper OR rolbypassrls) AS is_bound, current_schema() AS schema,"
            " ARRAY(SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relname = ANY($1)"
            " AND relnamespace = current_schema()::regnamespace ORDER BY relname) AS tables"
            " FROM pg_roles WHERE rolname = current_user",
            [*_TABLES, VERSION_TABLE],
        )
        if row is None or row["schema"] is None:
            raise BackupError(f"The login of {place(url)} has no schema to work in: see its search_path.")
        if row["tables"] and VERSION_TABLE not in row["tables"]:
            raise BackupError(
                f"The database at {place(url)} has tables that are not todo's, but have their names"
                f" ({', '.join(row['tables'])}): use another database."
            )
        if row["tables"] and not any_version:
            await is_current(connection)  # a newer schema may have more than this version knows
        accounts = "SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM identities)"
        has_accounts = {"users", "identities"} <= set(row["tables"]) and await connection.fetchval(accounts)
        return _Found(**dict(row.items()), has_accounts=bool(has_accounts))
    finally:
        await connection.close(timeout=5)


def _opening(found: _Found) -> str:
    there = ", ".join(f"{_quoted(found.schema)}.{_quoted(table)}" for table in found.tables)
    drop = f"DROP TABLE {there};\n" if there else ""
    # the script sets no limit of its own, and this one is for getting the tables
    return f"BEGIN;\nSET LOCAL lock_timeout = '{_PATIENCE}s';\n{drop}"


def _closing(found: _Found, archive: Archive) -> str:
    rights = grant_to_role(*archive.tables)
    return f"SET LOCAL search_path = {_quoted(found.schema)};\n{_RAISE_REVISIONS}{MAKE_ROLE};\n{rights};\nCOMMIT;\n"


def _refuse_pooler(url: str) -> None:
    if is_pooler(url):
        raise BackupError(
            f"{place(url)} is a pooler, which pg_dump and pg_restore do not work through: give the URL of the"
            " database itself."
        )


def _told_by(command: list[str]) -> tuple[str, bytes]:
    """What a program says, and of what it complains if it fails."""
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout.decode(errors="replace"), (done.stderr or b"it says nothing") if done.returncode else b""


def _reason(said: bytes) -> str:
    """The first line that calls itself an error, from there on: what comes after it may quote rows."""
    text = said.decode(errors="replace").strip()
    error = re.search(r"\b(?:error|ERROR|FATAL):\s+(.+)", text)
    return (error[1] if error else text.partition("\n")[0]).rstrip(". ") or "it says nothing"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
