"""Logging in, staying logged in, and logging out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from todo.application.admission import let_in
from todo.application.passwords import is_password
from todo.application.ports import RefreshToken
from todo.domain.errors import (
    AccountDisabledError,
    InvalidRefreshTokenError,
    RefreshTokenReusedError,
    SessionNotFoundError,
    WrongCredentialsError,
)
from todo.domain.session import Session
from todo.domain.values import SessionId, parse_password

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todo.application.admission import Caller
    from todo.application.limits import AbuseLimits, ClientAddress
    from todo.application.ports import (
        AccessToken,
        Clock,
        NewId,
        PasswordHasher,
        RefreshTokens,
        Store,
        TokenIssuer,
        UnitOfWork,
    )
    from todo.domain.user import User
    from todo.domain.values import Email, UserAgent

REMEMBERED = timedelta(days=30)
"""How long an ended session is kept."""


class SignedIn(NamedTuple):
    """A person, the token that lets them in, and the one that gets the next of both."""

    user: User
    access: AccessToken
    refresh: str


class SessionService:
    """Where people with an account of ours are logged in."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: NewId,
        passwords: PasswordHasher,
        access_tokens: TokenIssuer,
        refresh_tokens: RefreshTokens,
        limits: AbuseLimits,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._limits = limits

    async def log_in(
        self, email: Email, password: str, client: ClientAddress, user_agent: UserAgent | None = None
    ) -> SignedIn:
        """Begin a session.

        `WrongCredentialsError`, after the same time, for an unknown address and for a wrong password;
        `AccountDisabledError` for the right one of a disabled account. `TooManyRequestsError` after too many
        attempts, whatever the password.
        """
        await self._limits.log_in(email, client)
        user = await self._store.users.find_by_email(email)
        if not await is_password(self._passwords, password, user) or user is None or user.password_hash is None:
            raise WrongCredentialsError
        newer_hash = None
        if self._passwords.needs_rehash(user.password_hash):
            newer_hash = await self._passwords.hash(parse_password(password))
        async with self._store.unit_of_work(user.id) as work:
            stored = await work.users.get()
            if stored is None or stored.password_hash != user.password_hash:
                raise WrongCredentialsError  # it was changed, or the account deleted, while this one was looked at
            if stored.disabled_at:
                raise AccountDisabledError
            if newer_hash:
                await work.users.update(replace(stored, password_hash=newer_hash))
            signed_in = await self.begin(work, stored, user_agent)
            await work.sessions.forget(self._clock.now() - REMEMBERED)
            await work.commit()
        return signed_in

    async def begin(self, work: UnitOfWork, user: User, user_agent: UserAgent | None) -> SignedIn:
        """Begin a session in a unit of work of this user, whose caller commits it."""
        now = self._clock.now()
        session = Session(
            id=SessionId(self._new_id()), user=user.id, user_agent=user_agent, created_at=now, last_used_at=now
        )
        await work.sessions.add(session)
        return self._signed_in(user, session)

    async def refresh(self, refresh_token: str, client: ClientAddress) -> SignedIn:
        """Go on with a session.

        `InvalidRefreshTokenError` if it has ended, or if the token is none of ours. If the token was used
        before, the session ends and `RefreshTokenReusedError` says so, but for ten seconds after its first
        use, in which it gets what it got then (see `Session.refreshed`). `TooManyRequestsError` if the
        session or the client refreshes too often.
        """
        await self._limits.refresh(client)
        token = self._refresh_tokens.read(refresh_token)
        await self._limits.refresh_session(token.session)
        owner = await self._store.sessions.owner_of(token.session)
        if owner is None:
            raise InvalidRefreshTokenError
        async with self._store.unit_of_work(owner) as work:
            user = await work.users.get()
            session = await _its(work, token.session)
            if user is None or user.disabled_at:
                raise InvalidRefreshTokenError
            now = self._clock.now()
            try:
                refreshed = session.refreshed(token.generation, now)
            except RefreshTokenReusedError:
                await work.sessions.update(session.revoked(now))
                await work.commit()
                raise
            if refreshed is not session:
                await work.sessions.update(refreshed)
                await work.commit()
        return self._signed_in(user, refreshed)

    async def log_out(self, refresh_token: str) -> None:
        """End the session of this refresh token. One that is not valid any more is nothing to complain of."""
        try:
            token = self._refresh_tokens.read(refresh_token)
        except InvalidRefreshTokenError:
            return
        owner = await self._store.sessions.owner_of(token.session)
        if owner is None:
            return
        async with self._store.unit_of_work(owner) as work:
            try:
                session = await work.sessions.get(token.session)
            except SessionNotFoundError:
                return
            await work.sessions.update(session.revoked(self._clock.now()))
            await work.commit()

    async def live(self, caller: Caller) -> Sequence[Session]:
        """The caller's sessions that have not ended, the newest first."""
        now = self._clock.now()
        return [session for session in await self._store.sessions.of(caller.user) if session.is_live(now)]

    async def end(self, caller: Caller, session_id: SessionId) -> None:
        """End one of the caller's sessions. `SessionNotFoundError` if there is none, or if it has ended already."""
        now = self._clock.now()
        async with self._store.unit_of_work(caller.user) as work:
            _ = let_in(await work.users.get())
            session = await work.sessions.get(session_id)
            if not session.is_live(now):
                raise SessionNotFoundError
            await work.sessions.update(session.revoked(now))
            await work.commit()

    def _signed_in(self, user: User, session: Session) -> SignedIn:
        refresh_token = self._refresh_tokens.write(RefreshToken(session.id, session.generation))
        return SignedIn(user, self._access_tokens.issue(user.id, session.id), refresh_token)


async def _its(work: UnitOfWork, session: SessionId) -> Session:
    try:
        return await work.sessions.get(session)
    except SessionNotFoundError as error:
        raise InvalidRefreshTokenError from error
