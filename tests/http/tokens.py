"""Which tokens let in, and that all others are refused in the same way."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_task_id
from tests.containers import SECRET
from tests.http.routes import operations, with_example
from tests.http.service import HttpTests, Person, code

if TYPE_CHECKING:
    from tests.http.service import Service

HEADER = {"alg": "HS256", "typ": "at+jwt"}
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
ABSENT = object()


def part(content: object) -> str:
    """One part of a token: JSON, or bytes as they are."""
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def token(header: object, claims: object, secret: str = SECRET, digest: str = "HS256") -> str:
    """A token signed like ours, whatever it says."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(hmac.digest(secret.encode(), signed.encode(), DIGESTS[digest]))}"


def claims_of(person: Person, **changes: object) -> dict[str, object]:
    """The claims of the person's token, with some of them changed or left out."""
    claims = json.loads(urlsafe_b64decode(person.token.split(".")[1] + "=="))
    return {name: value for name, value in {**claims, **changes}.items() if value is not ABSENT}


BAD_CLAIMS: list[dict[str, object]] = [
    {"exp": ABSENT},
    {"exp": None},
    {"exp": "2999-01-01"},
    {"exp": str(int(time.time()) + 900)},
    {"exp": time.time() + 600.5},
    {"exp": float("inf")},
    {"exp": 10**400},
    {"exp": -1},
    {"exp": True},
    {"exp": int(time.time()) - 60},
    {"exp": int(time.time()) + 100_000},
    {"iat": ABSENT},
    {"iat": None},
    {"iat": "now"},
    {"iat": time.time() - 0.5},
    {"iat": float("nan")},
    {"iat": int(time.time()) + 6_000},
    {"iat": int(time.time()) - 100_000},
    {"iat": int(time.time()) - 2000, "exp": int(time.time()) - 1100},
    {"nbf": int(time.time()) + 6_000},
    {"sub": ABSENT},
    {"sub": None},
    {"sub": ""},
    {"sub": 1},
    {"sub": ["ada"]},
    {"sub": "a" * 256},
    {"sub": "é"},
    {"sub": "a\x00b"},
    {"sub": "nobody"},
    {"iss": ABSENT},
    {"iss": None},
    {"iss": "another"},
    {"iss": ["todo"]},
    {"aud": ABSENT},
    {"aud": None},
    {"aud": "another"},
    {"aud": []},
    {"aud": ["another"]},
    {"aud": {"todo": True}},
]

BAD_HEADERS: list[dict[str, object]] = [
    {"alg": "none"},
    {"alg": "None"},
    {"alg": "hs256"},
    {"alg": "HS384"},
    {"alg": "HS512"},
    {"alg": "RS256"},
    {"alg": "ES256"},
    {"alg": "EdDSA"},
    {"alg": ""},
    {"alg": None},
    {"alg": ["HS256"]},
    {"alg": {"HS256": 1}},
    {"typ": "refresh+jwt"},
    {"typ": "better-auth.session-cache+jwt"},
    {"typ": 1},
    {"typ": ["JWT"]},
    {"crit": ["exp"]},
    {"crit": []},
    {"b64": False, "crit": ["b64"]},
    {"jwk": {"kty": "oct", "k": part(SECRET.encode())}},
    {"kid": 1},
    {"kid": {"a": "b"}},
    {"x": [[[]]]},
]


async def show(person: Person, authorization: str | bytes) -> Any:
    """The answer to a request with this header."""
    headers: Any = [(b"authorization", authorization if isinstance(authorization, bytes) else authorization.encode())]
    return await person.service.get("/api/auth/me", headers=headers)


