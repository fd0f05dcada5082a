"""All of an owner's tasks, from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todo.adapters.memory.tasks import tasks_of_account

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todo.adapters.memory.belongings import Owners
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class MemoryTaskArchive:
    """All of an owner's tasks, in parts."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def tasks(self, owner: UserId, after: TaskId | None, limit: int) -> Sequence[Task]:
        tasks = tasks_of_account(self._owners[owner])
        return [tasks[task] for task in sorted(tasks) if after is None or task > after][:limit]
