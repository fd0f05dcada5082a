"""The first schema: users and what is theirs, kept apart by row-level security."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

# The policies bind neither superusers nor roles with BYPASSRLS, and it is often one of these that logs in.
# Such a connection steps down to this role. Who may not make roles is, almost always, bound already.
_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'todo_app') THEN
        CREATE ROLE todo_app NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'todo_app', 'MEMBER') THEN
        EXECUTE format('GRANT todo_app TO %I', current_user);
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- made for another database of this server just now
    WHEN insufficient_privilege THEN RAISE NOTICE 'no role todo_app: this login may not make it';
END
$$
"""

_GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'todo_app') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO todo_app', current_schema());
        GRANT SELECT ON alembic_version TO todo_app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON users, tasks TO todo_app;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.execute(_ROLE)
    op.create_table(
        "users",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="C")),
        sa.Column("name", sa.Text()),
        sa.Column("password_hash", sa.Text()),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("purged_revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="users_pkey"),
        sa.UniqueConstraint("email", name="users_email_key"),
        sa.CheckConstraint("email = lower(email)", name="users_email_lower_case_check"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "tasks",
        sa.Column("owner_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "id", name="tasks_pkey"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="tasks_owner_id_fkey", ondelete="CASCADE"),
        sa.CheckConstraint("char_length(title) BETWEEN 1 AND 500", name="tasks_title_length_check"),
        sa.CheckConstraint("char_length(description) <= 10000", name="tasks_description_length_check"),
        sa.CheckConstraint("priority IN (0, 1, 3, 5, 9)", name="tasks_priority_known_check"),
        sa.CheckConstraint("cardinality(tags) <= 20", name="tasks_tags_count_check"),
        sa.CheckConstraint("due_on IS NULL OR due_at IS NULL", name="tasks_due_once_check"),
        postgresql_with={"fillfactor": 90},
    )
    op.create_index(
        "tasks_newest_first_idx",
        "tasks",
        ["owner_id", sa.text("created_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.execute("ALTER TABLE tasks ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tasks FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_only ON tasks USING (owner_id = current_setting('todo.owner', true))")
    op.execute(_GRANTS)
