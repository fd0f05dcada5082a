"""Whose tokens are accepted: TODO_ISSUERS, BETTER_AUTH_SECRET and BETTER_AUTH_URL."""

from __future__ import annotations

import json
from typing import Any

import pytest

from todo.application.ports import TrustedIssuer
from todo.entrypoints.environment import load_settings
from todo.entrypoints.expectations import SettingsError

SECRET = "a secret of somebody else, long enough"
PUBLISHED = ("EdDSA", "ES256", "ES512", "PS256", "RS256")
FRONTEND: dict[str, Any] = {
    "issuer": "https://app.example.com",
    "audience": "https://app.example.com",
    "jwks_url": "https://app.example.com/api/auth/jwks",
}
SHARING: dict[str, Any] = {"issuer": "partner", "secret": SECRET}


def trusted(*issuers: object, **environ: str) -> tuple[TrustedIssuer, ...]:
    if issuers:
        environ["TODO_ISSUERS"] = json.dumps(issuers)
    return load_settings(environ).trusted_issuers


def test_nobody_is_trusted_unless_named() -> None:
    assert trusted() == trusted(BETTER_AUTH_SECRET=" ", BETTER_AUTH_URL="") == ()


def test_a_frontend_with_published_keys() -> None:
    assert trusted(FRONTEND | {"algorithms": ["EdDSA"]}) == (
        TrustedIssuer(
            name="https://app.example.com",
            audiences=frozenset({"https://app.example.com"}),
            algorithms=frozenset({"EdDSA"}),
            jwks_url="https://app.example.com/api/auth/jwks",
        ),
    )


def test_a_frontend_that_shares_a_secret() -> None:
    assert trusted(SHARING | {"require_issuer": False, "algorithms": ["HS256"]}) == (
        TrustedIssuer(
            name="partner", algorithms=frozenset({"HS256"}), secret=SECRET.encode(), optional=frozenset({"iss"})
        ),
    )


def test_without_a_list_of_algorithms_all_that_fit_are_accepted() -> None:
    frontend, sharing = trusted(FRONTEND, SHARING)
    assert frontend.algorithms == {*PUBLISHED}
    assert sharing.algorithms == {"HS256"}


