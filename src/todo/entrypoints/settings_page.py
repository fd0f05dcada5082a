"""The settings as a page to read, made from the class: `docs/settings.md`."""

from __future__ import annotations

from typing import Final

from todo.entrypoints.environment import file_variable, variable
from todo.entrypoints.settings import Settings

_HEAD: Final = """\
# Settings

Environment variables, read once when the service starts. A wrong or misspelt one is one sentence at the start;
`todo doctor` checks them all, and what they lead to. A file `.env` is not read; `.env.example` is for compose.

Where a file is named, the variable with `_FILE` behind its name holds the path of a file with the value in it, as
orchestrators mount secrets: on one line, but for TODO_ISSUERS, and in UTF-8. Only one of the two can be set. The
file is read when the service starts.

With a database URL, a secret that can be guessed is refused: one that is an example, a pattern or shorter than 32
characters. `openssl rand -base64 48` makes a good one.

This page is made by `make settings`.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The whole page, in Markdown."""
    return _HEAD + "".join(f"{row}\n" for row in rows().values())


def rows() -> dict[str, str]:
    """A row of the table for each variable."""
    return {variable(field): _row(field) for field in Settings.model_fields}


def _row(field: str) -> str:
    described = Settings.model_fields[field]
    default = f"`{described.default}`" if described.default not in (None, ()) else ""
    in_file = file_variable(field)
    return (
        f"| `{variable(field)}` | {default} | {described.description}{f' In a file: `{in_file}`.' if in_file else ''} |"
    )
