"""Accounts in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todo.domain.errors import EmailTakenError

if TYPE_CHECKING:
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
        return next((one.user for one in self._owners.values() if one.user and one.user.email == email), None)


class MemoryUserRepository:
    """The account of one owner, inside a unit of work."""

    def __init__(self, belongings: Belongings, directory: MemoryUserDirectory) -> None:
        self._belongings = belongings
        self._directory = directory

    async def add(self, user: User) -> None:
        if user.email and await self._directory.find_by_email(user.email):
            raise EmailTakenError
        self._belongings.user = user
