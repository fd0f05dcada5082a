"""Other people's tokens: keys of every kind, tokens good and bad, and a server that publishes the keys."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.builders import NOON
from todo.application.ports import TrustedIssuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

ALGORITHMS: Final = ("EdDSA", "ES256", "ES512", "PS256", "RS256")
ISSUER: Final = "http://127.0.0.1:3000"
SECRET: Final = "a secret of somebody else, long enough"
NOW: Final = int(NOON.timestamp())


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def as_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """What a token of Better Auth says, with these changes; None leaves a claim out."""
    usual: dict[str, Any] = {
        "iat": NOW,
        "name": "Ada",
        "email": "ada@example.com",
        "emailVerified": False,
        "image": None,
        "id": "i6vBRWq2Te1NSBFR0DzktXHOuskzDxDB",
        "sub": "i6vBRWq2Te1NSBFR0DzktXHOuskzDxDB",
        "exp": NOW + 900,
        "iss": ISSUER,
        "aud": ISSUER,
    }
    return {name: value for name, value in (usual | changes).items() if name not in changes or value is not None}


class Signer:
    """A key pair for one algorithm, as an issuer has it."""

    def __init__(self, algorithm: str, key_id: str = "key-1", *, bits: int = 2048) -> None:
        self.algorithm = algorithm
        self.key_id = key_id
        self._key = _key_pair(algorithm, key_id, bits)

    def token(self, payload: Mapping[str, Any] | bytes | None = None, **header: Any) -> str:
        """A token; None leaves a header parameter out."""
        usual: dict[str, Any] = {"alg": self.algorithm, "kid": self.key_id}
        shown = {name: value for name, value in (usual | header).items() if value is not None}
        return self.signed(as_json(shown), payload)

    def signed(self, header: bytes, payload: Mapping[str, Any] | bytes | None = None) -> str:
        body = payload if isinstance(payload, bytes) else as_json(claims() if payload is None else payload)
        text = f"{base64url(header)}.{base64url(body)}"
        return f"{text}.{base64url(self._sign(text.encode()))}"

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """The public half (RFC 7517); None leaves a member out."""
        public = self._key.public_key()
        members: dict[str, Any]
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            members = {"kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e)}
        elif isinstance(public, ec.EllipticCurvePublicKey):
            point, size = public.public_numbers(), (public.key_size + 7) // 8
            curve = f"P-{public.key_size}"
            members = {"kty": "EC", "crv": curve, "x": _integer(point.x, size), "y": _integer(point.y, size)}
        else:
            assert isinstance(public, ed25519.Ed25519PublicKey)
            members = {"kty": "OKP", "crv": "Ed25519", "x": base64url(public.public_bytes_raw())}
        usual = {"alg": self.algorithm, **members, "kid": self.key_id}
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def pem(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def _sign(self, text: bytes) -> bytes:
        key = self._key
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return key.sign(text)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(key.sign(text, ec.ECDSA(SHA512() if key.key_size > 256 else SHA256())))
            size = (key.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        assert isinstance(key, rsa.RSAPrivateKey)
        if self.algorithm == "PS256":
            return key.sign(text, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        return key.sign(text, padding.PKCS1v15(), SHA256())


@cache
def _key_pair(algorithm: str, _: str, bits: int) -> PrivateKeyTypes:
    match algorithm:
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ES512":
            return ec.generate_private_key(ec.SECP521R1())
        case _:
            return rsa.generate_private_key(65537, bits)


def shared(payload: Mapping[str, Any] | bytes | None = None, *, secret: bytes | str = SECRET, **header: Any) -> str:
    """A token signed with a shared secret; None leaves a header parameter out."""
    usual: dict[str, Any] = {"alg": "HS256", "typ": "JWT"}
    shown = {name: value for name, value in (usual | header).items() if value is not None}
    return shared_raw(as_json(shown), payload, secret=secret)


def shared_raw(header: bytes, payload: Mapping[str, Any] | bytes | None = None, *, secret: bytes | str = SECRET) -> str:
    body = payload if isinstance(payload, bytes) else as_json(claims() if payload is None else payload)
    text = f"{base64url(header)}.{base64url(body)}"
    key = secret.encode() if isinstance(secret, str) else secret
    return f"{text}.{base64url(hmac.digest(key, text.encode(), hashlib.sha256))}"


class KeyServer:
    """Publishes keys over HTTP on this machine, and counts who asks."""

    def __init__(self) -> None:
        self.fetches = 0
        self.asked: asyncio.Queue[None] = asyncio.Queue()
        self.port = 0
        self.status = "200 OK"
        self.headers: dict[str, str] = {}
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._body = b'{"keys":[]}'
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/auth/jwks"

    def publish(self, *keys: Signer | Mapping[str, Any]) -> None:
        self._body = as_json({"keys": [key.jwk() if isinstance(key, Signer) else key for key in keys]})

    def publish_text(self, body: bytes) -> None:
        self._body = body

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.fetches += 1
        self.asked.put_nowait(None)
        await self.may_answer.wait()
        headers = {"Content-Length": str(len(self._body)), "Connection": "close", **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {self.status}\r\n{head}\r\n".encode() + self._body)
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            return  # who asked has hung up


@asynccontextmanager
async def key_server(*keys: Signer | Mapping[str, Any]) -> AsyncIterator[KeyServer]:
    server = KeyServer()
    server.publish(*keys)
    await server.start()
    try:
        yield server
    finally:
        server.may_answer.set()
        await server.stop()


def with_keys(url: str, name: str = ISSUER) -> TrustedIssuer:
    """An issuer that publishes keys of any kind."""
    return TrustedIssuer(name=name, audiences=frozenset({name}), algorithms=frozenset(ALGORITHMS), jwks_url=url)


def with_both(url: str | None, name: str = ISSUER) -> TrustedIssuer:
    """A Better Auth frontend of which both the secret and the address are known."""
    return TrustedIssuer(
        name=name,
        audiences=frozenset({name}),
        algorithms=frozenset({*ALGORITHMS, "HS256"}),
        secret=SECRET.encode(),
        jwks_url=url,
        optional=frozenset({"iss", "aud"}),
    )


def _integer(number: int, size: int | None = None) -> str:
    return base64url(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))
