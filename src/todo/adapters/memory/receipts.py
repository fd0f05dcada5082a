"""Receipts in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todo.adapters.memory.tasks import tasks_of_account
from todo.application.ports import Receipt

if TYPE_CHECKING:
    from datetime import datetime

    from todo.adapters.memory.belongings import Belongings
    from todo.application.ports import Once, Outcome


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
