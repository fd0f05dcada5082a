"""The tables. Migrations make them; a test holds the two against each other.

Every key leads with the owner: what belongs to one user lies together, a reference to someone else's
row cannot be stored, and the tables can be distributed by owner as they are.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from todo.domain.values import DESCRIPTION_LENGTH, TAGS_COUNT, TITLE_LENGTH

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("email", Text(collation="C"), unique=True),
    Column("name", Text),
    Column("password_hash", Text),
    Column("revision", BigInteger, nullable=False, server_default=text("0")),
    Column("purged_revision", BigInteger, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("email = lower(email)", "email_lower_case"),
    # half-empty pages let the counter move in place, without touching the indexes
    postgresql_with={"fillfactor": 50},
)

tasks = Table(
    "tasks",
    metadata,
    Column("owner_id", Text(collation="C"), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("completed_at", DateTime(timezone=True)),
    Column("priority", SmallInteger, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("due_on", Date),
    Column("due_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    Column("revision", BigInteger, nullable=False),
    CheckConstraint(f"char_length(title) BETWEEN 1 AND {TITLE_LENGTH}", "title_length"),
    CheckConstraint(f"char_length(description) <= {DESCRIPTION_LENGTH}", "description_length"),
    CheckConstraint("priority IN (0, 1, 3, 5, 9)", "priority_known"),
    CheckConstraint(f"cardinality(tags) <= {TAGS_COUNT}", "tags_count"),
    CheckConstraint("due_on IS NULL OR due_at IS NULL", "due_once"),
    postgresql_with={"fillfactor": 90},
)

newest_first = Index(
    "tasks_newest_first_idx",
    tasks.c.owner_id,
    tasks.c.created_at.desc(),
    tasks.c.id.desc(),
    postgresql_where=tasks.c.deleted_at.is_(None),
)
