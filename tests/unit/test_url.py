from __future__ import annotations

import ssl
from typing import Any

import pytest

from todo.adapters.postgres.startup import fit_for_pooler, setting_them
from todo.adapters.postgres.url import DatabaseUrlError, connect_arguments, is_pooler, place

NEON = "postgresql://me:hunter2@ep-cool-sun-1-pooler.eu-central-1.aws.neon.tech/todo?sslmode=require&channel_binding=require"


@pytest.mark.parametrize(
    "scheme",
    ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2", "postgres+asyncpg"],
)
def test_the_schemes_mean_the_same(scheme: str) -> None:
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


@pytest.mark.parametrize(
    ("url", "host", "port", "settings"),
    [
        # Neon, with the endpoint for clients without SNI
        (
            "postgresql://me:hunter2@ep-1.eu-central-1.aws.neon.tech/todo?sslmode=require&options=endpoint%3Dep-1",
            "ep-1.eu-central-1.aws.neon.tech",
            5432,
            {"options": "endpoint=ep-1"},
        ),
        # Supabase: direct, and its session pooler
        ("postgresql://postgres:hunter2@db.abcd.supabase.co:5432/postgres", "db.abcd.supabase.co", 5432, {}),
        (
            "postgres://postgres.abcd:hunter2@aws-0-eu.pooler.supabase.com:5432/postgres?supa=base-pooler.x",
            "aws-0-eu.pooler.supabase.com",
            5432,
            {},
        ),
        # Render's, from inside and from outside
        ("postgresql://me:hunter2@dpg-abc-a/todo", "dpg-abc-a", 5432, {}),
        ("postgresql://me:hunter2@dpg-a.oregon-postgres.render.com/x", "dpg-a.oregon-postgres.render.com", 5432, {}),
        # Railway: its private network, and its proxy
        ("postgresql://postgres:hunter2@postgres.railway.internal:5432/railway", "postgres.railway.internal", 5432, {}),
        ("postgresql://postgres:hunter2@house.proxy.rlwy.net:34567/railway", "house.proxy.rlwy.net", 34567, {}),
        # Amazon RDS
        (
            "postgresql://me:hunter2@db.abc.eu-west-1.rds.amazonaws.com:5432/x?sslmode=verify-full&sslrootcert=system",
            "db.abc.eu-west-1.rds.amazonaws.com",
            5432,
            {},
        ),
        # Heroku
        ("postgres://u1:hunter2@ec2-1.compute-1.amazonaws.com:5432/d1", "ec2-1.compute-1.amazonaws.com", 5432, {}),
        # Fly
        ("postgres://me:hunter2@todo-db.flycast:5432/todo?sslmode=disable", "todo-db.flycast", 5432, {}),
        # Azure
        (
            "postgres://me%40srv:hunter2@srv.postgres.database.azure.com:5432/todo?sslmode=require",
            "srv.postgres.database.azure.com",
            5432,
            {},
        ),
        # Cloud SQL: a socket whose name has colons in it
        ("postgresql://me:hunter2@/todo?host=/cloudsql/project:region:todo", "/cloudsql/project:region:todo", 5432, {}),
        # Prisma's and SQLAlchemy's own parameters
        (
            "postgresql://me:hunter2@db/todo?schema=public&connection_limit=5&pool_timeout=15&connect_timeout=30",
            "db",
            5432,
            {"search_path": '"public"'},
        ),
        ("postgresql+asyncpg://me:hunter2@db/todo?prepared_statement_cache_size=0&ssl=require", "db", 5432, {}),
    ],
)
def test_urls_as_they_are_handed_out(url: str, host: str, port: int, settings: dict[str, str]) -> None:
    arguments = connect_arguments(url)
    assert (arguments["host"], arguments["port"]) == (host, port)
    assert arguments["password"] == "hunter2"
    assert arguments.get("server_settings", {}) == settings
    assert "hunter2" not in place(url)


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("ssl=true", ssl.CERT_REQUIRED),
        ("ssl=require", ssl.CERT_NONE),
        ("sslmode=no-verify&sslrootcert=/nowhere/ca.pem", ssl.CERT_NONE),
    ],
)
def test_encryption_as_other_drivers_ask_for_it(query: str, mode: ssl.VerifyMode) -> None:
    assert connect_arguments(f"postgresql://db/x?{query}")["ssl"].verify_mode is mode


