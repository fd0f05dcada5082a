"""Bringing the schema of a database to the one that this version of todo works with."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from todo.adapters.postgres.connection import lacks_tls, may_pass_soon
from todo.adapters.postgres.roles import GRANT_ALL
from todo.adapters.postgres.startup import fit_for_pooler, is_refused_setting, setting_them
from todo.adapters.postgres.url import connect_arguments, is_pooler, place

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncpg import Record
    from sqlalchemy import Connection

VERSION_TABLE: Final = "alembic_version"
"""The table that tells the revision of the schema. It is Alembic's."""
READ_REVISION: Final = "SELECT version_num FROM alembic_version"

_DIRECTORY: Final = Path(__file__).parent / "migrations"
_LOCK: Final = int.from_bytes(b"todo", "big")  # any number that nobody else locks in this database
_CONNECT_LIMIT: Final = 5.0  # seconds
_RETRY: Final = 0.25  # seconds


class MigrationError(Exception):
    """The database cannot be reached or migrated. One sentence, without the password."""


def _ignore(_: str) -> None:
    pass


def head() -> str:
    """The newest revision that this version knows. Each file is named by its revision, in their order."""
    return known_revisions()[-1]


async def migrate(url: str, *, patience: float = 0, on_wait: Callable[[str], None] = _ignore) -> None:
    """Bring the schema to `head()`: all of it, or nothing of it. Does nothing to a schema that is there.

    Of several processes that migrate one database at once, one does it, and the others wait for that one.
    A database that cannot be reached yet is tried again for `patience` seconds; `on_wait` is told why, once.
    `MigrationError` if it cannot be done; `DatabaseUrlError` for a bad URL.
    """
    connection, settings = await _reached(url, patience, on_wait)
    try:
        async with connection.transaction():
            await connection.execute(settings)
            if await is_current(connection):
                return
        await _upgrade(connection, settings)
    finally:
        await connection.close(timeout=_CONNECT_LIMIT)


async def is_current(connection: asyncpg.Connection[Record]) -> bool:
    """Whether the schema is at `head()`. Cheap: one query, and no Alembic.

    `MigrationError` if the schema is one that this version does not know, or may not be looked at.
    """
    try:
        revision = await connection.fetchval(READ_REVISION)
    except asyncpg.UndefinedTableError:
        return False
    except asyncpg.InsufficientPrivilegeError as error:
        sentence = f"The database does not tell this login its schema: {first_line(error)}. {GRANT_ALL}."
        raise MigrationError(sentence) from error
    if revision is not None and revision not in known_revisions():
        raise MigrationError(
            f"The database has the schema of another version of todo (revision {revision}; this one knows up to"
            f" {head()}): run that version, or a newer one."
        )
    return bool(revision == head())


def known_revisions() -> list[str]:
    """The revisions that this version knows, in their order."""
    return sorted(path.name.partition("_")[0] for path in (_DIRECTORY / "versions").glob("[0-9]*_*.py"))


async def reach(url: str) -> asyncpg.Connection[Record]:
    """A connection to the database, as `migrate` makes it. `MigrationError` if there is none to be had."""
    connection, _ = await _reached(url, 0, _ignore)
    return connection


async def _reached(url: str, patience: float, on_wait: Callable[[str], None]) -> tuple[asyncpg.Connection[Record], str]:
    """A connection, and a statement that makes the URL's settings where they could not be made at the start.

    Nothing is prepared on it for longer than a transaction: so it may be one to a pooler.
    """
    arguments: dict[str, Any] = {"timeout": _CONNECT_LIMIT, "statement_cache_size": 0} | connect_arguments(url)
    settings: dict[str, str] = {}
    if is_pooler(url):
        arguments, settings = fit_for_pooler(arguments)
    deadline = time.monotonic() + patience
    has_waited = False
    while True:
        try:
            return await asyncpg.connect(**arguments), setting_them(settings) if settings else "SELECT"
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if is_refused_setting(error) and not settings:
                arguments, settings = fit_for_pooler(arguments)
                if settings:
                    continue
            sentence = f"The database at {place(url)} cannot be used: {_reason(error)}."
            if not may_pass_soon(error) or time.monotonic() > deadline:
                raise MigrationError(sentence) from error
            if not has_waited:
                on_wait(sentence)
                has_waited = True
            await asyncio.sleep(_RETRY)


def _reason(error: Exception) -> str:
    match error:
        case ConnectionRefusedError():
            return "nothing listens there"
        case FileNotFoundError():
            return "there is no socket"
        case TimeoutError():
            return "it does not answer"
        case socket.gaierror():
            return "there is no host of this name"
        case ConnectionError() if lacks_tls(error):
            return "it offers no TLS, and the URL insists on it"
        case _:
            return first_line(error)


def first_line(error: Exception) -> str:
    """What the driver says, without what it says in further lines: they may quote rows."""
    return str(error).partition("\n")[0].rstrip(".")


async def _upgrade(driver: asyncpg.Connection[Record], settings: str) -> None:
    """Upgrade the schema, and close the connection."""
    # Imported here, so that a start that has nothing to migrate does not wait for them.
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def lend() -> asyncpg.Connection[Record]:
        return driver

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lend,
        connect_args={"prepared_statement_cache_size": 0, "prepared_statement_name_func": str},  # which is no name
        poolclass=NullPool,
    )
    # Begun before SQLAlchemy has it: what that asks a new connection needs one session, too.
    whole = driver.transaction()
    await whole.start()
    await driver.execute(settings)
    try:
        async with engine.connect() as connection:
            async with connection.begin():
                await connection.run_sync(_upgrade_in_transaction)
            await whole.commit()
    except DBAPIError as error:
        raise MigrationError(f"The database refuses the migration: {error.orig}.") from error
    finally:
        await engine.dispose()


def _upgrade_in_transaction(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    # A lock of the transaction, because a pooler may give each transaction another session. Who waits for it
    # waits for a whole migration; who waits for a table blocks its readers meanwhile, and gives up soon.
    for statement in (
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL lock_timeout = '5min'",
        f"SELECT pg_advisory_xact_lock({_LOCK})",
        "SET LOCAL lock_timeout = '5s'",
    ):
        connection.exec_driver_sql(statement)
    config = Config()
    config.set_main_option("script_location", str(_DIRECTORY).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
