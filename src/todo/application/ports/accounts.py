"""Where accounts are kept, and how passwords are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todo.domain.user import User
    from todo.domain.values import Email, Password, UserId


class UserRepository(Protocol):
    """The account of the one owner whose unit of work this is, whether disabled or not."""

    async def get(self) -> User | None:
        """The account; None if there is none (any more)."""

    async def add(self, user: User) -> None:
        """`EmailTakenError` if another account has the address."""

    async def update(self, user: User) -> None:
        """Store the name, the password's hash, and when the account was disabled. Nothing else of it changes.

        `InvalidTokenError` if there is no account (any more).
        """

    async def delete(self) -> None:
        """Erase the account and everything that belongs to it. Without an account there is nothing to erase."""


class UserDirectory(Protocol):
    """Accounts, disabled or not, before it is known whose request it is."""

    async def get(self, user: UserId) -> User | None:
        """The account with this id."""

    async def find_by_email(self, email: Email) -> User | None:
        """The account with exactly this address."""

    async def page(self, after: UserId | None, limit: int) -> Sequence[User]:
        """At most `limit` accounts in the order of their ids, from behind `after` or from the first one on."""


class PasswordHasher(Protocol):
    """Passwords, made safe to keep. Slow on purpose, and never in the way of other requests.

    `UnavailableError` if more passwords wait to be hashed than can be done in a moment.
    """

    async def hash(self, password: Password) -> str:
        """A salted hash that tells how it was made."""

    async def matches(self, password: Password, hashed: str | None) -> bool:
        """Whether this is the password; never, after as long a look, if `hashed` is None."""

    def needs_rehash(self, hashed: str) -> bool:
        """Whether `hash` would make it in another way today."""
