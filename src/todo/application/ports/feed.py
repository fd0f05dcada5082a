"""What changed, and when to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from todo.domain.values import Revision

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from todo.application.watches import Watch
    from todo.domain.task import Task
    from todo.domain.values import UserId


START = Revision(-1)
"""Before everything: where a reader begins who has seen nothing. (0 is a place that one may have come to.)"""

NO_HORIZON = Revision(0)
"""Nothing was purged when the reader began."""


class Changes(NamedTuple):
    """The newest state of each task that changed, in the order of their revisions; those in the trash too.

    `until` is where to go on: nothing up to there is missing. Until a reader who began at the start has come
    that far, purges up to `horizon` are none of its concern: it never saw what they removed.
    """

    tasks: Sequence[Task]
    until: Revision
    has_more: bool
    horizon: Revision = NO_HORIZON


class TaskFeed(Protocol):
    """What changed in an owner's tasks, by revision. `InvalidTokenError` if the owner has no account (any more)."""

    async def head(self, owner: UserId) -> Revision:
        """The revision of the owner's last write."""

    async def changes(self, owner: UserId, since: Revision, limit: int, horizon: Revision = NO_HORIZON) -> Changes:
        """At most `limit` of the changes behind this revision; `START` is where everything is behind.

        `CursorExpiredError` if tasks were purged, other than up to the `horizon` of the part before, whose
        removal a reader at `since` may not have seen, or if the store has never come that far.
        """

    def watch(self, owner: UserId) -> AbstractContextManager[Watch]:
        """A watch that is woken after each commit that wrote for this owner, in whatever process, within seconds."""

    def close(self) -> None:
        """End every watch: whoever waits gets `UnavailableError`."""
