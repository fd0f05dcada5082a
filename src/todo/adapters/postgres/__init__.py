"""Tasks and accounts in PostgreSQL: SQLAlchemy Core writes the statements, asyncpg runs them."""
