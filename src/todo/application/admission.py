"""Who is calling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from todo.application.ports import OWN_ISSUER
from todo.domain.errors import InvalidTokenError, NotYourUserError
from todo.domain.values import UserId

if TYPE_CHECKING:
    from todo.application.ports import Claims, Clock, Identity, NewId, Store, TokenVerifier
    from todo.domain.user import User
    from todo.domain.values import SessionId

REMEMBERED = 10_000
REMEMBERED_FOR = timedelta(seconds=30)

_NEVER = None, datetime.min.replace(tzinfo=UTC)


class Caller(NamedTuple):
    """The user on whose behalf a request is made, and what the token says of the occasion.

    `subject` is what the issuer of the token calls the user.
    """

    user: UserId
    subject: str
    session: SessionId | None
    issued_at: datetime
    expires_at: datetime


class AdmissionService:
    """Tells who a caller is by the token that they show, and opens an account for who is new here.

    Our own tokens name the user. Who comes from another issuer is looked up, and remembered for half a minute.
    Who comes with a token that was issued since is looked up anew: it may be for an account that was opened after
    the one that is remembered was deleted in another process.
    """

    def __init__(self, tokens: TokenVerifier, store: Store, clock: Clock, new_id: NewId) -> None:
        self._tokens = tokens
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._known: dict[tuple[str, str], tuple[Identity, datetime]] = {}

    async def admit(self, token: str, named: str | None = None) -> Caller:
        """The caller. `NotYourUserError` if `named`, who the request is about, is neither their id nor their subject.

        `InvalidTokenError` if the token does not say whose it is, or is older than the end of the account
        that it was for.
        """
        claims = await self._tokens.verify(token)
        if claims.issuer == OWN_ISSUER:
            user = UserId(claims.subject)
            if named is not None and named != user:
                raise NotYourUserError
        else:
            user = await self._user_of(claims, named)
        return Caller(user, claims.subject, claims.session, claims.issued_at, claims.expires_at)

    def forget(self, user: UserId) -> None:
        """Look this user up anew: the account was deleted or disabled."""
        for key in [key for key, (identity, _) in self._known.items() if identity.user == user]:
            del self._known[key]

    async def _user_of(self, claims: Claims, named: str | None) -> UserId:
        key = claims.issuer, claims.subject
        now = self._clock.now()
        identity, seen_at = self._known.get(key, _NEVER)
        is_known = now - REMEMBERED_FOR < seen_at >= claims.issued_at
        if not is_known:
            identity = await self._store.identities.find(*key)
        user = identity.user_at(claims.issued_at) if identity else None
        if named is not None and named not in (claims.subject, user):
            raise NotYourUserError
        if user is None:
            fresh_id = UserId(str(self._new_id()))
            identity = await self._store.identities.provision(
                *key, issued_at=claims.issued_at, fresh_id=fresh_id, now=now
            )
            user = identity.user_at(claims.issued_at)
        if user is None or identity is None:
            raise InvalidTokenError
        if not is_known:
            self._remember(key, identity, now)
        return user

    def _remember(self, key: tuple[str, str], identity: Identity, seen_at: datetime) -> None:
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = identity, seen_at


def let_in(user: User | None) -> User:
    """The user, if a token of theirs opens anything: `InvalidTokenError` if they are gone, or disabled."""
    if user is None or user.disabled_at:
        raise InvalidTokenError
    return user
