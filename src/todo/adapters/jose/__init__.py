"""Access tokens as signed JWTs (RFC 7519), on python-jose."""
