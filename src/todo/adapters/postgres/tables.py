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
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB, UUID

from todo.adapters.postgres.signatures import BITS
from todo.domain.values import DESCRIPTION_LENGTH, TAGS_COUNT, TITLE_LENGTH, USER_AGENT_LENGTH

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
    # outside the trash; counted by each write, so that no list has to be read as a whole to tell how long it is
    Column("open_tasks", Integer, nullable=False, server_default=text("0")),
    Column("completed_tasks", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("disabled_at", DateTime(timezone=True)),
    # nothing in the trash is older than this; who has never deleted anything has none
    Column("trash_since", DateTime(timezone=True)),
    # the same for receipts
    Column("receipts_since", DateTime(timezone=True)),
    CheckConstraint("email = lower(email)", "email_lower_case"),
    CheckConstraint("open_tasks >= 0 AND completed_tasks >= 0", "tasks_counted"),
    # half-empty pages let the counter move in place, without touching the indexes
    postgresql_with={"fillfactor": 50},
)

sessions = Table(
    "sessions",
    metadata,
    Column("user_id", Text(collation="C"), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("user_agent", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    # a refresh token names its session, and not its user
    UniqueConstraint("id"),
    CheckConstraint(f"char_length(user_agent) <= {USER_AGENT_LENGTH}", "user_agent_length"),
    CheckConstraint("generation >= 0", "generation_positive"),
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
    # what the application makes of the texts, to be compared without case and accents
    Column("tag_keys", ARRAY(Text), nullable=False),
    Column("search", Text(collation="C"), nullable=False),
    # of what is searched; all ones, that it may hold any word
    Column("signature", BIT(BITS), nullable=False, server_default=text(f"repeat('1', {BITS})::bit({BITS})")),
    CheckConstraint(f"char_length(title) BETWEEN 1 AND {TITLE_LENGTH}", "title_length"),
    CheckConstraint(f"char_length(description) <= {DESCRIPTION_LENGTH}", "description_length"),
    # with IN, PostgreSQL would make the array anew at each write
    CheckConstraint("priority = ANY ('{0, 1, 3, 5, 9}')", "priority_known"),
    CheckConstraint(f"cardinality(tags) <= {TAGS_COUNT}", "tags_count"),
    CheckConstraint("cardinality(tag_keys) = cardinality(tags)", "tag_keys_count"),
    CheckConstraint("due_on IS NULL OR due_at IS NULL", "due_once"),
    # an index alone is believed only where nothing was written since the last vacuum
    postgresql_with={
        "fillfactor": 90,
        "autovacuum_vacuum_scale_factor": 0.05,
        "autovacuum_vacuum_insert_scale_factor": 0.05,
    },
)

# Read before it is known whose row it is, so no policy guards it. The reference to the user stops an account
# from being deleted before its identities are parted from it.
identities = Table(
    "identities",
    metadata,
    Column("subject", Text(collation="C"), primary_key=True),
    Column("issuer", Text(collation="C"), primary_key=True),
    Column("user_id", Text(collation="C"), ForeignKey("users.id")),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("user_id IS NOT NULL OR ended_at IS NOT NULL", "alive_or_ended"),
    Index("identities_user_id_idx", "user_id"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("owner_id", Text(collation="C"), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text(collation="C"), primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("outcome", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("receipts_age_idx", "owner_id", "created_at"),
)

by_revision = Index("tasks_revision_idx", tasks.c.owner_id, tasks.c.revision, unique=True)

trash = Index(
    "tasks_trash_idx",
    tasks.c.owner_id,
    tasks.c.deleted_at.desc(),
    tasks.c.id.desc(),
    postgresql_where=tasks.c.deleted_at.is_not(None),
)

oldest_receipts = Index(
    "users_receipts_since_idx", users.c.receipts_since, postgresql_where=users.c.receipts_since.is_not(None)
)

oldest_trash = Index("users_trash_since_idx", users.c.trash_since, postgresql_where=users.c.trash_since.is_not(None))

# the last columns let open or completed tasks, and those that may hold a word, be found without a look at other rows
newest_first = Index(
    "tasks_newest_first_idx",
    tasks.c.owner_id,
    tasks.c.created_at.desc(),
    tasks.c.id.desc(),
    tasks.c.completed_at,
    postgresql_include=[tasks.c.signature],
    postgresql_where=tasks.c.deleted_at.is_(None),
)

# Of nobody in particular, and worth nothing after a crash. The keys are hashes, but for the name of the limit.
rate_limits = Table(
    "rate_limits",
    metadata,
    Column("key", Text(collation="C"), primary_key=True),
    Column("hits", BigInteger, nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)

over_first = Index("rate_limits_ends_at_idx", rate_limits.c.ends_at)
