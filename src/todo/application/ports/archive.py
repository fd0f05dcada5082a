"""Everything of one owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class TaskArchive(Protocol):
    """All of an owner's tasks, in parts, for taking them away."""

    async def tasks(self, owner: UserId, after: TaskId | None, limit: int) -> Sequence[Task]:
        """At most `limit` tasks in the order of their ids, those in the trash too, from behind `after` on.

        Ids never change, so that a walk meets each task once that is there throughout.
        `InvalidTokenError` if the owner has no account (any more), or a disabled one.
        """
