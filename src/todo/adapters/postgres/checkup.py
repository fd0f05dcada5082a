"""Whether a database is fit for the service: reached, of the right version and schema, and with enough room."""

from __future__ import annotations

import ssl
import time
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from todo.adapters.postgres.connection import lacks_tls
from todo.adapters.postgres.connector import Connector
from todo.adapters.postgres.flaws import DatabaseUrlError
from todo.adapters.postgres.isolation_probe import row_security
from todo.adapters.postgres.migrate import MigrationError, first_line, reach
from todo.adapters.postgres.schema_checkup import examine_schema
from todo.adapters.postgres.url import is_pooler, parameters, place
from todo.application.checkups import Finding, fine, problem, skew, warning
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from asyncpg import Record

    from todo.adapters.postgres.startup import Pooler

OLDEST: Final = 15
NEWEST: Final = 18
"""The major versions of PostgreSQL that the tests know."""
CONNECTIONS: Final = 9
"""Connections that a process of the service has at most: its pool, and one that listens."""

_TRIPS: Final = 9
_SLOW: Final = 0.010  # seconds; a request takes one to three round trips
_LIMITS: Final = "SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '5s'"


async def examine(
    url: str, *, pooler: Pooler, processes: int, now: Callable[[], float] = time.time
) -> AsyncIterator[Finding]:
    """What there is to say of the database, the most fundamental first. Leaves nothing behind.

    `pooler` and `processes` are what the settings say; `now` is the clock of this machine.
    """
    try:
        connection = await reach(url)
    except DatabaseUrlError as error:
        yield problem("database_url_wrong", str(error))
        return
    except MigrationError as error:
        yield _unreachable(str(error), error.__cause__)
        return
    try:
        yield fine("database_reached", f"The database at {place(url)} answers.")
        yield encryption(url, is_encrypted=_is_encrypted(connection))
        yield await _latency(connection)
        async with connection.transaction():
            await connection.execute(_LIMITS)
            yield version(await connection.fetchval("SELECT current_setting('server_version_num')::int"))
            yield await _clock(connection, now)
            yield await _room(connection, processes)
            if await connection.fetchval("SELECT current_setting('transaction_read_only')::bool"):
                yield problem(
                    "database_read_only",
                    "The database only reads: name the primary server in the URL, or make it writable again"
                    " (default_transaction_read_only, a full disk, a provider's limit).",
                )
        async with connection.transaction():
            await connection.execute(_LIMITS)
            schema = await examine_schema(connection)
        yield schema
        if schema.level == "ok":
            async with connection.transaction():
                await connection.execute(_LIMITS)
                protection = await row_security(connection)
            for finding in protection:
                yield finding
            if all(finding.level == "ok" for finding in protection):
                yield await _pooler(url, pooler)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        yield problem("database_failed", f"The database broke off: {first_line(error)}. Look at its log.")
    finally:
        connection.terminate()


def _unreachable(sentence: str, cause: BaseException | None) -> Finding:
    match cause:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return problem("database_login_refused", f"{sentence} Check user, password and pg_hba.conf.")
        case asyncpg.ProtocolViolationError() if "authentication failed" in sentence:  # as PgBouncer has it
            return problem("database_login_refused", f"{sentence} Check user and password.")
        case asyncpg.InsufficientPrivilegeError():
            return problem("role_lacks_rights", f"{sentence} GRANT CONNECT ON DATABASE … to the login of the URL.")
        case asyncpg.InvalidCatalogNameError():
            return problem("database_missing", f"{sentence} Make it (CREATE DATABASE), or mend its name in the URL.")
        case asyncpg.TooManyConnectionsError() | asyncpg.CannotConnectNowError():
            return problem("database_busy", f"{sentence} Wait, or raise its max_connections.")
        case ssl.SSLError():
            return problem("database_tls_failed", f"{sentence} Check sslmode and sslrootcert in the URL.")
        case ConnectionError() if lacks_tls(cause):
            return problem(
                "database_tls_failed",
                f"{sentence} Turn TLS on there (ssl = on), or, if the network is yours alone, insist no more"
                " (sslmode=prefer).",
            )
        case OSError():
            return problem("database_unreachable", f"{sentence} Start it, or mend host and port in the URL.")
        case _:
            return problem("database_unusable", sentence)


