"""What one can do with an account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from todo.application.admission import let_in
from todo.application.passwords import is_password, refuse_address
from todo.domain.errors import (
    Flaw,
    FreshTokenNeededError,
    InvalidFieldsError,
    WrongPasswordError,
)
from todo.domain.user import User
from todo.domain.values import UserId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from todo.application.admission import AdmissionService, Caller
    from todo.application.limits import AbuseLimits, ClientAddress
    from todo.application.ports import Clock, KeptReceipt, NewId, PasswordHasher, Store, Subject, UnitOfWork
    from todo.application.sessions import SessionService, SignedIn
    from todo.domain.session import Session
    from todo.domain.task import Task
    from todo.domain.values import Email, Name, Password, TaskId, UserAgent

FRESH = timedelta(minutes=5)
"""How old a token may be that serves instead of a password."""
TASKS_AT_ONCE = 500
"""As many tasks an export reads at once, so that a large one holds little memory …"""
RECEIPTS_AT_ONCE = 10
"""… and as many receipts, which hold up to a hundred tasks each."""


class Export(NamedTuple):
    """Everything that is kept of a user. The tasks come in parts, those in the trash too, and so do the receipts."""

    user: User
    identities: Sequence[Subject]
    sessions: Sequence[Session]
    tasks: AsyncIterator[Sequence[Task]]
    receipts: AsyncIterator[Sequence[KeptReceipt]]


class AccountService:
    """Accounts, for the people they belong to. `InvalidTokenError` if the account is gone, or disabled."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: NewId,
        passwords: PasswordHasher,
        sessions: SessionService,
        admission: AdmissionService,
        limits: AbuseLimits,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._passwords = passwords
        self._sessions = sessions
        self._admission = admission
        self._limits = limits

    async def register(
        self,
        email: Email,
        password: Password,
        name: Name | None,
        client: ClientAddress,
        user_agent: UserAgent | None = None,
    ) -> SignedIn:
        """Open an account. `EmailTakenError` if there is one; `InvalidFieldsError` if the password is the address."""
        await self._limits.sign_up(email, client)
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
            signed_in = await self._sessions.begin(work, user, user_agent)
            await work.commit()
        return signed_in

    async def me(self, user_id: UserId) -> User:
        """The caller's account."""
        return let_in(await self._store.users.get(user_id))

    async def rename(self, user_id: UserId, name: Name | None) -> User:
        """Call the caller by another name, or by none."""
        async with self._store.unit_of_work(user_id) as work:
            renamed = replace(let_in(await work.users.get()), name=name)
            await work.users.update(renamed)
            await work.commit()
        return renamed

    async def change_password(self, caller: Caller, current: str, new: Password) -> None:
        """Set another password, and end every session but the caller's. `WrongPasswordError`."""
        user = await self._proven(caller, current)
        refuse_address(new, user.email, "new_password")
        new_hash = await self._passwords.hash(new)
        async with self._store.unit_of_work(user.id) as work:
            stored = await _unchanged(work, user)
            await work.users.update(replace(stored, password_hash=new_hash))
            await work.sessions.revoke_all(self._clock.now(), spare=caller.session)
            await work.commit()

    async def delete(self, caller: Caller, password: str | None) -> None:
        """Erase the account and everything that belongs to it.

        `WrongPasswordError`. Who has no password here shows a token of the last five minutes instead, else
        `FreshTokenNeededError`.
        """
        user = await self.me(caller.user)
        if user.password_hash is None:
            if self._clock.now() - caller.issued_at > FRESH:
                raise FreshTokenNeededError
        elif password is None:
            raise InvalidFieldsError([Flaw("password", "missing", "is required.")])
        else:
            user = await self._proven(caller, password)
        async with self._store.unit_of_work(user.id) as work:
            _ = await _unchanged(work, user)
            # an issuer's clock may be ahead, and the token that was shown must not open the account again
            await work.identities.bury(max(self._clock.now(), caller.issued_at))
            await work.users.delete()
            await work.commit()
        self._admission.forget(user.id)

    async def export(self, user_id: UserId) -> Export:
        """Everything that is kept of the user.

        Each task that is there throughout is in it once, as it was when its part was read.
        """
        user = await self.me(user_id)
        identities = await self._store.identities.of(user_id)
        sessions = await self._store.sessions.of(user_id)
        return Export(user, identities, sessions, self._tasks(user_id), self._receipts(user_id))

    async def _tasks(self, owner: UserId) -> AsyncIterator[Sequence[Task]]:
        after: TaskId | None = None
        while part := await self._store.archive.tasks(owner, after, TASKS_AT_ONCE):
            yield part
            after = part[-1].id

    async def _receipts(self, owner: UserId) -> AsyncIterator[Sequence[KeptReceipt]]:
        after: str | None = None
        while part := await self._store.archive.receipts(owner, after, RECEIPTS_AT_ONCE):
            yield part
            after = part[-1].key

    async def _proven(self, caller: Caller, password: str) -> User:
        """The caller's account, if this is its password. `TooManyRequestsError` after too many attempts."""
        await self._limits.confirm(caller.user)
        user = await self.me(caller.user)
        if not await is_password(self._passwords, password, user):
            raise WrongPasswordError
        return user


async def _unchanged(work: UnitOfWork, user: User) -> User:
    """The account as it now is; `WrongPasswordError` if the password was changed since it was looked at."""
    stored = let_in(await work.users.get())
    if stored.password_hash != user.password_hash:
        raise WrongPasswordError
    return stored
