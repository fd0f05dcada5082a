"""Where accounts are kept, and how passwords are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from todo.domain.user import User
    from todo.domain.values import Email, Password, UserId


class UserRepository(Protocol):
    """The account of the one owner whose unit of work this is."""

    async def add(self, user: User) -> None:
        """`EmailTakenError` if another account has the address."""


class UserDirectory(Protocol):
    """Accounts, before it is known whose request it is."""

    async def get(self, user: UserId) -> User | None:
        """The account with this id."""

    async def find_by_email(self, email: Email) -> User | None:
        """The account with exactly this address."""


class PasswordHasher(Protocol):
    """Passwords, made safe to keep. Slow on purpose, and never in the way of other requests."""

    async def hash(self, password: Password) -> str:
        """A salted hash that tells how it was made."""

    async def matches(self, password: Password, hashed: str | None) -> bool:
        """Whether this is the password; never, after as long a look, if `hashed` is None."""
