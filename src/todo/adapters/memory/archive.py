"""All that an owner has, from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todo.adapters.memory.tasks import tasks_of_account
from todo.application.ports import KeptReceipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todo.adapters.memory.belongings import Owners
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class MemoryArchive:
    """All that an owner has, in parts."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def tasks(self, owner: UserId, after: TaskId | None, limit: int) -> Sequence[Task]:
        tasks = tasks_of_account(self._owners[owner])
        return [tasks[task] for task in sorted(tasks) if after is None or task > after][:limit]

    async def receipts(self, owner: UserId, after: str | None, limit: int) -> Sequence[KeptReceipt]:
        belongings = self._owners[owner]
        tasks_of_account(belongings)
        kept = (KeptReceipt(key, *entry) for key, entry in belongings.receipts.items() if after is None or key > after)
        return sorted(kept)[:limit]
