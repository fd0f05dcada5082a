"""What `TokenIssuer` and `TokenVerifier` promise of each other. A subclass brings `issuer`, `verifier` and `clock`."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_session_id, a_user_id
from tests.contracts.texts import OWNER_IDS
from todo.domain.errors import InvalidTokenError
from todo.domain.values import UserId

if TYPE_CHECKING:
    from tests.builders import StoppedClock
    from todo.application.ports import TokenIssuer, TokenVerifier


def part(content: object) -> str:
    """A part of a token, as JSON in base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def deep(levels: int) -> str:
    return base64.urlsafe_b64encode(b"[" * levels + b"]" * levels).rstrip(b"=").decode()


NO_TOKENS = {
    "nothing": "",
    "blanks": "   ",
    "a word": "token",
    "dots": "..",
    "more dots": "....",
    "two parts": f"{part({'alg': 'HS256'})}.{part({})}",
    "four parts": f"{part({'alg': 'HS256'})}.{part({})}.a.b",
    "not base64": "%%%.%%%.%%%",
    "not JSON": "YWJj.YWJj.YWJj",
    "no objects": f"{part([])}.{part('a')}.YWJj",
    "no algorithm": f"{part({})}.{part({})}.YWJj",
    "algorithm none": f"{part({'alg': 'none'})}.{part({'sub': 'a'})}.YWJj",
    "algorithm none, unsigned": f"{part({'alg': 'none'})}.{part({'sub': 'a'})}.",
    "an algorithm that is a list": f"{part({'alg': ['HS256']})}.{part({})}.YWJj",
    "a deep header": f"{deep(3000)}.{part({})}.YWJj",
    "deep claims": f"{part({'alg': 'HS256'})}.{deep(3000)}.YWJj",
    "very long": f"{part({'alg': 'HS256'})}.{part({'sub': 'a' * 100_000})}.YWJj",
    "NUL": "\0.\0.\0",
    "half a character": "\ud800.\ud800.\ud800",
    "letters from elsewhere": "é.é.é",
    "a line break at its end": f"{part({'alg': 'HS256'})}.{part({})}.YWJj\n",
}


class TokenContract:
    @pytest.mark.parametrize("user_id", [str(a_user_id()), *OWNER_IDS.values()], ids=["uuid", *OWNER_IDS.keys()])
    async def test_a_token_says_whose_it_is(self, issuer: TokenIssuer, verifier: TokenVerifier, user_id: str) -> None:
        assert (await verifier.verify(issuer.issue(UserId(user_id), a_session_id()).text)).subject == user_id

    async def test_a_token_says_in_which_session(self, issuer: TokenIssuer, verifier: TokenVerifier) -> None:
        session = a_session_id()
        assert (await verifier.verify(issuer.issue(a_user_id(), session).text)).session == session

    async def test_a_token_says_when_it_began_and_ends(
        self, issuer: TokenIssuer, verifier: TokenVerifier, clock: StoppedClock
    ) -> None:
        token = issuer.issue(a_user_id(), a_session_id())
        claims = await verifier.verify(token.text)
        assert claims.issued_at == clock.now()
        assert claims.expires_at == clock.now() + timedelta(seconds=token.expires_in)

    async def test_a_token_can_be_shown_again_and_again(self, issuer: TokenIssuer, verifier: TokenVerifier) -> None:
        first, second = a_user_id(), a_user_id()
        tokens = {first: issuer.issue(first, a_session_id()).text, second: issuer.issue(second, a_session_id()).text}
        for _ in range(3):
            for user, token in tokens.items():
                assert (await verifier.verify(token)).subject == user

    async def test_no_two_tokens_are_alike(self, issuer: TokenIssuer) -> None:
        user = a_user_id()
        assert issuer.issue(user, a_session_id()).text != issuer.issue(user, a_session_id()).text

    @pytest.mark.parametrize("is_known", [True, False], ids=["seen before", "never seen"])
    async def test_a_token_is_good_until_it_ends(
        self, issuer: TokenIssuer, verifier: TokenVerifier, clock: StoppedClock, *, is_known: bool
    ) -> None:
        token = issuer.issue(a_user_id(), a_session_id())
        if is_known:
            await verifier.verify(token.text)
        clock.go_on(seconds=token.expires_in - 1)
        await verifier.verify(token.text)

    @pytest.mark.parametrize("is_known", [True, False], ids=["seen before", "never seen"])
    async def test_a_token_that_has_ended_is_refused(
        self, issuer: TokenIssuer, verifier: TokenVerifier, clock: StoppedClock, *, is_known: bool
    ) -> None:
        token = issuer.issue(a_user_id(), a_session_id())
        if is_known:
            await verifier.verify(token.text)
        clock.go_on(seconds=token.expires_in + 60)
        with pytest.raises(InvalidTokenError):
            await verifier.verify(token.text)

    async def test_a_token_from_the_future_is_refused(
        self, issuer: TokenIssuer, verifier: TokenVerifier, clock: StoppedClock
    ) -> None:
        token = issuer.issue(a_user_id(), a_session_id())
        clock.go_on(minutes=-5)
        with pytest.raises(InvalidTokenError):
            await verifier.verify(token.text)

    async def test_a_token_of_which_any_character_changed_is_refused(
        self, issuer: TokenIssuer, verifier: TokenVerifier
    ) -> None:
        token = issuer.issue(a_user_id(), a_session_id()).text
        await verifier.verify(token)
        for place, character in enumerate(token):
            for other in "Ab_" if place % 7 == 0 or place > len(token) - 3 else "A":
                if other != character:
                    with pytest.raises(InvalidTokenError):
                        await verifier.verify(token[:place] + other + token[place + 1 :])

    async def test_a_token_with_something_more_or_less_is_refused(
        self, issuer: TokenIssuer, verifier: TokenVerifier
    ) -> None:
        token = issuer.issue(a_user_id(), a_session_id()).text
        header, claims, signature = token.split(".")
        for changed in (
            *(f"{token}{more}" for more in ("=", "==", ".", "\n", " ", "A", "%00")),
            *(f"{more}{token}" for more in (" ", ".", "A", "Bearer ")),
            token[:-1],
            f"{header}.{claims}.",
            f"{header}..{signature}",
            f"{claims}.{header}.{signature}",
            f"{header}=.{claims}=.{signature}",
        ):
            with pytest.raises(InvalidTokenError):
                await verifier.verify(changed)

    @pytest.mark.parametrize("text", NO_TOKENS.values(), ids=NO_TOKENS.keys())
    async def test_what_is_no_token_is_refused(self, verifier: TokenVerifier, text: str) -> None:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(text)

    @given(
        text=st.text()
        | st.lists(st.binary(max_size=30).map(lambda some: base64.urlsafe_b64encode(some).decode().rstrip("="))).map(
            ".".join
        )
    )
    async def test_nothing_makes_it_stumble(self, verifier: TokenVerifier, text: str) -> None:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(text)
