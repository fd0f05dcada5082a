"""The first schema: users and what is theirs, kept apart by row-level security."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from todo.adapters.postgres.roles import MAKE_ROLE, grant_to_role

revision = "0001"
down_revision = None

# In a SELECT of its own, so that the planner does not look: it would find no owner yet, expect no rows, and
# take an index at random, with which reading one task can mean reading all of the owner's.
_OWNER = "(SELECT current_setting('todo.owner', true))"


def upgrade() -> None:
    op.execute(MAKE_ROLE)
    op.create_table(
        "users",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="C")),
        sa.Column("name", sa.Text()),
        sa.Column("password_hash", sa.Text()),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("purged_revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("open_tasks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("completed_tasks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True)),
        sa.Column("trash_since", sa.DateTime(timezone=True)),
        sa.Column("receipts_since", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="users_pkey"),
        sa.UniqueConstraint("email", name="users_email_key"),
        sa.CheckConstraint("email = lower(email)", name="users_email_lower_case_check"),
        sa.CheckConstraint("open_tasks >= 0 AND completed_tasks >= 0", name="users_tasks_counted_check"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "users_trash_since_idx", "users", ["trash_since"], postgresql_where=sa.text("trash_since IS NOT NULL")
    )
    op.create_index(
        "users_receipts_since_idx", "users", ["receipts_since"], postgresql_where=sa.text("receipts_since IS NOT NULL")
    )
    op.create_table(
        "sessions",
        sa.Column("user_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("user_agent", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("user_id", "id", name="sessions_pkey"),
        sa.UniqueConstraint("id", name="sessions_id_key"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="sessions_user_id_fkey", ondelete="CASCADE"),
        sa.CheckConstraint("char_length(user_agent) <= 200", name="sessions_user_agent_length_check"),
        sa.CheckConstraint("generation >= 0", name="sessions_generation_positive_check"),
    )
    op.execute("ALTER TABLE sessions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE sessions FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owner_only ON sessions USING (user_id = {_OWNER})")
    # A refresh token names its session, and not its user: one who names the session may see whose it is.
    op.execute(
        "CREATE POLICY named ON sessions FOR SELECT"
        " USING (id = nullif(current_setting('todo.session', true), '')::uuid)"
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
        sa.Column("tag_keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("search", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "signature", postgresql.BIT(256), server_default=sa.text("repeat('1', 256)::bit(256)"), nullable=False
        ),
        sa.PrimaryKeyConstraint("owner_id", "id", name="tasks_pkey"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="tasks_owner_id_fkey", ondelete="CASCADE"),
        sa.CheckConstraint("char_length(title) BETWEEN 1 AND 500", name="tasks_title_length_check"),
        sa.CheckConstraint("char_length(description) <= 10000", name="tasks_description_length_check"),
        sa.CheckConstraint("priority = ANY ('{0, 1, 3, 5, 9}')", name="tasks_priority_known_check"),
        sa.CheckConstraint("cardinality(tags) <= 20", name="tasks_tags_count_check"),
        sa.CheckConstraint("cardinality(tag_keys) = cardinality(tags)", name="tasks_tag_keys_count_check"),
        sa.CheckConstraint("due_on IS NULL OR due_at IS NULL", name="tasks_due_once_check"),
        postgresql_with={
            "fillfactor": 90,
            "autovacuum_vacuum_scale_factor": 0.05,
            "autovacuum_vacuum_insert_scale_factor": 0.05,
        },
    )
    op.create_table(
        "identities",
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("issuer", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.Text(collation="C")),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("subject", "issuer", name="identities_pkey"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="identities_user_id_fkey"),
        sa.CheckConstraint("user_id IS NOT NULL OR ended_at IS NOT NULL", name="identities_alive_or_ended_check"),
    )
    op.create_index("identities_user_id_idx", "identities", ["user_id"])
    op.create_table(
        "receipts",
        sa.Column("owner_id", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("outcome", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "key", name="receipts_pkey"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="receipts_owner_id_fkey", ondelete="CASCADE"),
    )
    op.create_index("receipts_age_idx", "receipts", ["owner_id", "created_at"])
    op.create_index(
        "tasks_newest_first_idx",
        "tasks",
        ["owner_id", sa.text("created_at DESC"), sa.text("id DESC"), "completed_at"],
        postgresql_include=["signature"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "tasks_trash_idx",
        "tasks",
        ["owner_id", sa.text("deleted_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index("tasks_revision_idx", "tasks", ["owner_id", "revision"], unique=True)
    for table in ("tasks", "receipts"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owner_only ON {table} USING (owner_id = {_OWNER})")
    op.create_table(
        "rate_limits",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("hits", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="rate_limits_pkey"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("rate_limits_ends_at_idx", "rate_limits", ["ends_at"])
    op.execute(grant_to_role("users", "identities", "sessions", "tasks", "receipts", "rate_limits"))
