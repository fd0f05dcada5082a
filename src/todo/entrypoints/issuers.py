"""Whose tokens are accepted besides our own, as the settings say it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from todo.application.ports import OWN_ISSUER, TrustedIssuer
from todo.entrypoints.neighbours import origin_of
from todo.entrypoints.signing_secret import SHORTEST

Algorithm = Literal["HS256", "EdDSA", "ES256", "ES512", "PS256", "RS256"]
_WITH_PUBLISHED_KEYS: Final = tuple(name for name in get_args(Algorithm) if name != "HS256")


# Our words for the kinds of mistake that pydantic tells apart.
_FLAWS: Final = {
    "missing": "is missing.",
    "extra_forbidden": (
        "is not known here: an entry has issuer, audience, jwks_url or secret, algorithms and require_issuer."
    ),
    "model_type": 'must be an object like {"issuer": "…", "audience": "…", "jwks_url": "https://…"}.',
    "string_type": "must be text.",
    "string_unicode": "must be text, in UTF-8.",
    "string_too_short": f"is too short: a secret has at least {SHORTEST} characters, and a name at least one.",
    "tuple_type": "must be a list.",
    "too_short": "must not be empty: leave it out for all that fit.",
    "literal_error": f"must be one of {', '.join(get_args(Algorithm))}.",
    "bool_type": "must be true or false.",
    "bool_parsing": "must be true or false.",
}
_ODD: Final = "is not of the kind that is expected there."


def _url(text: str) -> str:
    if not origin_of(text):
        raise ValueError("must be a URL like https://app.example.com/api/auth/jwks.")
    return text


def _name(text: str) -> str:
    if text != text.strip():
        raise ValueError("must be a name, with no blanks around it.")
    return text


_Name = Annotated[str, Field(min_length=1), AfterValidator(_name)]


class _TwiceError(Exception):
    """A key stands twice in one object, of which only the last would count."""


class _Entry(BaseModel):
    """One element of TODO_ISSUERS."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    issuer: _Name
    audience: Annotated[
        tuple[_Name, ...],
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    ] = ()
    jwks_url: Annotated[str, AfterValidator(_url)] | None = None
    secret: Annotated[str, Field(min_length=SHORTEST)] | None = None
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] | None = None
    require_issuer: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        shared, chosen = self.secret is not None, self.algorithms or ()
        if shared == (self.jwks_url is not None):
            raise ValueError("needs either jwks_url or secret.")
        if shared and set(chosen) - {"HS256"}:
            raise ValueError("has a secret, with which algorithms can only be HS256.")
        if not shared and "HS256" in chosen:
            raise ValueError("has published keys, which HS256 cannot be used with.")
        if not shared and not self.audience:
            raise ValueError("needs audience: without one it would accept tokens that were made for other services.")
        if not shared and not self.require_issuer:
            raise ValueError("needs its issuer in every token: only a secret can do without (require_issuer).")
        if self.issuer == OWN_ISSUER:
            raise ValueError(f"must not be called {OWN_ISSUER}, which is the issuer of our own tokens.")
        return self

    def trusted(self) -> TrustedIssuer:
        """What the verifier is told."""
        return TrustedIssuer(
            name=self.issuer,
            audiences=frozenset(self.audience),
            algorithms=frozenset(self.algorithms or (("HS256",) if self.secret else _WITH_PUBLISHED_KEYS)),
            secret=self.secret.encode() if self.secret else None,
            jwks_url=self.jwks_url,
            optional=frozenset() if self.require_issuer else frozenset({"iss"}),
        )


def parse_issuers(value: object) -> object:
    """The issuers that a JSON list describes. `ValueError` is a sentence that says which of them is wrong, and how."""
    if not isinstance(value, str):
        return value
    try:
        listed = json.loads(value, object_pairs_hook=_unique)
    except _TwiceError as error:
        raise ValueError(f"must not hold {error} twice in one entry.") from None
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise ValueError('must be a JSON list, such as [{"issuer": "…", "audience": "…", "jwks_url": "https://…"}].')
    trusted = tuple(_entry(number, item).trusted() for number, item in enumerate(listed, 1))
    return distinct(trusted)


def better_auth(secret: str | None, url: str | None) -> tuple[TrustedIssuer, ...]:
    """The one issuer that BETTER_AUTH_SECRET and BETTER_AUTH_URL are about, whichever of them is set."""
    if not secret and not url:
        return ()
    origin = origin_of(url) if url else None
    return (
        TrustedIssuer(
            name=origin or "better-auth",
            audiences=frozenset({origin} if origin else ()),
            algorithms=frozenset(get_args(Algorithm)),
            secret=secret.encode() if secret else None,
            jwks_url=f"{origin}/api/auth/jwks" if origin else None,
            optional=frozenset({"iss", "aud"} if secret else ()),
        ),
    )


def check_frontend_url(url: str | None) -> str | None:
    """The same URL, if it has the origin of a frontend."""
    if url and not origin_of(url):
        raise ValueError("must be a URL like https://app.example.com or http://localhost:3000.")
    return url


def distinct(issuers: tuple[TrustedIssuer, ...]) -> tuple[TrustedIssuer, ...]:
    """These issuers. `ValueError` if a token could belong to two of them."""
    names = [issuer.name for issuer in issuers]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"must not name the issuer {twice} twice.")
    if sum("iss" in issuer.optional for issuer in issuers) > 1:
        raise ValueError("may hold one issuer without require_issuer: whose would a token without issuer be?")
    return issuers


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return found


def _entry(number: int, item: Any) -> _Entry:
    try:
        return _Entry.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        what = str(first["ctx"]["error"]) if first["type"] == "value_error" else _FLAWS.get(first["type"], _ODD)
        raise ValueError(f"entry {number}: {field + ' ' if field else ''}{what}") from None
