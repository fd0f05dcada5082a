"""Who has something in the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.domain.values import UserId


class TrashDirectory(Protocol):
    """Trash, before it is known whose."""

    async def owners(self, deleted_before: datetime, limit: int) -> Sequence[UserId]:
        """At most `limit` of those who may have tasks in the trash since before this time, the longest first.

        Everyone who has is among them, sooner or later. Who has not is named once at most, if
        `TaskRepository.purge_before` is then called for them.
        """
