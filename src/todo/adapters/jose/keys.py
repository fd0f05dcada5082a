"""Keys that verify, made once from what an issuer publishes (RFC 7517).

python-jose knows neither Ed25519 nor RSA-PSS: two keys of its own kind fill the gap.
"""

from __future__ import annotations

import json
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JOSEError

from todo.adapters.jose.gate import decoded
from todo.domain.errors import InvalidTokenError

MOST_KEYS = 64
SMALLEST_RSA = 2048
"""In bits."""

_ALGORITHMS: Final = {
    ("OKP", "Ed25519"): ("EdDSA",),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-521"): ("ES512",),
    ("RSA", None): ("RS256", "PS256"),
}
_PARTS: Final = {"OKP": ("crv", "x"), "EC": ("crv", "x", "y"), "RSA": ("n", "e")}


class Ed25519Key(Key):
    """Verifies EdDSA with Ed25519 (RFC 8037)."""

    def __init__(self, public: dict[str, str]) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(decoded(public["x"]))

    def verify(self, msg: bytes, sig: bytes) -> bool:
        try:
            self._key.verify(sig, msg)
        except InvalidSignature:
            return False
        return True


class PssKey(Key):
    """Verifies PS256: RSASSA-PSS with SHA-256 and a salt as long as the hash (RFC 7518, section 3.5)."""

    def __init__(self, public: dict[str, str]) -> None:
        self._key = RSAPublicNumbers(_number(public["e"]), _number(public["n"])).public_key()

    def verify(self, msg: bytes, sig: bytes) -> bool:
        try:
            self._key.verify(sig, msg, PSS(MGF1(SHA256()), SHA256.digest_size), SHA256())
        except InvalidSignature:
            return False
        return True


def keys_in(document: bytes) -> dict[str, dict[str, Key]]:
    """The keys of a JWK set, by id and then by algorithm. `ValueError` if it is none.

    What is no key of ours is passed over. An RSA key that does not say its algorithm serves either of the two.
    """
    try:
        found = json.loads(document)["keys"]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a JWK set") from error
    if not isinstance(found, list) or len(found) > MOST_KEYS:
        raise ValueError("not a JWK set, or one of too many keys")
    keys: dict[str, dict[str, Key]] = {}
    for one in found:
        try:
            made = {algorithm: _key(one, algorithm) for algorithm in _algorithms(one)}
            if made:
                keys.setdefault(one["kid"], made)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError, JOSEError, InvalidTokenError):
            continue
    return keys


def _algorithms(one: dict[str, Any]) -> list[str]:
    """What the key may verify. It says `alg`, or leaves it to the kind of key."""
    is_for_signatures = one.get("use", "sig") == "sig" and "verify" in one.get("key_ops", ["verify"])
    possible = _ALGORITHMS[one["kty"], one.get("crv")]
    return [name for name in possible if is_for_signatures and one.get("alg", name) == name]


def _key(one: dict[str, Any], algorithm: str) -> Key:
    if not isinstance(one["kid"], str):
        raise TypeError("kid")
    # nothing but the public parts: python-jose would make a private key of the others
    public: dict[str, str] = {"kty": one["kty"], **{part: one[part] for part in _PARTS[one["kty"]]}}
    if one["kty"] == "RSA" and _number(public["n"]).bit_length() < SMALLEST_RSA:
        raise ValueError("n")
    match algorithm:
        case "EdDSA":
            return Ed25519Key(public)
        case "PS256":
            return PssKey(public)
        case _:
            return jwk.construct(public, algorithm)


def _number(part: str) -> int:
    return int.from_bytes(decoded(part), "big")
