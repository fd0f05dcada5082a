"""Accounts in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from todo.domain.errors import EmailTakenError, InvalidTokenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todo.adapters.memory.belongings import Belongings, Owners
    from todo.domain.user import User
    from todo.domain.values import Email, UserId


class MemoryUserDirectory:
    """Accounts, before it is known whose request it is."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def get(self, user: UserId) -> User | None:
        return self._owners[user].user

    async def find_by_email(self, email: Email) -> User | None:
        return self._owners.find_by_email(email)

    async def page(self, after: UserId | None, limit: int) -> Sequence[User]:
        users = [one.user for _, one in self._owners.items() if one.user]
        return [user for user in users if after is None or user.id > after][:limit]


class MemoryUserRepository:
    """The account of one owner, inside a unit of work."""

    def __init__(self, belongings: Belongings, owners: Owners) -> None:
        self._belongings = belongings
        self._owners = owners

    async def get(self) -> User | None:
        return self._belongings.user

    async def add(self, user: User) -> None:
        if user.email and self._owners.find_by_email(user.email):
            raise EmailTakenError
        self._belongings.user = user

    async def update(self, user: User) -> None:
        stored = self._belongings.user
        if stored is None:
            raise InvalidTokenError
        self._belongings.user = replace(
            stored, name=user.name, password_hash=user.password_hash, disabled_at=user.disabled_at
        )

    async def delete(self) -> None:
        self._belongings.clear()
