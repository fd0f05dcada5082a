"""Whether row-level security really binds whoever runs the service: tried out, in a transaction that is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid4

import asyncpg

from todo.adapters.postgres.migrate import VERSION_TABLE
from todo.adapters.postgres.roles import APPLICATION_ROLE, GRANT_ALL
from todo.adapters.postgres.statements import OWNER_SETTING
from todo.application.checkups import fine, problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncpg import Record

    from todo.application.checkups import Finding

PROTECTED: Final = ("receipts", "sessions", "tasks")
"""The tables whose rows only their owner sees."""
_SHARED: Final = ("identities", "rate_limits", "users")

_OWNER: Final = f"( SELECT current_setting('{OWNER_SETTING}'::text, true) AS current_setting)"
_NAMED: Final = "(id = (NULLIF(current_setting('todo.session'::text, true), ''::text))::uuid)"
_POLICIES: Final = {
    ("receipts", "owner_only"): ("PERMISSIVE", "ALL", f"(owner_id = {_OWNER})", None),
    ("sessions", "named"): ("PERMISSIVE", "SELECT", _NAMED, None),
    ("sessions", "owner_only"): ("PERMISSIVE", "ALL", f"(user_id = {_OWNER})", None),
    ("tasks", "owner_only"): ("PERMISSIVE", "ALL", f"(owner_id = {_OWNER})", None),
}
"""What the migrations make, in the words in which PostgreSQL tells it (pg_policies): by table and name."""

_PLANT: Final = (
    "INSERT INTO users (id, created_at) VALUES ($1, now())",
    """
    INSERT INTO sessions (user_id, id, created_at, last_used_at, generation)
    VALUES ($1, gen_random_uuid(), now(), now(), 0)
    """,
    "INSERT INTO receipts (owner_id, key, fingerprint, outcome, created_at) VALUES ($1, 'probe', '', '{}', now())",
    """
    INSERT INTO tasks (owner_id, id, title, priority, tags, tag_keys, search, created_at, updated_at, revision)
    VALUES ($1, gen_random_uuid(), 'probe', 0, '{}', '{}', 'probe', now(), now(), 1)
    """,
)
"""A user who never was, with one row in each table."""


async def row_security(connection: asyncpg.Connection[Record]) -> list[Finding]:
    """Who runs the service, whether the policies are there, and whether they bind. Within a transaction."""
    (found,) = await connection.fetch(
        "SELECT rolname, rolsuper OR rolbypassrls AS unbound FROM pg_roles WHERE rolname = current_user"
    )
    login, is_unbound = found["rolname"], found["unbound"]
    if is_unbound and (refusal := await _refusal_to_step_down(connection, login)):
        return [refusal]
    role = APPLICATION_ROLE if is_unbound else login
    if schema := await connection.fetchval(
        "SELECT current_schema() WHERE NOT has_schema_privilege($1::name, current_schema(), 'USAGE')", role
    ):
        sentence = f"The role {role} may not use the schema {schema}: GRANT USAGE ON SCHEMA {schema} to it."
        return [problem("role_lacks_rights", sentence)]
    if missing := await _missing_rights(connection, role):
        return [problem("role_lacks_rights", f"The role {role} may not use {', '.join(missing)}: {GRANT_ALL}.")]
    findings = []
    if unprotected := await _unprotected(connection):
        sentence = (
            f"Row-level security is off for {', '.join(unprotected)}, so that only the statements keep people apart:"
            " ALTER TABLE … ENABLE ROW LEVEL SECURITY, and FORCE ROW LEVEL SECURITY, for each."
        )
        findings.append(problem("row_security_off", sentence))
    there = await _policies(connection, role)
    if missing_policies := sorted(_POLICIES.keys() - there.keys()):
        sentence = (
            f"Policies are missing ({_named(missing_policies)}), so that not even its owner finds every row: create"
            " them as `todo migrate` does in an empty database."
        )
        return [*findings, problem("row_security_incomplete", sentence)]
    if altered := sorted(name for name in there if there[name] != _POLICIES.get(name)):
        sentence = (
            f"Policies are not those of `todo migrate` ({_named(altered)}), so that people may see or write what is not"
            " theirs, or miss what is: make them as it does in an empty database, and drop those that it does not make."
        )
        findings.append(problem("row_security_altered", sentence))
    if visible := await _seen_by_others(connection, role if is_unbound else None):
        sentence = (
            f"The role {role} sees rows of everyone in {', '.join(visible)}: its policies must be those of `todo"
            " migrate`, and no others."
        )
        findings.append(problem("row_security_does_not_bind", sentence))
    if not findings:
        steps = f", to which {login} steps down" if is_unbound else ""
        findings.append(fine("row_security", f"Row-level security binds the role {role}{steps}."))
    return findings


async def _refusal_to_step_down(connection: asyncpg.Connection[Record], login: str) -> Finding | None:
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute(f"SET LOCAL ROLE {APPLICATION_ROLE}")
    except asyncpg.PostgresError:
        return problem(
            "role_unbound",
            f"Row-level security does not bind {login}, a superuser or one with BYPASSRLS, who cannot step down to"
            f" {APPLICATION_ROLE} either: as a superuser, CREATE ROLE {APPLICATION_ROLE} NOLOGIN (if it is missing) and"
            f' GRANT {APPLICATION_ROLE} TO "{login}", with rights on all tables; or log in as an ordinary role.',
        )
    finally:
        await attempt.rollback()
    return None


async def _missing_rights(connection: asyncpg.Connection[Record], role: str) -> list[str]:
    rows = await connection.fetch(
        "SELECT DISTINCT name"
        " FROM unnest($1::text[]) AS name, unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS needed"
        " WHERE NOT has_table_privilege($2::name, name, needed) AND (name <> $3 OR needed = 'SELECT') ORDER BY name",
        [*PROTECTED, *_SHARED, VERSION_TABLE],
        role,
        VERSION_TABLE,
    )
    return [row["name"] for row in rows]


async def _unprotected(connection: asyncpg.Connection[Record]) -> list[str]:
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE oid = ANY (SELECT to_regclass(name) FROM unnest($1::text[]) AS name)"
        " AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY relname",
        PROTECTED,
    )
    return [row["relname"] for row in rows]


async def _policies(connection: asyncpg.Connection[Record], role: str) -> dict[tuple[str, str], tuple[str | None, ...]]:
    """Those that bind the role, as `_POLICIES` has them."""
    rows = await connection.fetch(
        "SELECT tablename, policyname, permissive, cmd, qual, with_check FROM pg_policies"
        " WHERE schemaname = current_schema() AND tablename = ANY($1) AND EXISTS (SELECT FROM unnest(roles) AS bound"
        " WHERE CASE bound WHEN 'public' THEN true ELSE pg_has_role($2::name, bound, 'USAGE') END)",
        PROTECTED,
        role,
    )
    return {(table, name): tuple(said) for table, name, *said in rows}


def _named(policies: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{policy} on {table}" for table, policy in policies)


async def _seen_by_others(connection: asyncpg.Connection[Record], role: str | None) -> list[str]:
    """The tables of which somebody sees rows who owns none: who is nobody, or another than whose they are."""
    whole = connection.transaction()
    await whole.start()
    try:
        if role:
            await connection.execute(f"SET LOCAL ROLE {role}")
        await _plant(connection)
        visible: set[str] = set()
        for other in ("", f"probe-{uuid4()}"):
            await connection.execute(f"SELECT set_config('{OWNER_SETTING}', '{other}', true)")
            for table in PROTECTED:
                if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608 - a name of ours
                    visible.add(table)
        return sorted(visible)
    finally:
        await whole.rollback()


async def _plant(connection: asyncpg.Connection[Record]) -> None:
    """Something to see, unless the database only reads or policies forbid it: then there is what there is."""
    owner = f"probe-{uuid4()}"
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT set_config('{OWNER_SETTING}', '{owner}', true)")
            for statement in _PLANT:
                await connection.execute(statement, owner)
    except (asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError):
        return
