"""On a real PostgreSQL: a throwaway container, or the embedded server."""
