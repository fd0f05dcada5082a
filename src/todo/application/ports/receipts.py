"""What was done under which key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.domain.task import Task
    from todo.domain.values import UserId


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


class KeptReceipt(NamedTuple):
    """A receipt where it is kept: under which key, and since when."""

    key: str
    written_at: datetime
    receipt: Receipt


class ReceiptRepository(Protocol):
    """The receipts of the one owner whose unit of work this is."""

    async def find(self, key: str, since: datetime) -> Receipt | None:
        """The receipt for this key, if it was written after `since`."""

    async def add(self, once: Once, outcome: Outcome, now: datetime, since: datetime) -> None:
        """Keep the outcome, in the place of an older one; and forget those written up to `since`."""

    async def forget(self, since: datetime) -> int:
        """Forget those written up to `since`, also of disabled accounts and of none. How many there were."""


class ReceiptDirectory(Protocol):
    """Receipts, before it is known whose."""

    async def owners(self, since: datetime, limit: int) -> Sequence[UserId]:
        """At most `limit` of those who may have receipts written up to `since`, the oldest first.

        Everyone who has is among them, sooner or later. Who has not is named once at most, if
        `ReceiptRepository.forget` is then called for them.
        """
