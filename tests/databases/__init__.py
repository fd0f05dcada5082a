"""Databases as people have them: behind a pooler, of an older version, encrypted, waking up."""
