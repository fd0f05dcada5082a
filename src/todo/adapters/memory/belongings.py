"""What the store holds, owner by owner."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections import defaultdict

    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import TaskId, UserId


@dataclass(slots=True)
class Belongings:
    """What one owner has."""

    user: User | None = None
    revision: int = 0
    tasks: dict[TaskId, Task] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


Owners: TypeAlias = "defaultdict[UserId, Belongings]"
