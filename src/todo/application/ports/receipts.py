"""What was done under which key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from todo.domain.task import Task


class Once(NamedTuple):
    """The wish to have something done once, however often it is asked for.

    `key` is what the client calls the request, `fingerprint` tells whether it is the same one.
    """

    key: str
    fingerprint: str


class Outcome(NamedTuple):
    """What a write led to: the tasks as they then were.

    `is_new` if the task was made, not found; `is_replayed` if all of this happened when it was first asked for.
    """

    tasks: tuple[Task, ...]
    is_new: bool = False
    is_replayed: bool = False

    @property
    def task(self) -> Task:
        """The only task of a write that was about one."""
        return self.tasks[0]


class Receipt(NamedTuple):
    """The outcome of a request that was to be done once."""

    fingerprint: str
    outcome: Outcome


class ReceiptRepository(Protocol):
    """The receipts of the one owner whose unit of work this is."""

    async def find(self, key: str, since: datetime) -> Receipt | None:
        """The receipt for this key, if it was written after `since`."""

    async def add(self, once: Once, outcome: Outcome, now: datetime, since: datetime) -> None:
        """Keep the outcome, in the place of an older one; and forget those written up to `since`."""
