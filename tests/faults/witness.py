"""A witness in the database: each row of `tasks` that is written leaves a line, in the transaction that writes it.

A line is there if and only if its write was committed. So the lines tell what happened, in order, whatever the
service believes; and `tasks` must be what the lines add up to.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg
    from asyncpg import Record

_INSTALL = """
CREATE SCHEMA IF NOT EXISTS witness;
CREATE TABLE IF NOT EXISTS witness.lines (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id text NOT NULL,
    before jsonb,
    after jsonb
);
CREATE INDEX IF NOT EXISTS lines_owner ON witness.lines (owner_id, number);
CREATE OR REPLACE FUNCTION witness.write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO witness.lines (owner_id, before, after) VALUES (
        coalesce(new.owner_id, old.owner_id),
        CASE WHEN tg_op <> 'INSERT' THEN to_jsonb(old) END,
        CASE WHEN tg_op <> 'DELETE' THEN to_jsonb(new) END
    );
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER witness AFTER INSERT OR UPDATE OR DELETE ON tasks
    FOR EACH ROW EXECUTE FUNCTION witness.write();
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of `tasks` before and after one write; None where there was none."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def task(self) -> str:
        return str((self.after or self.before or {})["id"])

    @property
    def revision(self) -> int | None:
        """The number that the write took. A purge takes none."""
        return int(self.after["revision"]) if self.after else None

    @property
    def effect(self) -> tuple[str, str]:
        """What the write did, and to what: the text that it brought, or else the task."""
        before, after = self.before, self.after
        if after is None:
            return "purge", self.task
        if before is None:
            return "create", after["title"]
        if before["description"] != after["description"]:
            return "change", after["description"]
        if (before["deleted_at"] is None) != (after["deleted_at"] is None):
            return ("delete" if after["deleted_at"] else "restore"), self.task
        if (before["completed_at"] is None) != (after["completed_at"] is None):
            return ("complete" if after["completed_at"] else "reopen"), self.task
        return "nothing", self.task


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the database holds of one owner."""

    account: dict[str, Any]
    tasks: Sequence[dict[str, Any]]
    lines: Sequence[Line]


async def install(admin: asyncpg.Connection[Record]) -> None:
    """Let every write from now on leave a line."""
    await admin.execute(_INSTALL)


async def hear(admin: asyncpg.Connection[Record], owner: str) -> Evidence:
    """What the database holds of this owner, all at one moment."""
    async with admin.transaction(isolation="repeatable_read", readonly=True):
        account = await admin.fetchval("SELECT to_jsonb(users) FROM users WHERE id = $1", owner)
        tasks = await admin.fetch("SELECT to_jsonb(tasks) AS task FROM tasks WHERE owner_id = $1", owner)
        lines = await admin.fetch("SELECT before, after FROM witness.lines WHERE owner_id = $1 ORDER BY number", owner)
    return Evidence(
        json.loads(account),
        [json.loads(row["task"]) for row in tasks],
        [Line(*(text and json.loads(text) for text in row)) for row in lines],
    )
