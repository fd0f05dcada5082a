"""The Task aggregate."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

from todo.domain.values import Priority, Revision

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from todo.domain.values import Description, Due, Tags, TaskId, Title, UserId


NEVER_STORED = Revision(0)


class TaskChanges(TypedDict, total=False):
    """What a person may set on a task. A key that is absent leaves its field alone."""

    title: Title
    description: Description | None
    completed: bool
    priority: Priority
    tags: Tags
    due: Due | None


class Task(NamedTuple):
    """One thing a user means to do. A change returns a new task, and the same one if nothing changed.

    Times are in UTC. `revision` is the number that the user's writes had reached when this state was
    stored; 0 if it never was. A tuple, because lists are made of hundreds of these: a frozen dataclass takes
    ten times as long to make.
    """

    id: TaskId
    owner: UserId
    title: Title
    created_at: datetime
    updated_at: datetime
    description: Description | None = None
    completed_at: datetime | None = None
    priority: Priority = Priority.NONE
    tags: Tags = ()
    due: Due | None = None
    deleted_at: datetime | None = None
    revision: Revision = NEVER_STORED

    @property
    def completed(self) -> bool:
        """Whether it is done."""
        return self.completed_at is not None

    def changed(self, changes: TaskChanges, now: datetime) -> Self:
        """The task with these fields set; `completed` keeps the moment at which it first became true."""
        fields = {name: value for name, value in changes.items() if name != "completed"}
        if "completed" in changes and changes["completed"] != self.completed:
            fields["completed_at"] = now if changes["completed"] else None
        if all(getattr(self, name) == value for name, value in fields.items()):
            return self
        return self._replace(**fields, updated_at=now)  # type: ignore[arg-type]  # the keys are TaskChanges'

    def toggled(self, now: datetime) -> Self:
        """Done if it was open, open if it was done."""
        return self.changed({"completed": not self.completed}, now)

    def deleted(self, now: datetime) -> Self:
        """The task in the trash, from where it can be restored."""
        return self._replace(deleted_at=now, updated_at=now)

    def restored(self, now: datetime) -> Self:
        """The task out of the trash again, as it was but for the time of its last change."""
        return self._replace(deleted_at=None, updated_at=now)
