"""Mutants that no test has to notice, and why."""

from __future__ import annotations

from typing import Final

JUDGED: Final[dict[str, str]] = {
    "application/feed.py FeedService.follow: 0: 0 -> 1": "a stream ends in the second before its token does",
    "application/zones.py parse_zone: 1: 1 -> 2": "the nearest of two names is the nearest",
    "application/limits.py AbuseLimits._key: 16: 16 -> 17": "a key that is a byte longer names as well",
    "entrypoints/http/cursors.py Cursors.open: len(cursor) > _LONGEST: > -> >=": "no cursor is as long as that",
    "adapters/jose/verifier.py _Issuer.check: 0: 0 -> 1": "no token is from the first second of 1970",
    "adapters/postgres/statements.py me: True: True -> False": "who refers to the account has its turn already",
    "adapters/postgres/task_writes.py _update: seen: nothing": "only PostgreSQL releases before autumn 2025 need it",
    "entrypoints/connections.py Connection._feed: self.parser.set_dangerous_leniencies(lenient_data_after_close=True): "
    "pass": "behind the last request there is no answer to anything",
    "entrypoints/http/dependencies.py session_id: raise SessionNotFoundError from error: pass": "every session has one",
    "adapters/postgres/identities.py _provision: identities.c.ended_at < bindparam('issued_at', "
    "type_=DateTime(timezone: < -> <=": "what was just read has refused the same moment already",
}
"""By name: the reason why the change makes no difference that anybody was promised."""
