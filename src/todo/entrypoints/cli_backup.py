"""`todo backup` and `todo restore`: all that is the service's, in a file, and back."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from todo.entrypoints.cli_setup import CommandError, bring_up_to_date, database, has_data, read_settings, whereabouts

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from todo.entrypoints.settings import Settings

_STANDARD: Final = "-"


def add_backup(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the commands, each with what carries it out."""
    backup = commands.add_parser(
        "backup",
        help="write all data to a file",
        description="Write all accounts, tasks and sessions, as of one moment, to a file that only you can read. The"
        " service may run meanwhile. The secret that signs tokens is not in it: keep that, too.",
    )
    backup.add_argument("file", metavar="FILE", help="the file to write; - for standard output")
    backup.add_argument("--force", action="store_true", help="replace the file if it exists")
    backup.set_defaults(command=_back_up)
    restore = commands.add_parser(
        "restore",
        help="make the database again from such a file",
        description="Make the database again from a file of `todo backup`, all of it or nothing, and bring its schema"
        " up to date. A file can do whatever the database's login may: restore none that you do not trust.",
    )
    restore.add_argument("file", metavar="FILE", help="the file to read; - for standard input")
    restore.add_argument("--force", action="store_true", help="replace all data that is there")
    restore.set_defaults(command=_restore)


def _back_up(chosen: argparse.Namespace) -> int:
    from todo.adapters.postgres.backup import back_up

    settings = read_settings()
    _refuse_missing(settings)
    with _refusals(), target_file(chosen.file, replace=chosen.force) as target, _database(settings) as url:
        back_up(url, target)
        size = f", {target.stat().st_size:,} bytes" if target else ""
    print(f"Backed up {whereabouts(settings)}{size}.", file=sys.stderr)
    return 0


def _restore(chosen: argparse.Namespace) -> int:
    from todo.adapters.postgres.backup import examine, restore

    settings = read_settings()
    with _refusals(), _source(chosen.file) as (path, name):
        archive = examine(path, name)
        with _database(settings) as url:
            restore(url, archive, replace=chosen.force)
            bring_up_to_date(url)
    print(f"Restored {whereabouts(settings)} as it was at {archive.made_at}.", file=sys.stderr)
    return 0


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    if settings.database_url and settings.database_pooler == "transaction":
        raise CommandError(
            "TODO_DATABASE_POOLER says that TODO_DATABASE_URL leads to a transaction pooler, through which neither a"
            " backup nor a restore works: give the URL of the database itself, and TODO_DATABASE_POOLER=none."
        )
    with database(settings, join=True, as_it_is=True) as url:
        yield url


def _refuse_missing(settings: Settings) -> None:
    if not settings.database_url and not has_data(settings):
        raise CommandError(f"There is no database in {settings.data_dir.absolute()}: there is nothing to back up.")


@contextmanager
def _refusals() -> Iterator[None]:
    from todo.adapters.postgres.backup import BackupError
    from todo.adapters.postgres.libpq import ProgramsError
    from todo.adapters.postgres.migrate import MigrationError
    from todo.adapters.postgres.url import DatabaseUrlError

    try:
        yield
    except (BackupError, DatabaseUrlError, MigrationError, ProgramsError) as error:
        raise CommandError(error) from error


@contextmanager
def target_file(name: str, *, replace: bool) -> Iterator[Path | None]:
    """A file to write, which takes its place when it is complete and on the disk. None for standard output."""
    if name == _STANDARD:
        if sys.stdout.isatty():
            raise CommandError("A backup is not text for a terminal: name a file, or send it on with | or >.")
        yield None
        return
    path = Path(name)
    with _words_for(path):
        is_there = path.exists()
        is_file = path.is_file()
    if is_there and not is_file:
        raise CommandError(f"{path} is no file that could be replaced: name another, or - for standard output.")
    if is_there and not replace:
        raise CommandError(f"{path} exists: choose another name, or replace it with --force.")
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with _words_for(path):
            os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield draft
        with _words_for(path):
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            _put_in_place(draft, path, replace=replace)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _put_in_place(draft: Path, path: Path, *, replace: bool) -> None:
    if replace:
        draft.replace(path)
        return
    try:
        path.hardlink_to(draft)  # which replaces nothing, whoever was faster
    except FileExistsError:
        raise CommandError(f"{path} exists by now: choose another name, or replace it with --force.") from None
    except OSError:  # some file systems have no such links
        draft.rename(path)


@contextmanager
def _words_for(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


@contextmanager
def _source(name: str) -> Iterator[tuple[Path, str]]:
    """A file to read more than once, and what people call it."""
    if name == _STANDARD:
        with tempfile.NamedTemporaryFile() as kept:
            shutil.copyfileobj(sys.stdin.buffer, kept)
            kept.flush()
            yield Path(kept.name), "standard input"
        return
    path = Path(name)
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    yield path.absolute(), name  # which no program takes for one of its options
