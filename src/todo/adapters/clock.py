"""The time and the ids of this machine."""

from __future__ import annotations

from datetime import UTC, datetime

from uuid_utils.compat import uuid7

new_id = uuid7


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
