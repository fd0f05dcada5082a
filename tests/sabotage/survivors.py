"""Mutants that no test has to notice, and why."""

from __future__ import annotations

from typing import Final

JUDGED: Final[dict[str, str]] = {
    "application/feed.py FeedService.follow: 0: 0 -> 1": "a stream ends in the second before its token does",
    "adapters/postgres/identities.py _provision: identities.c.ended_at < bindparam('issued_at', "
    "type_=DateTime(timezone: < -> <=": "what was just read has refused the same moment already",
}
"""By name: the reason why the change makes no difference that anybody was promised."""
