"""The access tokens that this service issues."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from jose import jwk, jwt

from todo.application.ports import OWN_ISSUER, AccessToken, TrustedIssuer

if TYPE_CHECKING:
    from todo.application.ports import Clock
    from todo.domain.values import SessionId, UserId

ALGORITHM = "HS256"
AUDIENCE = OWN_ISSUER
LIFETIME = 900
"""Seconds from issue to expiry."""


class OwnTokenIssuer:
    """Issues JWTs signed with a secret of at least 32 characters. They carry neither address nor name."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._key = jwk.construct(secret.encode(), ALGORITHM)
        self._clock = clock

    def issue(self, user: UserId, session: SessionId) -> AccessToken:
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": OWN_ISSUER,
            "aud": AUDIENCE,
            "sub": user,
            "sid": str(session),
            "iat": now,
            "exp": now + LIFETIME,
            "jti": secrets.token_urlsafe(16),
        }
        return AccessToken(jwt.encode(claims, self._key, ALGORITHM, headers={"typ": "at+jwt"}), LIFETIME)


def own_issuer(secret: str) -> TrustedIssuer:
    """Ourselves, as one of those whose tokens are accepted."""
    return TrustedIssuer(
        name=OWN_ISSUER,
        audiences=frozenset({AUDIENCE}),
        algorithms=frozenset({ALGORITHM}),
        secret=secret.encode(),
        longest_lifetime=LIFETIME,
    )
