"""Who someone from another issuer is here."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Protocol

from todo.application.ports.tokens import OWN_ISSUER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from todo.domain.values import UserId

BURIED_FOR = timedelta(hours=25)
"""How long a deleted account is remembered by its identity: no token lives longer, clocks that differ included."""


class Identity(NamedTuple):
    """The user whom an issuer knows as a subject; None since that account was deleted, at `ended_at`.

    Who came back after that has an account again, and `ended_at` still tells which tokens are too old for it.
    """

    user: UserId | None
    ended_at: datetime | None = None

    def user_at(self, issued_at: datetime) -> UserId | None:
        """The user that a token issued at this time speaks for."""
        return self.user if self.ended_at is None or issued_at > self.ended_at else None


class Subject(NamedTuple):
    """What an issuer calls someone."""

    issuer: str
    subject: str


def mark_of(user: str) -> Subject:
    """What tells that an account of ours had this id, to who knows the id already, and to nobody else."""
    return Subject(OWN_ISSUER, sha256(user.encode()).hexdigest())


class IdentityDirectory(Protocol):
    """Identities, before it is known whose request it is. Subjects of two issuers are never the same user."""

    async def find(self, issuer: str, subject: str) -> Identity | None:
        """The identity, as far as it was ever seen."""

    async def of(self, user: UserId) -> Sequence[Subject]:
        """Under which names other issuers know the user, in alphabetical order."""

    async def provision(
        self, issuer: str, subject: str, *, issued_at: datetime, fresh_id: UserId, now: datetime
    ) -> Identity:
        """The identity; who has no account gets one, unless the last was deleted at `issued_at` or later.

        The new account's id is the subject, if no user has that id, nobody is or was known under such a subject and
        there is no `mark_of` the id; `fresh_id` otherwise. So whoever still takes the caller for a deleted account
        finds none. However many ask at once, one account is made.
        """


class IdentityRepository(Protocol):
    """The identities of the one owner whose unit of work this is."""

    async def bury(self, now: datetime) -> None:
        """Part them from the account, which is about to be deleted; that it was, they tell for `BURIED_FOR`.

        An account without any leaves `mark_of` itself for as long: tokens of ours may still name it.
        """