def test_several_audiences() -> None:
    assert trusted(FRONTEND | {"audience": ["a", "b"]})[0].audiences == {"a", "b"}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("https://app.example.com/api/auth", "https://app.example.com"),
        ("https://App.Example.com:443", "https://app.example.com"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_secret_and_address_are_one_issuer_with_two_kinds_of_key(url: str, origin: str) -> None:
    (issuer,) = trusted(BETTER_AUTH_SECRET=SECRET, BETTER_AUTH_URL=url)
    assert issuer == TrustedIssuer(
        name=origin,
        audiences=frozenset({origin}),
        algorithms=frozenset({"HS256", *PUBLISHED}),
        secret=SECRET.encode(),
        jwks_url=f"{origin}/api/auth/jwks",
        optional=frozenset({"iss", "aud"}),
    )


def test_the_address_alone_means_published_keys_alone() -> None:
    (issuer,) = trusted(BETTER_AUTH_URL="http://localhost:3000")
    assert (issuer.secret, issuer.optional) == (None, frozenset())


def test_the_secret_alone_means_the_secret_alone() -> None:
    (issuer,) = trusted(BETTER_AUTH_SECRET=SECRET)
    assert (issuer.name, issuer.jwks_url, issuer.audiences) == ("better-auth", None, frozenset())


def test_all_of_them_together() -> None:
    names = [issuer.name for issuer in trusted(FRONTEND, SHARING, BETTER_AUTH_URL="http://localhost:3000")]
    assert names == ["http://localhost:3000", "https://app.example.com", "partner"]


def test_what_else_the_frontend_is_told_is_not_ours() -> None:
    assert trusted(BETTER_AUTH_TRUSTED_ORIGINS="http://localhost:3000") == ()


@pytest.mark.parametrize(
    ("issuers", "says"),
    [
        ("", "JSON list"),
        ("{", "JSON list"),
        ("{}", "JSON list"),
        ([1], "entry 1: must be an object like "),
        ([FRONTEND, {}], "entry 2: issuer is missing."),
        ([FRONTEND | {"issuer": ""}], "entry 1: issuer is too short"),
        ([FRONTEND | {"issuer": " "}], "entry 1: issuer must be a name, with no blanks around it."),
        ([FRONTEND | {"issuer": "https://app.example.com "}], "entry 1: issuer must be a name"),
        ([FRONTEND | {"audience": ["a", "\t"]}], "entry 1: audience.1 must be a name"),
        ([FRONTEND | {"issuer": "\ud800"}], "entry 1: issuer must be text, in UTF-8."),
        ('[{"issuer": "a", "secret": "x", "issuer": "b"}]', "must not hold issuer twice in one entry."),
        ([FRONTEND | {"issuer": 7}], "entry 1: issuer must be text."),
        ([FRONTEND | {"audience": 7}], "entry 1: audience must be a list."),
        ([FRONTEND | {"audience": [7]}], "entry 1: audience.0 must be text."),
        ([SHARING | {"require_issuer": "maybe"}], "entry 1: require_issuer must be true or false."),
        ([SHARING | {"require_issuer": []}], "entry 1: require_issuer must be true or false."),
        ([FRONTEND | {"issuer": "todo"}], "must not be called todo"),
        ([FRONTEND | {"jwks": "x"}], "entry 1: jwks is not known here"),
        ([FRONTEND | {"audience": ""}], "entry 1: audience.0 is too short"),
        ([FRONTEND | {"jwks_url": " https://app.example.com/keys"}], "entry 1: jwks_url must be a URL"),
        ([FRONTEND | {"jwks_url": "https://app.example.com/a b"}], "entry 1: jwks_url must be a URL"),
        ([FRONTEND | {"jwks_url": "app.example.com"}], "entry 1: jwks_url must be a URL"),
        ([FRONTEND | {"jwks_url": "file:///etc/passwd"}], "entry 1: jwks_url must be a URL"),
        ([FRONTEND | {"secret": SECRET}], "either jwks_url or secret"),
        ([{"issuer": "a"}], "either jwks_url or secret"),
        ([FRONTEND | {"audience": []}], "needs audience"),
        ([FRONTEND | {"algorithms": ["HS256"]}], "HS256 cannot"),
        ([FRONTEND | {"algorithms": ["none"]}], "entry 1: algorithms.0 must be one of HS256, "),
        ([FRONTEND | {"algorithms": []}], "entry 1: algorithms must not be empty"),
        ([FRONTEND | {"require_issuer": False}], "require_issuer"),
        ([SHARING | {"algorithms": ["RS256"]}], "only be HS256"),
        ([SHARING | {"secret": "x" * 31}], "entry 1: secret is too short"),
        ([SHARING | {"secret": ""}], "entry 1: secret is too short"),
        ([FRONTEND, FRONTEND], "twice"),
        ([SHARING | {"require_issuer": False}, SHARING | {"issuer": "b", "require_issuer": False}], "without"),
    ],
)
def test_what_cannot_be_is_a_sentence_that_names_it_and_shows_no_secret(issuers: object, says: str) -> None:
    text = issuers if isinstance(issuers, str) else json.dumps(issuers)
    with pytest.raises(SettingsError) as caught:
        load_settings({"TODO_ISSUERS": text or "x"})
    sentence = str(caught.value)
    assert sentence.startswith("TODO_ISSUERS ")
    assert says in sentence
    assert "\n" not in sentence
    assert SECRET not in sentence
    assert "xxxxx" not in sentence


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"BETTER_AUTH_SECRET": "x" * 31}, "BETTER_AUTH_SECRET must be at least 32 characters long"),
        ({"BETTER_AUTH_URL": "localhost:3000"}, "BETTER_AUTH_URL must be a URL"),
        ({"BETTER_AUTH_URL": "http://a b"}, "BETTER_AUTH_URL must be a URL"),
        ({"BETTER_AUTH_URL": "ftp://localhost"}, "BETTER_AUTH_URL must be a URL"),
        ({"BETTER_AUTH_URL": "http://user:pass@localhost"}, "BETTER_AUTH_URL must be a URL"),
        ({"BETTER_AUTH_URL": "http://localhost:99999"}, "BETTER_AUTH_URL must be a URL"),
        ({"BETTER_AUTH_URL": "http://localhost:0"}, "BETTER_AUTH_URL must be a URL"),
        ({"BETTER_AUTH_URL": "https://app.example.com", "TODO_ISSUERS": json.dumps([FRONTEND])}, "twice"),
    ],
)
def test_a_wrong_line_for_the_frontend_is_named(environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        load_settings(environ)
    assert "xxxxx" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    settings = load_settings({"BETTER_AUTH_SECRET": SECRET, "TODO_ISSUERS": json.dumps([SHARING])})
    assert SECRET not in f"{settings!r} {settings} {settings.trusted_issuers!r}"
