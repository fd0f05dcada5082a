"""Tokens of other issuers, with keys from a real server on this machine: which are taken, and which are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.builders import NOON, StoppedClock
from tests.issuing import (
    ALGORITHMS,
    ISSUER,
    NOW,
    SECRET,
    Signer,
    as_json,
    base64url,
    claims,
    key_server,
    shared,
    shared_raw,
    with_both,
    with_keys,
)
from todo.adapters.jose.verifier import JoseTokenVerifier
from todo.domain.errors import InvalidTokenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.issuing import KeyServer

OWN_SECRET: Final = "a secret of our own, which is long enough"
ELSEWHERE: Final = "https://id.example.com"
SUBJECT: Final = claims()["sub"]

ED, EC, EC_LONG, PSS, RSA = (Signer(algorithm, f"{algorithm}-key") for algorithm in ALGORITHMS)
OTHER_ED = Signer("EdDSA", "not published")
SMALL_RSA = Signer("RS256", "small", bits=1024)


@pytest.fixture(scope="module")
async def keys() -> AsyncIterator[KeyServer]:
    hidden_by_use = Signer("ES256", "for-encryption")
    async with key_server(
        *(ED, EC, EC_LONG, PSS, RSA, SMALL_RSA),
        hidden_by_use.jwk(use="enc"),
        {"kty": "oct", "kid": "octets", "k": base64url(SECRET.encode()), "alg": "HS256"},
        {"kty": "oct", "kid": "EdDSA-octets", "k": base64url(SECRET.encode())},
        {"kty": "OKP", "crv": "Ed25519", "kid": "short", "x": "AAAA", "alg": "EdDSA"},
        {"kty": "EC", "crv": "P-256", "kid": "no point", "x": "AAAA", "y": "AAAA", "alg": "ES256"},
        {"nothing": "at all"},
    ) as server:
        yield server


@pytest.fixture
async def verifier(keys: KeyServer, clock: StoppedClock) -> AsyncIterator[JoseTokenVerifier]:
    elsewhere = replace(with_keys(keys.url, ELSEWHERE), algorithms=frozenset({"RS256"}))
    verifier = JoseTokenVerifier(OWN_SECRET, [with_both(keys.url), elsewhere], clock)
    yield verifier
    await verifier.close()


def deep(levels: int) -> bytes:
    return b'{"alg":"HS256","x":' + b"[" * levels + b"]" * levels + b"}"


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in claims().items() if key != name}


def cut(token: str, count: int) -> str:
    """The token with a shorter signature that is still base64url."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[:-count]}"


def swapped(token: str, **changes: Any) -> str:
    """Other claims under the same signature."""
    header, _, signature = token.split(".")
    return f"{header}.{base64url(as_json(claims(**changes)))}.{signature}"


