"""Receipts in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todo.adapters.memory.tasks import tasks_of_account
from todo.application.ports import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.adapters.memory.belongings import Belongings, Owners
    from todo.application.ports import Once, Outcome
    from todo.domain.values import UserId


class MemoryReceiptRepository:
    """The receipts of one owner, inside a unit of work."""

    def __init__(self, belongings: Belongings) -> None:
        self._belongings = belongings

    async def find(self, key: str, since: datetime) -> Receipt | None:
        written_at, receipt = self._belongings.receipts.get(key, (since, None))
        tasks_of_account(self._belongings)
        return receipt if written_at > since else None

    async def add(self, once: Once, outcome: Outcome, now: datetime, since: datetime) -> None:
        kept = {key: entry for key, entry in self._belongings.receipts.items() if entry[0] > since}
        self._belongings.receipts = {**kept, once.key: (now, Receipt(once.fingerprint, outcome))}

    async def forget(self, since: datetime) -> int:
        kept = {key: entry for key, entry in self._belongings.receipts.items() if entry[0] > since}
        forgotten = len(self._belongings.receipts) - len(kept)
        self._belongings.receipts = kept
        return forgotten


class MemoryReceiptDirectory:
    """Receipts, of all owners."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def owners(self, since: datetime, limit: int) -> Sequence[UserId]:
        oldest = {
            owner: min(written_at for written_at, _ in belongings.receipts.values())
            for owner, belongings in self._owners.items()
            if belongings.receipts
        }
        return sorted((owner for owner in oldest if oldest[owner] <= since), key=oldest.__getitem__)[:limit]
