"""What one can do with an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from todo.domain.errors import Flaw, InvalidError, InvalidFieldsError, InvalidTokenError, WrongCredentialsError
from todo.domain.user import User
from todo.domain.values import UserId, parse_password

if TYPE_CHECKING:
    from todo.application.ports import AccessToken, Clock, NewId, PasswordHasher, Store, TokenIssuer
    from todo.domain.values import Email, Name, Password


class SignedIn(NamedTuple):
    """A person, and the token that lets them in."""

    user: User
    token: AccessToken


class AccountService:
    """Accounts of our own: people who sign up here, with an address and a password."""

    def __init__(
        self, store: Store, clock: Clock, new_id: NewId, passwords: PasswordHasher, tokens: TokenIssuer
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._passwords = passwords
        self._tokens = tokens

    async def register(self, email: Email, password: Password, name: Name | None) -> SignedIn:
        """Open an account. `EmailTakenError` if there is one; `InvalidFieldsError` if the password is the address."""
        if password.lower() == email:
            raise InvalidFieldsError([Flaw("password", "same_as_email", "must not be the e-mail address.")])
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
        return self._sign_in(user)

    async def log_in(self, email: Email, password: str) -> SignedIn:
        """`WrongCredentialsError`, after the same time, for an unknown address and for a wrong password."""
        user = await self._store.users.find_by_email(email)
        try:
            typed = parse_password(password)
        except InvalidError as error:
            raise WrongCredentialsError from error
        if not await self._passwords.matches(typed, user.password_hash if user else None) or user is None:
            raise WrongCredentialsError
        return self._sign_in(user)

    async def me(self, user_id: UserId) -> User:
        """The caller's account. `InvalidTokenError` if it is gone."""
        user = await self._store.users.get(user_id)
        if user is None:
            raise InvalidTokenError
        return user

    def _sign_in(self, user: User) -> SignedIn:
        return SignedIn(user, self._tokens.issue(user.id))
