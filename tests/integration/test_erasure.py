"""Of who is deleted nothing is left: looked up in every table that there is, whoever made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.containers import postgres_container
from tests.http.service import PASSWORD, running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from tests.builders import StoppedClock

TABLES = "SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = current_schema()"


async def mentioned(admin: asyncpg.Connection[Record], texts: Sequence[str]) -> dict[str, int]:
    """How many rows of which tables hold any of these texts, anywhere."""
    found = {}
    for table in await admin.fetch(TABLES):
        condition = (
            "SELECT count(*) FROM {0} WHERE EXISTS (SELECT FROM unnest($1::text[]) t WHERE strpos({0}::text, t) > 0)"
        )
        if rows := await admin.fetchval(condition.format(table["name"]), list(texts)):
            found[table["name"]] = rows
    return found


async def test_no_row_of_any_table_mentions_them(database_url: str, admin: asyncpg.Connection[Record]) -> None:
    async with running(postgres_container(database_url)) as service:
        ada = await service.sign_up(name="Ada of the erasure")
        task = await ada.add(title="Task of the erasure")
        trashed = await ada.add()
        await ada.delete(ada.path(trashed))
        await ada.post("/api/tasks", body={"title": "Once"}, headers={"Idempotency-Key": "of the erasure"})
        await service.post("/api/auth/login", body={"email": ada.email, "password": PASSWORD})
        theirs = [ada.id, ada.email, task["id"], trashed["id"], "of the erasure"]
        before = await mentioned(admin, theirs)
        assert before.keys() >= {"users", "sessions", "tasks", "receipts"}
        answer = await ada.request("DELETE", "/api/auth/me", body={"password": PASSWORD})
        assert answer.status_code == 204
    assert await mentioned(admin, theirs) == {}


async def test_sessions_are_shown_to_their_owner_and_to_who_names_them(
    database_url: str, admin: asyncpg.Connection[Record], clock: StoppedClock
) -> None:
    """As the role of the service, bound by the policies."""
    async with running(postgres_container(database_url, clock)) as service:
        ada, bob = await service.sign_up(), await service.sign_up()
        (session,) = (await ada.get("/api/auth/sessions")).json()["sessions"]
    async with admin.transaction():
        await admin.execute("SET LOCAL ROLE todo_app")
        assert await admin.fetchval("SELECT count(*) FROM sessions") == 0
        await admin.execute("SELECT set_config('todo.session', $1, true)", session["id"])
        assert [row["user_id"] for row in await admin.fetch("SELECT user_id FROM sessions")] == [ada.id]
        assert await admin.fetchval("WITH gone AS (DELETE FROM sessions RETURNING 1) SELECT count(*) FROM gone") == 0
        await admin.execute("SELECT set_config('todo.session', '', true)")
        await admin.execute("SELECT set_config('todo.owner', $1, true)", bob.id)
        assert [row["user_id"] for row in await admin.fetch("SELECT user_id FROM sessions")] == [bob.id]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await admin.execute("INSERT INTO sessions SELECT $1, gen_random_uuid(), NULL, now(), now(), 0", ada.id)
