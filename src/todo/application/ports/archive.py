"""Everything of one owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todo.application.ports.receipts import KeptReceipt
    from todo.domain.task import Task
    from todo.domain.values import TaskId, UserId


class Archive(Protocol):
    """What an owner has much of, in parts, for taking it away.

    `InvalidTokenError` if the owner has no account (any more), or a disabled one.
    """

    async def tasks(self, owner: UserId, after: TaskId | None, limit: int) -> Sequence[Task]:
        """At most `limit` tasks in the order of their ids, those in the trash too, from behind `after` on.

        Ids never change, so that a walk meets each task once that is there throughout.
        """

    async def receipts(self, owner: UserId, after: str | None, limit: int) -> Sequence[KeptReceipt]:
        """At most `limit` receipts in the order of their keys, from behind `after` on, however old they are."""
