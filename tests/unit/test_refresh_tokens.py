"""Sealed refresh tokens keep the promises."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import digest

import pytest

from tests.builders import a_session_id
from tests.containers import SECRET
from tests.contracts.sessions import RefreshTokensContract
from todo.adapters.refresh_tokens import SealedRefreshTokens
from todo.application.ports import RefreshToken
from todo.domain.errors import InvalidRefreshTokenError

TOKEN = RefreshToken(a_session_id(), 3)


class TestSealedRefreshTokens(RefreshTokensContract):
    @pytest.fixture
    def refresh_tokens(self) -> SealedRefreshTokens:
        return SealedRefreshTokens(SECRET)


def test_a_token_of_another_service_is_none_of_ours() -> None:
    with pytest.raises(InvalidRefreshTokenError):
        SealedRefreshTokens(SECRET).read(SealedRefreshTokens(SECRET + "!").write(TOKEN))


def test_the_secret_itself_seals_nothing() -> None:
    head = SealedRefreshTokens(SECRET).write(TOKEN).rpartition(".")[0]
    seal = urlsafe_b64encode(digest(SECRET.encode(), head.encode(), sha256)).rstrip(b"=").decode()
    with pytest.raises(InvalidRefreshTokenError):
        SealedRefreshTokens(SECRET).read(f"{head}.{seal}")
