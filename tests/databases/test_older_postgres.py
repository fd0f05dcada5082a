"""On the PostgreSQL that Debian ships, with TLS and passwords, everything holds that holds on the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.databases.certificates import AUTHORITY
from tests.databases.debian import needs_older_postgres, needs_pgbouncer
from tests.databases.pgbouncer import pgbouncer
from tests.databases.runs import CONTRACTS, ISOLATION, MIGRATIONS, WITHOUT_MODELS, run
from tests.databases.through_pgbouncer import PLUGIN, environ
from tests.integration.servers import connected, new_database
from todo.adapters.postgres.connector import Connector
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.migrate import migrate
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = needs_older_postgres


@pytest.mark.slow
async def test_the_contracts_hold_and_the_migration_works(older_server: str) -> None:
    await run(older_server, *WITHOUT_MODELS, *CONTRACTS, *MIGRATIONS)


@pytest.mark.prove
async def test_the_full_suites_pass(older_server: str) -> None:
    # the embedded server is another one, and this one has the encryption that a test wants to miss
    chosen = ("-k", "not embedded and not test_a_server_without_the_encryption_that_is_asked_for")
    await run(older_server, "tests/integration", "tests/generated", *chosen)


@pytest.mark.prove
@needs_pgbouncer
async def test_the_contracts_hold_behind_pgbouncer_too(older_server: str) -> None:
    async with pgbouncer(older_server, {"default_pool_size": 4, "server_tls_sslmode": "require"}) as bouncer:
        await run(older_server, *CONTRACTS, *ISOLATION, plugin=PLUGIN, environ=environ(bouncer))


@pytest.fixture(scope="module")
async def url(older_server: str) -> AsyncIterator[str]:
    async with new_database(older_server) as url:
        await migrate(url)
        yield url


@pytest.fixture(scope="module")
async def directory(older_server: str) -> str:
    """Where the server has its socket and its certificates."""
    async with connected(older_server) as admin:
        return str(await admin.fetchval("SHOW unix_socket_directories"))


class TestUrls:
    """As they are pasted, to a server that has TLS and asks for a password."""

    @pytest.mark.parametrize(
        ("query", "is_encrypted"),
        [
            ("", True),
            ("sslmode=disable", False),
            ("sslmode=allow", False),
            ("sslmode=prefer", True),
            ("sslmode=require&channel_binding=require", True),
            ("sslmode=no-verify", True),
            ("sslmode=verify-ca&sslrootcert={authority}", True),
            ("sslmode=verify-full&sslrootcert={authority}", True),
            ("sslmode=verify-full&sslrootcert={authority}&ssl_min_protocol_version=TLSv1.3", True),
            (
                "sslmode=require&connection_limit=5&pool_timeout=15&connect_timeout=10&target_session_attrs=read-write",
                True,
            ),
            ("ssl=require", True),
            ("ssl=false", False),
        ],
    )
    async def test_are_encrypted_as_they_say(self, url: str, directory: str, query: str, is_encrypted: bool) -> None:
        authority = quote(f"{directory}/{AUTHORITY}", safe="")
        asked = f"{url}?{query.format(authority=authority)}".removesuffix("?")
        connection = await Connector(asked).connect()
        async with connected(url) as admin:
            number = connection._driver.get_server_pid()
            assert await admin.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = $1", number) == is_encrypted
        await connection.close()

    @pytest.mark.parametrize("query", ["sslmode=verify-full", "sslmode=require&sslrootcert=system", "ssl=true"])
    async def test_are_refused_if_nobody_vouches_for_the_server(self, url: str, query: str) -> None:
        database = Database(f"{url}?{query}")
        with pytest.raises(UnavailableError):
            await database.check()
        await database.close()

    @pytest.mark.parametrize("scheme", ["postgres", "postgresql+asyncpg", "postgresql+psycopg"])
    async def test_of_every_scheme_work(self, url: str, scheme: str) -> None:
        database = Database(url.replace("postgresql", scheme, 1))
        await database.check()
        assert database.can_listen
        await database.close()

    async def test_may_name_a_socket(self, url: str, directory: str) -> None:
        who, _, rest = url.removeprefix("postgresql://").partition("@")
        port, _, name = rest.partition(":")[2].partition("/")
        database = Database(f"postgresql://{who}@/{name}?host={quote(directory, safe='')}&port={port}")
        await database.check()
        await database.close()

    async def test_keep_their_options(self, url: str) -> None:
        connection = await Connector(
            f"{url}?options=-c%20geqo%3Doff%20-csearch_path%3Dpublic&application_name=me"
        ).connect()
        asked = (
            "SELECT current_setting('geqo') || current_setting('search_path') || current_setting('application_name')"
        )
        assert await connection._driver.fetchval(asked) == "offpublicme"
        await connection.close()

    async def test_with_a_wrong_password_are_refused_at_once(self, url: str) -> None:
        database = Database(url.replace("@", "x@"))
        with pytest.raises(UnavailableError):
            await database.check()
        assert database._connector._failed_at == float("-inf")  # nobody waits for it to pass
        await database.close()
