"""Which tokens can be trusted: our own, and those of the issuers that the settings name."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jose import jwk, jwt

from todo.adapters.jose.gate import look_at
from todo.adapters.jose.own import own_issuer
from todo.application.ports import OWN_ISSUER, Claims
from todo.domain.errors import InvalidTokenError
from todo.domain.values import SessionId, parse_user_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx
    from jose.backends.base import Key

    from todo.adapters.jose.gate import Unverified
    from todo.adapters.jose.jwks import KeySet
    from todo.application.ports import Clock, TrustedIssuer

SHARED_SECRET = "HS256"
"""The one algorithm that a shared secret is ever used with, and that published keys never are."""
LEEWAY = 10
"""Seconds by which two clocks may differ."""
REMEMBERED = 10_000
REMEMBERED_FOR = timedelta(minutes=5)

# Times are left to `check`: python-jose asks the machine's clock, takes an `iat` of tomorrow, and a token in the very
# second in which it ends. What it requires it also verifies, so `exp` is required there, too.
_OPTIONS = {
    **{f"require_{claim}": True for claim in ("iat", "sub")},
    **{f"verify_{claim}": False for claim in ("exp", "nbf", "aud", "iss", "at_hash")},
}


class JoseTokenVerifier:
    """Verifies our own tokens, which `secret` signs, and those of others.

    The first of the others whose tokens may lack `iss` owns those that do. `fetched` hears of every fetch of keys
    whether it succeeded.

    A token that was found good is remembered by its SHA-256 for five minutes, never beyond its expiry, and
    ten thousand of them at most. That takes HS256 from 84 µs to 1.2, and EdDSA from 205 to 1.2.
    """

    def __init__(
        self,
        secret: str,
        others: Iterable[TrustedIssuer],
        clock: Clock,
        fetched: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._fetched = fetched
        self._http: httpx.AsyncClient | None = None
        self._issuers: dict[str, _Issuer] = {}
        self._unnamed: _Issuer | None = None
        for trusted in (own_issuer(secret), *others):
            issuer = _Issuer(trusted, self._key_set(trusted.jwks_url) if trusted.jwks_url else None)
            self._issuers[trusted.name] = issuer
            if "iss" in trusted.optional:
                self._unnamed = self._unnamed or issuer
        self._remembered: dict[bytes, tuple[Claims, datetime]] = {}

    async def verify(self, token: str) -> Claims:
        now = self._clock.now()
        fingerprint = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        remembered = self._remembered.get(fingerprint)
        if remembered and now < remembered[1]:
            return remembered[0]
        claims = await self._verified(token, now.timestamp())
        if len(self._remembered) >= REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[fingerprint] = claims, min(claims.expires_at, now + REMEMBERED_FOR)
        return claims

    async def close(self) -> None:
        for issuer in self._issuers.values():
            if issuer.key_set:
                await issuer.key_set.close()
        if self._http:
            await self._http.aclose()

    def _key_set(self, url: str) -> KeySet:
        # Imported here, so that a start without such issuers does not wait for them.
        import httpx

        from todo.adapters.jose.jwks import KeySet

        self._http = self._http or httpx.AsyncClient(timeout=None)  # noqa: S113  # a key set has a limit for all of it
        return KeySet(url, self._http, fetched=self._fetched)

    async def _verified(self, token: str, now: float) -> Claims:
        seen = look_at(token)
        name = seen.claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if "iss" not in seen.claims:
            issuer = self._unnamed
        if issuer is None or seen.algorithm not in issuer.trusted.algorithms:
            raise InvalidTokenError
        key = await issuer.key(seen)
        try:
            claims = jwt.decode(token, key, [seen.algorithm], options=_OPTIONS)
            issuer.check(claims, seen.algorithm, now)
            return _claims(issuer.trusted.name, claims)
        except Exception as error:  # python-jose raises more than its own errors
            raise InvalidTokenError from error


class _Issuer:
    """An issuer, and its keys."""

    def __init__(self, trusted: TrustedIssuer, key_set: KeySet | None) -> None:
        self.trusted = trusted
        self.key_set = key_set
        # made here, because python-jose would take a text that is JSON for a set of keys
        self._secret = jwk.construct(trusted.secret, SHARED_SECRET) if trusted.secret else None

    async def key(self, seen: Unverified) -> Key:
        """The key that the token must be signed with."""
        key: Key | None = None
        if seen.algorithm == SHARED_SECRET:
            key = self._secret
        elif self.key_set and "iss" in seen.claims and seen.key_id:
            key = await self.key_set.find(seen.key_id, seen.algorithm)
        if key is None:
            raise InvalidTokenError
        return key

    def check(self, claims: dict[str, Any], algorithm: str, now: float) -> None:
        """`InvalidTokenError`, or some other error, unless the token is meant for us, and now."""
        issued_at, expires_at, begins_at = claims["iat"], claims["exp"], claims.get("nbf", 0)
        match claims:
            case {"aud": str(audience)}:
                is_for_us = audience in self.trusted.audiences
            case {"aud": list(audiences)}:
                is_for_us = not self.trusted.audiences.isdisjoint(audiences)
            case {"aud": _}:
                is_for_us = False
            case _:
                may_lack = algorithm == SHARED_SECRET and "aud" in self.trusted.optional
                is_for_us = may_lack or not self.trusted.audiences
        if (
            not is_for_us
            or not all(type(time) is int for time in (issued_at, expires_at, begins_at))
            or max(issued_at, begins_at) > now + LEEWAY
            or now >= expires_at + LEEWAY
            or not 0 < expires_at - issued_at <= self.trusted.longest_lifetime
        ):
            raise InvalidTokenError


def _claims(issuer: str, claims: dict[str, Any]) -> Claims:
    return Claims(
        issuer,
        parse_user_id(claims["sub"]),
        datetime.fromtimestamp(claims["iat"], UTC),
        datetime.fromtimestamp(claims["exp"], UTC),
        SessionId(UUID(claims["sid"])) if issuer == OWN_ISSUER else None,
    )