def not_canonical(token: str) -> str:
    """The same bytes, of which the unused bits at the end of the signature are set (RFC 4648, section 3.5)."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


def with_claims(text: str) -> str:
    """Signed claims that no JSON library writes: `…` stands for the usual ones."""
    usual = json.dumps(claims())[1:-1]
    return shared(text.replace("…", usual).encode())


REFUSED: Final[dict[str, Callable[[], str]]] = {
    # no signature, or somebody else's
    "alg none, unsigned": lambda: f"{base64url(as_json({'alg': 'none'}))}.{base64url(as_json(claims()))}.",
    "alg none, with a signature": lambda: shared(alg="none"),
    "alg None": lambda: shared(alg="None"),
    "alg in lower case": lambda: shared(alg="hs256"),
    "alg missing": lambda: shared(alg=None),
    "alg empty": lambda: shared(alg=""),
    "alg a list": lambda: shared(alg=["HS256"]),
    "alg a number": lambda: shared(alg=256),
    "alg HS512": lambda: shared(alg="HS512"),
    "another secret": lambda: shared(secret=f"{SECRET}."),
    "an empty secret": lambda: shared(secret=""),
    "our own secret": lambda: shared(secret=OWN_SECRET),
    "our own issuer, their secret": lambda: shared(claims(iss="todo", aud="todo")),
    "claims swapped": lambda: swapped(shared(), sub="someone-else"),
    "EdDSA claims swapped": lambda: swapped(ED.token(), sub="someone-else"),
    "signature cut by 1": lambda: cut(shared(), 1),
    "signature cut by half": lambda: cut(ED.token(), 43),
    "ES256 signature cut": lambda: cut(EC.token(), 2),
    "ES256 signature of zeros": lambda: f"{EC.token().rpartition('.')[0]}.{base64url(bytes(64))}",
    "EdDSA signature of zeros": lambda: f"{ED.token().rpartition('.')[0]}.{base64url(bytes(64))}",
    # one algorithm's key used for another
    "HS256 with the RSA key's PEM": lambda: shared(secret=RSA.pem(), kid="RS256-key"),
    "HS256 with the EC key's PEM": lambda: shared(secret=EC.pem(), kid="ES256-key"),
    "HS256 with the Ed25519 key": lambda: shared(secret=ED.jwk()["x"], kid="EdDSA-key"),
    "HS256 with the JWK as text": lambda: shared(secret=as_json(RSA.jwk()), kid="RS256-key"),
    "HS256 by a published octet key": lambda: Signer("EdDSA", "octets").token(alg="HS256"),
    "EdDSA by the id of an octet key": lambda: ED.token(kid="EdDSA-octets"),
    "RS256 header, PS256 key": lambda: PSS.token(alg="RS256"),
    "PS256 header, RS256 key": lambda: RSA.token(alg="PS256"),
    "RS256 signature under a PS256 key": lambda: RSA.token(kid="PS256-key", alg="PS256"),
    "ES256 header, ES512 key": lambda: EC_LONG.token(alg="ES256"),
    "ES512 header, ES256 key": lambda: EC.token(alg="ES512"),
    "EdDSA header, ES256 key": lambda: EC.token(alg="EdDSA"),
    "RSA of 1024 bits": SMALL_RSA.token,
    "a key for encryption": lambda: Signer("ES256", "for-encryption").token(),
    "an algorithm not on this issuer's list": lambda: ED.token(claims(iss=ELSEWHERE, aud=ELSEWHERE)),
    # which key
    "kid unknown": OTHER_ED.token,
    "kid of another key": lambda: OTHER_ED.token(kid="EdDSA-key"),
    "kid missing": lambda: ED.token(kid=None),
    "kid empty": lambda: ED.token(kid=""),
    "kid null": lambda: ED.signed(b'{"alg":"EdDSA","kid":null}'),
    "kid a number": lambda: ED.token(kid=1),
    "kid a list": lambda: ED.token(kid=["EdDSA-key"]),
    "kid a path": lambda: shared(secret="", kid="../../../../dev/null"),
    "kid SQL": lambda: ED.token(kid="' OR 1=1 --"),
    "kid an address": lambda: ED.token(kid="http://127.0.0.1:9/keys"),
    "kid half a character": lambda: ED.token(kid="\ud800"),
    "jku": lambda: OTHER_ED.token(jku="http://127.0.0.1:9/jwks"),
    "jku beside a key that is right": lambda: ED.token(jku="http://127.0.0.1:9/jwks"),
    "x5u": lambda: OTHER_ED.token(x5u="http://127.0.0.1:9/cert"),
    "x5c": lambda: OTHER_ED.token(x5c="MIIB"),
    "jwk": lambda: OTHER_ED.token(jwk=OTHER_ED.jwk()),
    # headers
    "crit": lambda: shared(crit=["exp"]),
    "crit null": lambda: shared_raw(b'{"alg":"HS256","crit":null}'),
    "crit empty": lambda: shared(crit=[]),
    "typ of a session cache": lambda: shared(typ="better-auth.session-cache+jwt"),
    "typ JWE": lambda: shared(typ="JWE"),
    "typ a list": lambda: shared(typ=["JWT"]),
    "nested header": lambda: shared(x={"y": {"z": 1}}),
    "header bomb": lambda: shared_raw(deep(2500)),
    "header not an object": lambda: shared_raw(b'["HS256"]'),
    "header not JSON": lambda: shared_raw(b"{alg:HS256}"),
    "header in UTF-16": lambda: shared_raw('{"alg":"HS256"}'.encode("utf-16")),
    "header with a name twice": lambda: shared_raw(b'{"alg":"HS256","alg":"HS256"}'),
    # claims
    "claims bomb": lambda: shared(b'{"sub":"a","x":' + b"[" * 2500 + b"]" * 2500 + b"}"),
    "claims not an object": lambda: shared(b"[]"),
    "claims not JSON": lambda: shared(b"sub=a"),
    "claims not UTF-8": lambda: shared(b'{"sub":"\xff"}'),
    "claims with a name twice": lambda: with_claims('{…,"sub":"someone-else"}'),
    "exp missing": lambda: shared(without("exp")),
    "exp null": lambda: with_claims('{…,"exp":null}'.replace("…", json.dumps(without("exp"))[1:-1])),
    "exp 1e999": lambda: with_claims('{…,"exp":1e999}'.replace("…", json.dumps(without("exp"))[1:-1])),
    "exp Infinity": lambda: with_claims('{…,"exp":Infinity}'.replace("…", json.dumps(without("exp"))[1:-1])),
    "exp NaN": lambda: with_claims('{…,"exp":NaN}'.replace("…", json.dumps(without("exp"))[1:-1])),
    "exp a float": lambda: shared(claims(exp=NOW + 900.5)),
    "exp a float that is whole": lambda: shared(claims(exp=NOW + 900.0)),
    "exp text": lambda: shared(claims(exp=str(NOW + 900))),
    "exp true": lambda: shared(claims(exp=True)),
    "exp negative": lambda: shared(claims(exp=-1)),
    "exp a list": lambda: shared(claims(exp=[NOW + 900])),
    "exp beyond all calendars": lambda: shared(claims(exp=10**30)),
    "exp with 5,000 digits": lambda: shared(b'{"sub":"a","iat":1,"exp":' + b"9" * 5000 + b"}"),
    "exp now but for the leeway": lambda: shared(claims(iat=NOW - 900, exp=NOW - 10)),
    "exp long ago": lambda: ED.token(claims(iat=NOW - 9000, exp=NOW - 8100)),
    "exp before iat": lambda: shared(claims(iat=NOW + 5, exp=NOW)),
    "alive for more than a day": lambda: shared(claims(exp=NOW + 86_401)),
    "iat missing": lambda: shared(without("iat")),
    "iat null": lambda: with_claims('{…,"iat":null}'.replace("…", json.dumps(without("iat"))[1:-1])),
    "iat a float": lambda: shared(claims(iat=NOW + 0.5)),
    "iat text": lambda: shared(claims(iat=str(NOW))),
    "iat in the future": lambda: ED.token(claims(iat=NOW + 11)),
    "iat negative": lambda: shared(claims(iat=-1)),
    "nbf in the future": lambda: shared(claims(nbf=NOW + 11)),
    "nbf text": lambda: shared(claims(nbf="soon")),
    "sub missing": lambda: shared(without("sub")),
    "sub null": lambda: shared(without("sub") | {"sub": None}),
    "sub a number": lambda: shared(claims(sub=1)),
    "sub a list": lambda: shared(claims(sub=[SUBJECT])),
    "sub empty": lambda: shared(claims(sub="")),
    "sub too long": lambda: shared(claims(sub="a" * 256)),
    "sub with NUL": lambda: shared(claims(sub="a\0b")),
    "sub with a line break": lambda: shared(claims(sub="a\nb")),
    "sub not ASCII": lambda: shared(claims(sub="usér")),
    "sub that looks like ASCII": lambda: shared(claims(sub="\uff41dmin")),
    "sub half a character": lambda: shared(claims(sub="\ud800")),
    "a letter to verify an address": lambda: shared({"email": "ada@example.com", "iat": NOW, "exp": NOW + 900}),
    "iss of nobody": lambda: ED.token(claims(iss="https://evil.example.com")),
    "iss with a slash more": lambda: ED.token(claims(iss=f"{ISSUER}/")),
    "iss null": lambda: shared(without("iss") | {"iss": None}),
    "iss empty": lambda: shared(claims(iss="")),
    "iss a list": lambda: shared(claims(iss=[ISSUER])),
    "iss an object": lambda: shared(claims(iss={})),
    "iss missing, published key": lambda: ED.token(without("iss")),
    "iss of one, audience of another": lambda: RSA.token(claims(iss=ELSEWHERE)),
    "iss of one that has no secret": lambda: shared(claims(iss=ELSEWHERE, aud=ELSEWHERE)),
    "aud missing, published key": lambda: ED.token(without("aud")),
    "aud of another": lambda: ED.token(claims(aud="https://other.example.com")),
    "aud of a session cache": lambda: shared(claims(aud="better-auth:session-cache")),
    "aud a list of others": lambda: ED.token(claims(aud=["https://other.example.com", "x"])),
    "aud an empty list": lambda: shared(claims(aud=[])),
    "aud null": lambda: shared(without("aud") | {"aud": None}),
    "aud a number": lambda: shared(claims(aud=1)),
    "aud an object with our name": lambda: shared(claims(aud={ISSUER: True})),
    "aud a list of lists": lambda: shared(claims(aud=[[ISSUER]])),
    # form
    "empty": str,
    "one part": lambda: "abc",
    "two parts": lambda: shared().rpartition(".")[0],
    "four parts": lambda: f"{shared()}.abc",
    "five parts, as JWE has": lambda: f"{shared()}.abc.def",
    "a part is empty": lambda: shared().replace(".", "..", 1),
    "padding": lambda: f"{shared()}=",
    "base64 of the other kind": lambda: ED.token().rpartition(".")[0] + "." + "+/" * 43,
    "bits that mean nothing": lambda: not_canonical(shared()),
    "a blank inside": lambda: shared().replace(".", ". ", 1),
    "a line break at the end": lambda: f"{shared()}\n",
    "NUL at the end": lambda: f"{shared()}\0",
    "larger than 8 KiB": lambda: shared(claims(name="a" * 7000)),
    "half a character": lambda: f"{shared()}\ud800",
    "letters of another script": lambda: f"é{shared()}",
    "JSON instead of three parts": lambda: json.dumps({"payload": "", "signatures": []}),
}


class TestRefused:
    @pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED.keys())
    async def test_it_is_an_invalid_token_and_nothing_else(
        self, verifier: JoseTokenVerifier, token: Callable[[], str]
    ) -> None:
        with pytest.raises(InvalidTokenError):
            await verifier.verify(token())

    async def test_none_of_it_makes_us_call_anyone_but_the_key_server(
        self, verifier: JoseTokenVerifier, keys: KeyServer
    ) -> None:
        before = keys.fetches
        for token in REFUSED.values():
            with pytest.raises(InvalidTokenError):
                await verifier.verify(token())
        assert keys.fetches - before <= 4  # two issuers: their keys, and one look for a key that is not there


TAKEN: Final[dict[str, Callable[[], str]]] = {
    **{signer.algorithm: signer.token for signer in (ED, EC, EC_LONG, PSS, RSA)},
    "a shared secret": shared,
    "a shared secret, and no typ": lambda: shared(typ=None),
    "a shared secret, and no issuer": lambda: shared(without("iss")),
    "a shared secret, and no audience": lambda: shared(without("aud")),
    "an access token": lambda: ED.token(typ="at+jwt"),
    "an audience among others": lambda: ED.token(claims(aud=["https://other.example.com", ISSUER])),
    "a thumbprint in the header": lambda: ED.token(x5t="abc"),
    "a clock that is behind": lambda: ED.token(claims(iat=NOW - 905, exp=NOW - 5)),
    "a clock that is ahead": lambda: ED.token(claims(iat=NOW + 5, exp=NOW + 905)),
    "alive for a day": lambda: ED.token(claims(exp=NOW + 86_400)),
    "claims of OpenID Connect": lambda: RSA.token(claims(at_hash="abc", nonce="x", sid="not a UUID", azp="me")),
}


class TestTaken:
    @pytest.mark.parametrize("token", TAKEN.values(), ids=TAKEN.keys())
    async def test_it_says_whose_it_is(self, verifier: JoseTokenVerifier, token: Callable[[], str]) -> None:
        found = await verifier.verify(token())
        assert (found.issuer, found.subject, found.session) == (ISSUER, SUBJECT, None)

    @pytest.mark.parametrize("subject", ["1", "a" * 255, "auth0|5f7c", "../x", "Ada Lovelace", "tasks", '"'])
    async def test_any_subject_of_printable_ascii(self, verifier: JoseTokenVerifier, subject: str) -> None:
        assert (await verifier.verify(ED.token(claims(sub=subject)))).subject == subject

    async def test_it_says_when_it_began_and_ends(self, verifier: JoseTokenVerifier) -> None:
        found = await verifier.verify(EC.token())
        assert (found.issued_at, found.expires_at) == (NOON, NOON + timedelta(minutes=15))

    async def test_two_issuers_with_the_same_keys_stay_apart(self, verifier: JoseTokenVerifier) -> None:
        found = await verifier.verify(RSA.token(claims(iss=ELSEWHERE, aud=ELSEWHERE)))
        assert (found.issuer, found.subject) == (ELSEWHERE, SUBJECT)

    @pytest.mark.parametrize("year", [2001, 2300])
    async def test_only_one_clock_tells_the_time(self, keys: KeyServer, year: int) -> None:
        then = datetime(year, 1, 1, tzinfo=UTC)
        verifier = JoseTokenVerifier(OWN_SECRET, [with_keys(keys.url)], StoppedClock(then))
        second = int(then.timestamp())
        assert (await verifier.verify(ED.token(claims(iat=second, exp=second + 900)))).issued_at == then
        await verifier.close()

    async def test_only_so_many_are_remembered(
        self, verifier: JoseTokenVerifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("todo.adapters.jose.verifier.REMEMBERED", 2)
        for number in range(4):
            await verifier.verify(ED.token(claims(exp=NOW + 60 + number)))
        assert len(verifier._remembered) == 2

    async def test_no_token_is_remembered_beyond_its_end(
        self, verifier: JoseTokenVerifier, clock: StoppedClock
    ) -> None:
        token = ED.token(claims(exp=NOW + 60))
        await verifier.verify(token)
        clock.go_on(seconds=59)
        await verifier.verify(token)
        clock.go_on(seconds=11)
        with pytest.raises(InvalidTokenError):
            await verifier.verify(token)


class TestKeysThatDoNotSayTheirAlgorithm:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    async def test_the_kind_of_key_says_it(self, clock: StoppedClock, algorithm: str) -> None:
        signer = Signer(algorithm, "unnamed")
        async with key_server(signer.jwk(alg=None)) as server:
            verifier = JoseTokenVerifier(OWN_SECRET, [with_keys(server.url)], clock)
            assert (await verifier.verify(signer.token())).subject == SUBJECT
            for other in {*ALGORITHMS} - {algorithm}:
                with pytest.raises(InvalidTokenError):
                    await verifier.verify(signer.token(alg=other))
            await verifier.close()


class TestASecretThatIsJson:
    async def test_it_is_bytes_all_the_same(self, clock: StoppedClock) -> None:
        secret = as_json({"kty": "oct", "k": base64url(SECRET.encode())})
        issuer = replace(with_both(None), secret=secret)
        verifier = JoseTokenVerifier(OWN_SECRET, [issuer], clock)
        assert (await verifier.verify(shared(secret=secret))).subject == SUBJECT
        with pytest.raises(InvalidTokenError):
            await verifier.verify(shared(secret=SECRET))
        await verifier.close()