def version(number: int) -> Finding:
    """What to think of `server_version_num`."""
    major = number // 10_000
    if major < OLDEST:
        return problem("database_too_old", f"PostgreSQL {major} is too old: move to {OLDEST} or later.")
    if major > NEWEST:
        return warning("database_untested", f"PostgreSQL {major} is newer than what was tested, which is {NEWEST}.")
    return fine("database_version", f"PostgreSQL {major} is supported.")


def encryption(url: str, *, is_encrypted: bool) -> Finding:
    """What to think of the way to the database."""
    host = parameters(url).get("host", "")
    if is_encrypted:
        return fine("database_encrypted", "The connection is encrypted (TLS).")
    if host.startswith("/") or host in {"", "localhost", "127.0.0.1", "::1"}:
        return fine("database_local", "The connection stays on this machine, so it needs no encryption.")
    return warning(
        "database_not_encrypted",
        f"The connection to {host} is not encrypted: unless the network is yours alone, put sslmode=verify-full into"
        " the URL (and TLS on the server).",
    )


def _is_encrypted(driver: Any) -> bool:
    return driver._transport.get_extra_info("ssl_object") is not None  # noqa: SLF001 - a server can only tell of its end


async def _latency(connection: asyncpg.Connection[Record]) -> Finding:
    trips = []
    for _ in range(_TRIPS):
        begun = time.perf_counter()
        await connection.execute("SELECT 1")
        trips.append(time.perf_counter() - begun)
    usual = median(trips)
    shown = f"A round trip to the database takes {usual * 1000:.1f} ms"
    if usual <= _SLOW:
        return fine("database_latency", f"{shown} (median of {_TRIPS}).")
    return warning("database_slow", f"{shown}: run the service closer to it, in the same region or network.")


async def _clock(connection: asyncpg.Connection[Record], now: Callable[[], float]) -> Finding:
    before = now()
    theirs = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    return skew("clock", theirs - (before + now()) / 2, "the database")


async def _room(connection: asyncpg.Connection[Record], processes: int) -> Finding:
    most: int = await connection.fetchval(
        "SELECT least("
        " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        " - coalesce(current_setting('reserved_connections', true)::int, 0),"
        " (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = session_user),"
        " (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()))"
    )
    needed = processes * CONNECTIONS
    if needed <= most:
        return fine("connections", f"The service takes up to {needed} connections of {most}.")
    return problem(
        "connections_short",
        f"The service takes up to {needed} connections ({CONNECTIONS} for each process), and the database has {most}:"
        " raise max_connections, put a pooler in between, or lower TODO_WORKERS.",
    )


async def _pooler(url: str, declared: Pooler) -> Finding:
    connector = Connector(url, pooler="auto")
    try:
        connection: Any = await connector.connect()
    except UnavailableError:
        return problem("database_refuses_service", "The database answers, but not as the service asks: see its log.")
    await connection.close()
    is_expected = declared == "transaction" or (declared == "auto" and is_pooler(url))
    if connector.is_pooled and declared == "none":
        return problem(
            "pooler_not_declared",
            "A pooler shares sessions between transactions, and TODO_DATABASE_POOLER=none denies it: set it to"
            " transaction.",
        )
    if connector.is_pooled and not is_expected:
        return warning(
            "pooler_not_declared",
            "A pooler shares sessions between transactions, which each process finds out anew: set"
            " TODO_DATABASE_POOLER=transaction.",
        )
    if declared == "transaction" and not connector.is_pooled:
        return warning(
            "pooler_not_there",
            "TODO_DATABASE_POOLER=transaction, but sessions are not shared: without it, requests are faster and"
            " streams hear of changes at once.",
        )
    kept = "shared by a pooler, as expected" if connector.is_pooled else "kept: there is no transaction pooler"
    return fine("pooler_as_declared", f"Sessions are {kept}.")
