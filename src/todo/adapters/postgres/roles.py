"""The role that the service runs as, where the one that logs in is not bound by row-level security.

Roles belong to the server, not to a database: a migration makes this one, and so does a restore.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ROLE = "todo_app"
"""The role that a connection steps down to, if the one that logs in is not bound by row-level security."""

GRANT_ALL: Final = "GRANT SELECT, INSERT, UPDATE, DELETE on all tables of the schema to it"
"""What to do for a role that may not use them, as the end of a sentence."""

# The policies bind neither superusers nor roles with BYPASSRLS, and it is often one of these that logs in.
# Such a connection steps down to this role. Who may not make roles is, almost always, bound already.
MAKE_ROLE = f"""
DO $$
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APPLICATION_ROLE}') THEN
            CREATE ROLE {APPLICATION_ROLE} NOLOGIN;
        END IF;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;  -- made for another database of this server just now
    END;
    -- Whoever made the role may give it to others, and so to themselves, but has no right to take it yet.
    EXECUTE format('GRANT {APPLICATION_ROLE} TO %I', current_user);
EXCEPTION
    WHEN insufficient_privilege THEN RAISE NOTICE 'no role {APPLICATION_ROLE}: this login may not make it';
END
$$
"""


def grant_to_role(*tables: str) -> str:
    """SQL that lets the role work on these tables of the current schema, and read its revision; if there is one."""
    return f"""
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{APPLICATION_ROLE}') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO {APPLICATION_ROLE}', current_schema());
        GRANT SELECT ON alembic_version TO {APPLICATION_ROLE};
        GRANT SELECT, INSERT, UPDATE, DELETE ON {", ".join(tables)} TO {APPLICATION_ROLE};
    END IF;
END
$$
"""