def test_what_a_pooler_is_not_told_is_set_in_each_transaction() -> None:
    options = r"options=endpoint%3Dep-1%20-c%20geqo%3Doff%20--search_path%3Da\%20b"
    url = f"postgresql://me@db-pooler/x?application_name=me&target_session_attrs=read-write&{options}"
    arguments, settings = fit_for_pooler(connect_arguments(url))
    assert arguments["server_settings"] == {"application_name": "me", "options": "endpoint=ep-1"}
    assert "target_session_attrs" not in arguments
    assert settings == {"geqo": "off", "search_path": "a b"}
    assert setting_them({"it": "'s \\"}) == "SELECT set_config(E'it', E'''s \\\\', true)"


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
        ("postgresql://me:12?a=hunter2@db/x", "well-formed"),
        ("postgresql://me:hunter2@db:http/x", "well-formed"),
        ("postgresql://me:hunter2@one,two/x", "several hosts"),
        ("postgresql+mysql://me:hunter2@db/x", "begins with postgresql://"),
        ("jdbc:postgresql://me:hunter2@db/x", "begins with postgresql://"),
        ("postgresql://me:hunter2@db/x?require_auth=scram-sha-256", "'require_auth'"),
        ("postgresql://me:hunter2@db/x?pgbouncer=hunter2", "pgbouncer that is none of true, false"),
        ("postgresql://me:hunter2@db/x?gssencmode=require", "gssencmode"),
        ("postgresql://me:hunter2@db/x?target_session_attrs=leader", "target_session_attrs"),
        ("postgresql://me:hunter2@db/x?client_encoding=latin1", "client_encoding"),
        ("postgresql://me:hunter2@db/x?options=-x%20hunter2", "options"),
        ("postgresql://me:hunter2@db/x?sslmode=require&ssl_min_protocol_version=SSLv3", "ssl_min_protocol_version"),
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


POOLERS = [
    NEON,
    "postgres://postgres.abcd:pw@aws-0-eu.pooler.supabase.com:6543/postgres",
    "postgres://postgres.abcd:pw@aws-0-eu.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1",
    "postgres://postgres:pw@db.abcd.supabase.co:6543/postgres",
    "postgresql://fly-user:pw@pgbouncer.abcd.flympg.net/fly-db",
    "postgresql://doadmin:pw@db-1.b.db.ondigitalocean.com:25061/pool?sslmode=require",
    "postgres://me:pw@srv.postgres.database.azure.com:6432/todo?sslmode=require",
    "postgresql://me:pw@10.0.0.7:6432/todo",
    "postgresql://me:pw@db/todo?pgbouncer=true",
]
NO_POOLERS = [
    "postgresql://me@aws-0-eu.pooler.supabase.com:5432/postgres",
    "postgresql://me@ep-cool-sun-1.eu-central-1.aws.neon.tech/todo",
    "postgresql://me@/todo?host=/run/a-pooler&port=6432",
    "postgresql://postgres:pw@containers-us-west-1.railway.app:6543/railway",
    "postgresql://fly-user:pw@direct.abcd.flympg.net/fly-db",
    "postgresql://doadmin:pw@db-1.b.db.ondigitalocean.com:25060/defaultdb?sslmode=require",
    "postgresql://me:pw@pgbouncer.example.com/todo",
    "postgresql://me:pw@db/todo?pgbouncer=false",
]


@pytest.mark.parametrize("url", POOLERS)
def test_poolers_are_known_by_their_names(url: str) -> None:
    assert is_pooler(url)


@pytest.mark.parametrize("url", NO_POOLERS)
def test_what_is_not_known_as_a_pooler_is_taken_for_none(url: str) -> None:
    assert not is_pooler(url)


def test_a_place_names_neither_user_nor_password() -> None:
    assert place("postgresql://me:hunter2@db.example/todo?sslmode=disable") == "db.example:5432/todo"
    assert place("postgresql://me:hunter2@[::1]:7") == "[::1]:7"