class Tokens(HttpTests):
    async def test_one_made_by_the_rules_lets_in(self, ada: Person) -> None:
        assert (await show(ada, f"Bearer {token(HEADER, claims_of(ada))}")).json()["id"] == ada.id

    @pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer    "])
    async def test_the_name_of_the_scheme_has_no_case(self, ada: Person, scheme: str) -> None:
        assert (await show(ada, f"{scheme}{ada.token}")).status_code == 200

    async def test_it_stands_behind_the_word_bearer(self, ada: Person) -> None:
        for authorization in (
            "",
            "Bearer",
            "Bearer ",
            "Basic {}",
            "{}",
            "Token {}",
            "Bearer{}",
            "Bearer: {}",
            'Bearer "{}"',
            "Bearer {} {}",
        ):
            await self._refused(ada, authorization.format(ada.token, ada.token))

    async def test_it_is_not_looked_for_anywhere_else(self, ada: Person, service: Service) -> None:
        answer = await service.get(
            f"/api/auth/me?access_token={ada.token}", headers={"Cookie": f"access_token={ada.token}; token={ada.token}"}
        )
        assert code(answer) == (401, "invalid_token")

    async def test_claims_that_are_missing_or_wrong_are_refused(self, ada: Person) -> None:
        for changes in BAD_CLAIMS:
            await self._refused(ada, f"Bearer {token(HEADER, claims_of(ada, **changes))}")

    async def test_headers_that_we_do_not_write_are_refused(self, ada: Person) -> None:
        for header in BAD_HEADERS:
            for digest in DIGESTS:
                await self._refused(ada, f"Bearer {token({**HEADER, **header}, claims_of(ada), digest=digest)}")

    @pytest.mark.parametrize("secret", ["", "another secret that is long enough too", SECRET.upper(), f"{SECRET} "])
    async def test_another_secret_signs_nothing(self, ada: Person, secret: str) -> None:
        await self._refused(ada, f"Bearer {token(HEADER, claims_of(ada), secret)}")

    async def test_an_unsigned_one_is_refused(self, ada: Person) -> None:
        unsigned = f"{part({**HEADER, 'alg': 'none'})}.{part(claims_of(ada))}"
        for signature in ("", ".", ".AAAA"):
            await self._refused(ada, f"Bearer {unsigned}{signature}")

    async def test_no_claim_can_be_exchanged(self, ada: Person, bob: Person) -> None:
        header, _, signature = ada.token.split(".")
        await self._refused(ada, f"Bearer {header}.{part(claims_of(bob))}.{signature}")

    async def test_without_an_account_none_opens_anything(self, ada: Person) -> None:
        ghost = str(a_task_id())
        ada.token = token(HEADER, claims_of(ada, sub=ghost))
        for operation in operations(ada.service):
            if operation.described.get("security") and not operation.is_stream:
                options = with_example(ada.service, operation)
                answer = await ada.request(operation.method, operation.path(user_id=ghost), **options)
                assert code(answer) == (401, "invalid_token"), operation.template

    async def test_every_character_of_the_signature_counts(self, ada: Person) -> None:
        signed, _, signature = ada.token.rpartition(".")
        for place in range(len(signature)):
            other = "B" if signature[place] == "A" else "A"
            await self._refused(ada, f"Bearer {signed}.{signature[:place]}{other}{signature[place + 1 :]}")

    async def test_what_has_not_the_form_of_a_token_is_refused(self, ada: Person) -> None:
        for text in (
            "a",
            "a.b",
            "a.b.c",
            "...",
            "{}.",
            ".{}",
            "{}.a",
            "{}.a.b",
            "{}=",
            "{}+",
            "{}/",
            "{}%20",
            "{}é",
            "{}\x80",
            "A" * 8_193,
            "A" * 60_000,
            f"{part(b'[]')}.{part(b'[]')}.{part(b'')}AA",
            f"{part(HEADER)}.{part(b'[' * 5_000)}.AAAA",
            f"{part(b'[' * 5_000)}.{part({})}.AAAA",
            f"{part(b'{' + b'a' * 9 + b'}')}.{part({})}.AAAA",
            f"{part(bytes([255, 254]))}.{part({})}.AAAA",
            f"{part(b'null')}.{part(b'null')}.AAAA",
            f"{part(b'1e999')}.{part({})}.AAAA",
        ):
            await self._refused(ada, f"Bearer {text.replace('{}', ada.token)}".encode("latin-1"))

    async def _refused(self, ada: Person, authorization: str | bytes) -> None:
        answer = await show(ada, authorization)
        assert code(answer) == (401, "invalid_token")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
