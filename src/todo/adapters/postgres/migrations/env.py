"""Alembic runs this file for every command: over the connection, and in the transaction, that it was given."""

from __future__ import annotations

from alembic import context

# Without the declared tables: their naming convention would be applied to names that are written out in full.
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
