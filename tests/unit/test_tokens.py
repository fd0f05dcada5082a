"""Our own access tokens: what they say, what they keep to themselves, and which of them are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON, StoppedClock, a_session_id, a_user_id
from tests.containers import SECRET, memory_container
from tests.contracts.tokens import TokenContract, part
from todo.adapters.jose.gate import LONGEST
from todo.domain.errors import InvalidTokenError

if TYPE_CHECKING:
    from todo.application.ports import TokenIssuer, TokenVerifier
    from todo.entrypoints.container import Container

Json = dict[str, Any]

HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


@pytest.fixture
def container(clock: StoppedClock) -> Container:
    return memory_container(clock)


@pytest.fixture
def issuer(container: Container) -> TokenIssuer:
    return container.token_issuer()


@pytest.fixture
def verifier(container: Container) -> TokenVerifier:
    return container.token_verifier()


@pytest.fixture
def header(issuer: TokenIssuer) -> Json:
    return read(issuer.issue(a_user_id(), a_session_id()).text)[0]


@pytest.fixture
def claims(issuer: TokenIssuer) -> Json:
    return read(issuer.issue(a_user_id(), a_session_id()).text)[1]


def read(token: str) -> tuple[Json, Json]:
    """The header and the claims of a token, as anyone can read them."""
    header, claims = (json.loads(base64.urlsafe_b64decode(f"{one}==")) for one in token.split(".")[:2])
    return header, claims


def signed(header: Json, claims: object, secret: str = SECRET, algorithm: str = "HS256") -> str:
    """A token that is signed correctly, whatever it says."""
    text = f"{part(header)}.{part(claims)}"
    seal = hmac.digest(secret.encode(), text.encode(), HASHES[algorithm])
    return f"{text}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"


class TestOurTokens(TokenContract): ...


class TestWhatATokenSays:
    def test_it_names_its_bearer_and_nothing_else_about_them(self, issuer: TokenIssuer) -> None:
        user = a_user_id()
        header, claims = read(issuer.issue(user, a_session_id()).text)
        assert claims["sub"] == user
        assert set(claims) <= {"iss", "aud", "sub", "iat", "exp", "jti", "sid"}
        assert header == {"alg": "HS256", "typ": "at+jwt"}

    def test_it_lasts_a_quarter_of_an_hour(self, issuer: TokenIssuer) -> None:
        token = issuer.issue(a_user_id(), a_session_id())
        claims = read(token.text)[1]
        assert token.expires_in == 900 == claims["exp"] - claims["iat"]
        assert claims["iat"] == NOON.timestamp()

    @pytest.mark.parametrize("year", [2001, 2026, 2400])
    async def test_only_one_clock_tells_the_time(self, year: int) -> None:
        container = memory_container(StoppedClock(datetime(year, 1, 1, tzinfo=UTC)))
        user = a_user_id()
        token = container.token_issuer().issue(user, a_session_id()).text
        assert (await container.token_verifier().verify(token)).subject == user


class TestWhatIsRefused:
    """Each token is one that we would have made ourselves, but for one thing."""

    async def test_a_token_made_in_the_same_way_is_taken(
        self, verifier: TokenVerifier, header: Json, claims: Json
    ) -> None:
        assert (await verifier.verify(signed(header, claims))).subject == claims["sub"]

    @pytest.mark.parametrize("secret", [f"{SECRET} ", SECRET[:-1], SECRET.upper(), "", "\0"])
    async def test_another_secret(self, verifier: TokenVerifier, header: Json, claims: Json, secret: str) -> None:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(signed(header, claims, secret))

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    async def test_another_algorithm(self, verifier: TokenVerifier, header: Json, claims: Json, algorithm: str) -> None:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(signed(header | {"alg": algorithm}, claims, algorithm=algorithm))

    @pytest.mark.parametrize(
        "algorithm", ["none", "None", "hs256", "RS256", "ES256", "EdDSA", "", None, 256, ["HS256"]]
    )
    async def test_an_algorithm_that_the_signature_is_not_of(
        self, verifier: TokenVerifier, header: Json, claims: Json, algorithm: object
    ) -> None:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(signed(header | {"alg": algorithm}, claims))

    @pytest.mark.parametrize(
        "more",
        [
            {"crit": ["exp"]},
            {"crit": []},
            {"crit": None},
            {"typ": "JWE"},
            {"typ": "better-auth.session-cache+jwt"},
            {"typ": 1},
            {"typ": None},
            {"typ": ["JWT"]},
            {"kid": 1},
            {"kid": None},
            {"kid": {}},
            {"x": {"y": 1}},
            {"jwk": {"kty": "oct", "k": "YQ"}},
        ],
        ids=str,
    )
    async def test_a_header_that_asks_for_more(
        self, verifier: TokenVerifier, header: Json, claims: Json, more: Json
    ) -> None:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(signed(header | more, claims))

    @pytest.mark.parametrize("name", ["iss", "aud", "sub", "iat", "exp"])
    async def test_a_claim_that_is_missing_or_no_claim(
        self, verifier: TokenVerifier, header: Json, claims: Json, name: str
    ) -> None:
        without = {other: value for other, value in claims.items() if other != name}
        odd: list[object] = [None, True, [], {}, "", "\0", -1, 1.5, [None], 2**70]
        for changed in (without, *(claims | {name: value} for value in odd)):
            with pytest.raises(InvalidTokenError):
                await verifier.verify(signed(header, changed))

    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "someone else"},
            {"aud": "someone else"},
            {"aud": ["someone else"]},
            {"sub": "i" * 256},
            {"sub": "é"},
            {"nbf": int(NOON.timestamp()) + 60},
        ],
        ids=str,
    )
    async def test_a_claim_that_is_not_ours(
        self, verifier: TokenVerifier, header: Json, claims: Json, changes: Json
    ) -> None:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(signed(header, claims | changes))

    @pytest.mark.parametrize(
        ("begins", "ends"),
        [(0, 10**9), (0, 0), (0, -1), (-2000, -1100), (60, 900), (-(10**6), 60), (0, 2**62), (-(2**62), 60)],
    )
    async def test_a_time_that_is_too_long_or_not_now(
        self, verifier: TokenVerifier, header: Json, claims: Json, begins: int, ends: int
    ) -> None:
        now = int(NOON.timestamp())
        with pytest.raises(InvalidTokenError):
            await verifier.verify(signed(header, claims | {"iat": now + begins, "exp": now + ends}))

    async def test_a_token_may_be_so_long_and_no_longer(
        self, verifier: TokenVerifier, header: Json, claims: Json
    ) -> None:
        tokens = (signed(header, claims | {"more": "x" * count}) for count in range(LONGEST))
        longest = next(token for token in tokens if len(token) >= LONGEST)
        assert len(longest) == LONGEST
        assert (await verifier.verify(longest)).subject == claims["sub"]
        with pytest.raises(InvalidTokenError):
            await verifier.verify(next(tokens))

    async def test_claims_that_are_no_object(self, verifier: TokenVerifier, header: Json) -> None:
        for claims in ([], "sub", 1, None, [["sub", "a"]]):
            with pytest.raises(InvalidTokenError):
                await verifier.verify(signed(header, claims))

    @given(
        st.dictionaries(
            st.sampled_from(["iss", "aud", "sub", "iat", "exp", "jti", "nbf", "at_hash", "sid"]),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]),
        )
    )
    async def test_anything_else_that_is_signed_makes_it_stumble_no_more_than_that(self, changes: Json) -> None:
        container = memory_container(StoppedClock())
        header, claims = read(container.token_issuer().issue(a_user_id(), a_session_id()).text)
        try:
            verified = await container.token_verifier().verify(signed(header, claims | changes))
        except InvalidTokenError:
            return
        assert verified.subject == (claims | changes)["sub"]
