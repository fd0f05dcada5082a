"""The change of one task in a unit of work, for use cases and for the stores that they ask to change a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from todo.application.ports import UnitOfWork
    from todo.domain.task import Task
    from todo.domain.values import TaskId


async def change_in(work: UnitOfWork, task: TaskId, change: Callable[[Task], Task]) -> Task:
    """Store what `change` makes of a task, unless that is the very task it was given. `NotFoundError` as of `get`."""
    found = await work.tasks.get(task)
    changed = change(found)
    return found if changed is found else await work.tasks.update(changed)
