"""What those who run the service can do with anybody's account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from todo.application.passwords import refuse_address
from todo.domain.errors import InvalidError, InvalidTokenError
from todo.domain.user import User
from todo.domain.values import UserId, parse_email, parse_user_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from todo.application.ports import Clock, NewId, PasswordHasher, Store
    from todo.domain.values import Email, Name, Password

USERS_AT_ONCE = 500
"""As many accounts a list reads at once."""


class OperatorService:
    """Accounts, for operators. `InvalidTokenError` if there is no such account (any more)."""

    def __init__(self, store: Store, clock: Clock, new_id: NewId, passwords: PasswordHasher) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._passwords = passwords

    async def find_by_id(self, text: str) -> User | None:
        """The account with this id."""
        try:
            return await self._store.users.get(parse_user_id(text))
        except InvalidError:
            return None

    async def find_by_email(self, text: str) -> User | None:
        """The account with this e-mail address."""
        try:
            return await self._store.users.find_by_email(parse_email(text))
        except InvalidError:
            return None

    async def users(self) -> AsyncIterator[Sequence[User]]:
        """All accounts in the order of their ids, in parts."""
        after = None
        while part := await self._store.users.page(after, USERS_AT_ONCE):
            yield part
            after = part[-1].id

    async def create(self, email: Email, password: Password, name: Name | None) -> User:
        """Open an account. `EmailTakenError` if there is one; `InvalidFieldsError` if the password is the address."""
        refuse_address(password, email)
        user = User(
            id=UserId(str(self._new_id())),
            email=email,
            name=name,
            password_hash=await self._passwords.hash(password),
            created_at=self._clock.now(),
        )
        async with self._store.unit_of_work(user.id) as work:
            await work.users.add(user)
            await work.commit()
        return user

    async def disable(self, user_id: UserId) -> None:
        """Let a user in no more, and end their sessions. Nothing of theirs is lost."""
        now = self._clock.now()
        async with self._store.unit_of_work(user_id) as work:
            user = await work.users.get()
            if user is None:
                raise InvalidTokenError
            await work.users.update(replace(user, disabled_at=user.disabled_at or now))
            await work.sessions.revoke_all(now)
            await work.commit()

    async def enable(self, user_id: UserId) -> None:
        """Let a user in again."""
        async with self._store.unit_of_work(user_id) as work:
            user = await work.users.get()
            if user is None:
                raise InvalidTokenError
            await work.users.update(replace(user, disabled_at=None))
            await work.commit()

    async def reset_password(self, user: User, password: Password) -> None:
        """Give a user another password, and end their sessions. `InvalidFieldsError` if it is the address."""
        refuse_address(password, user.email)
        new_hash = await self._passwords.hash(password)
        async with self._store.unit_of_work(user.id) as work:
            stored = await work.users.get()
            if stored is None:
                raise InvalidTokenError
            await work.users.update(replace(stored, password_hash=new_hash))
            await work.sessions.revoke_all(self._clock.now())
            await work.commit()
