from __future__ import annotations

import ssl
from typing import Any

import pytest

from todo.adapters.postgres.url import DatabaseUrlError, connect_arguments, is_pooler, place

NEON = "postgresql://me:hunter2@ep-cool-sun-1-pooler.eu-central-1.aws.neon.tech/todo?sslmode=require&channel_binding=require"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_the_three_schemes_mean_the_same(scheme: str) -> None:
    assert connect_arguments(f"{scheme}://me:pw@db.example:6000/todo") == {
        "host": "db.example",
        "port": 6000,
        "user": "me",
        "password": "pw",
        "database": "todo",
        "ssl": "prefer",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://db", {"host": "db", "port": 5432}),
        ("postgresql://[2001:db8::1]/x", {"host": "2001:db8::1", "database": "x"}),
        ("postgresql://a%40b:p%2Fw%3A%25@db/n%20m", {"user": "a@b", "password": "p/w:%", "database": "n m"}),
        ("postgresql://me@/todo?host=/run/my%20dir", {"host": "/run/my dir", "ssl": False}),
        ("postgresql://%2Frun%2Fpg/todo", {"host": "/run/pg", "ssl": False}),
        ("postgresql://db/x?user=u&password=p&port=7", {"user": "u", "password": "p", "port": 7}),
        ("postgresql://db/x?connect_timeout=10", {"timeout": 10}),
        ("postgresql://db/x?connect_timeout=0", {"timeout": None}),
        ("postgresql://db/x?application_name=me", {"server_settings": {"application_name": "me"}}),
        ("postgresql://db/x?options=-c%20geqo%3Doff", {"server_settings": {"options": "-c geqo=off"}}),
        ("postgresql://db/x?target_session_attrs=read-write", {"target_session_attrs": "read-write"}),
        ("postgresql://db/x?sslmode=disable", {"ssl": False}),
        ("postgresql://db/x?sslmode=allow", {"ssl": "allow"}),
        ("postgresql+asyncpg://db/x?ssl=disable", {"ssl": False}),
    ],
)
def test_parameters_keep_the_meaning_that_libpq_gives_them(url: str, expected: dict[str, Any]) -> None:
    assert connect_arguments(url).items() >= expected.items()


@pytest.mark.parametrize(
    ("query", "verifies", "checks_the_name"),
    [
        ("sslmode=require", ssl.CERT_NONE, False),
        ("sslmode=require&sslrootcert=system", ssl.CERT_REQUIRED, True),
        ("sslmode=verify-ca", ssl.CERT_REQUIRED, False),
        ("sslmode=verify-full", ssl.CERT_REQUIRED, True),
    ],
)
def test_what_is_verified(query: str, verifies: ssl.VerifyMode, checks_the_name: bool) -> None:
    context = connect_arguments(f"postgresql://db/x?{query}")["ssl"]
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (verifies, checks_the_name)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_tls_from_the_first_byte() -> None:
    assert connect_arguments("postgresql://db/x?sslmode=require&sslnegotiation=direct")["direct_tls"] is True
    with pytest.raises(DatabaseUrlError, match="sslmode=require"):
        connect_arguments("postgresql://db/x?sslnegotiation=direct")


def test_a_url_as_neon_hands_it_out() -> None:
    arguments = connect_arguments(NEON)
    assert "channel_binding" not in arguments
    assert isinstance(arguments["ssl"], ssl.SSLContext)


@pytest.mark.parametrize(
    ("url", "flaw"),
    [
        ("mysql://me:hunter2@db/x", "begins with postgresql://"),
        ("hunter2", "begins with postgresql://"),
        ("postgresql://", "begins with postgresql://"),
        ("postgresql://me:hunter2#@db/x", "%23"),
        ("postgresql://me:hunter2/x@db/x", "%2F"),
        ("postgresql://me:x?hunter2=1@db/x", "%3F"),
        ("postgresql://me:hunter2[@db/x", "well-formed"),
        ("postgresql://me:hunter2%ff@db/x", "well-formed"),
        ("postgresql://me:hunter2@db:http/x", "well-formed"),
        ("postgresql://me:hunter2@one,two/x", "several hosts"),
        ("postgresql://me:hunter2@db/x?pgbouncer=true", "'pgbouncer'"),
        ("postgresql://me:hunter2@db/x?sslmode=please", "sslmode that is none of disable, allow"),
        ("postgresql://me:hunter2@db/x?channel_binding=no", "channel_binding"),
        ("postgresql://me:hunter2@db/x?connect_timeout=soon", "connect_timeout"),
        ("postgresql://me:hunter2@db/x?port=99999", "port"),
        ("postgresql://me:hunter2@db/x?sslmode=verify-ca&sslrootcert=/nowhere/ca.pem", "sslrootcert"),
    ],
)
def test_what_is_not_understood_is_one_sentence_without_the_password(url: str, flaw: str) -> None:
    with pytest.raises(DatabaseUrlError) as refused:
        connect_arguments(url)
    sentence = str(refused.value)
    assert sentence.startswith("The database URL ")
    assert flaw in sentence
    assert "hunter2" not in sentence
    assert refused.value.__cause__ is None


def test_poolers_are_known_by_their_names() -> None:
    assert is_pooler(NEON)
    assert is_pooler("postgresql://me@aws-0-eu.pooler.supabase.com:6543/postgres")
    assert not is_pooler("postgresql://me@aws-0-eu.pooler.supabase.com:5432/postgres")
    assert not is_pooler("postgresql://me@ep-cool-sun-1.eu-central-1.aws.neon.tech/todo")
    assert not is_pooler("postgresql://me@/todo?host=/run/a-pooler")


def test_a_place_names_neither_user_nor_password() -> None:
    assert place("postgresql://me:hunter2@db.example/todo?sslmode=disable") == "db.example:5432/todo"
    assert place("postgresql://me:hunter2@[::1]:7") == "[::1]:7"
