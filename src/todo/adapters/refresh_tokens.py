"""Refresh tokens that nothing has to be stored for: they name their session, and are sealed (HMAC-SHA256)."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from uuid import UUID

from todo.application.ports import RefreshToken
from todo.domain.errors import InvalidRefreshTokenError
from todo.domain.values import SessionId

_FORM = re.compile(r"rt_([0-9a-f]{32})\.(0|[1-9][0-9]{0,8})\.[A-Za-z0-9_-]{43}")


class SealedRefreshTokens:
    """Writes `rt_<session>.<generation>.<seal>` with a key of its own, derived from the service's secret."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"todo refresh tokens", hashlib.sha256)

    def write(self, token: RefreshToken) -> str:
        named = f"rt_{token.session.hex}.{token.generation}"
        seal = hmac.digest(self._key, named.encode(), hashlib.sha256)
        return f"{named}.{urlsafe_b64encode(seal).rstrip(b'=').decode()}"

    def read(self, text: str) -> RefreshToken:
        form = _FORM.fullmatch(text)
        if form is None:
            raise InvalidRefreshTokenError
        token = RefreshToken(SessionId(UUID(form[1])), int(form[2]))
        if not hmac.compare_digest(self.write(token), text):
            raise InvalidRefreshTokenError
        return token
