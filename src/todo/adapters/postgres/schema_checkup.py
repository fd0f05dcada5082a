"""Whether the schema of a database may be used, is of this version, and whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from todo.adapters.postgres.migrate import READ_REVISION, VERSION_TABLE, known_revisions
from todo.adapters.postgres.roles import GRANT_ALL
from todo.adapters.postgres.tables import metadata
from todo.application.checkups import fine, problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from todo.application.checkups import Finding

_NEEDED: Final = {
    VERSION_TABLE: ["version_num"],
    **{table.name: [column.name for column in table.columns] for table in metadata.sorted_tables},
}
"""The columns of each table."""


async def examine_schema(connection: asyncpg.Connection[Record]) -> Finding:
    """What to think of the schema, by whoever is logged in. Within a transaction, which may end with this."""
    (who,) = await connection.fetch(
        "SELECT current_user AS login, current_schema() AS schema, current_setting('search_path') AS path"
    )
    if who["schema"] is None:
        return problem(
            "role_lacks_rights",
            f"The login {who['login']} may use no schema of its search_path ({who['path']}): GRANT USAGE ON SCHEMA … to"
            " it, or mend its search_path.",
        )
    missing = await _missing(connection)
    if set(missing) == set(_NEEDED):
        return revision(None, known_revisions())
    if VERSION_TABLE not in missing:
        try:
            found = await connection.fetch(READ_REVISION)
        except asyncpg.InsufficientPrivilegeError:
            return problem("role_lacks_rights", f"The login {who['login']} may not read {VERSION_TABLE}: {GRANT_ALL}.")
        finding = revision([row["version_num"] for row in found], known_revisions())
        if finding.level != "ok" or not missing:
            return finding
    return problem(
        "schema_incomplete",
        f"The schema lacks {', '.join(missing)}: restore a backup, or make what is missing as `todo migrate` does in an"
        " empty database.",
    )


def revision(found: Sequence[str] | None, known: Sequence[str]) -> Finding:
    """What to think of the revisions that a database says it has; None if it says nothing."""
    if not found:
        return problem("schema_missing", "The database has no schema yet: run `todo migrate`, or `todo serve` once.")
    (one, *others) = found
    if one == known[-1] and not others:
        return fine("schema_current", f"The schema is that of this version (revision {one}).")
    if one in known and not others:
        return problem(
            "schema_behind",
            f"The schema is behind this version (revision {one}, not {known[-1]}): run `todo migrate`.",
        )
    if one > known[-1] and one.isdigit() and not others:
        return problem(
            "schema_ahead",
            f"The schema is ahead of this version (revision {one}; this one knows up to {known[-1]}): run the version"
            " of todo that made it, or a newer one.",
        )
    return problem(
        "schema_unknown",
        f"The schema is of no version of todo (revision {', '.join(found)}): is this the right database?",
    )


async def _missing(connection: asyncpg.Connection[Record]) -> list[str]:
    """The tables that cannot be found, and of the others the columns (`table.column`)."""
    rows = await connection.fetch(
        "SELECT relation, array_agg(attname::text) AS columns FROM unnest($1::text[]) AS relation"
        " JOIN pg_attribute ON attrelid = to_regclass(relation) GROUP BY relation",
        list(_NEEDED),
    )
    there = {row["relation"]: row["columns"] for row in rows}
    return [table for table in _NEEDED if table not in there] + [
        f"{table}.{column}" for table, columns in there.items() for column in _NEEDED[table] if column not in columns
    ]
