"""A store in memory that keeps every promise of the ports: for tests, and to prove that the ports are real."""
