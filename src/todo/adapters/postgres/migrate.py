"""Bringing the schema of a database to the one that this version of todo works with."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import asyncpg

from todo.adapters.postgres.url import connect_arguments, is_pooler, place

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncpg import Record
    from sqlalchemy import Connection

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
    return _known()[-1]


async def migrate(url: str, *, patience: float = 0, on_wait: Callable[[str], None] = _ignore) -> None:
    """Bring the schema to `head()`: all of it, or nothing of it. Does nothing to a schema that is there.

    Of several processes that migrate one database at once, one does it, and the others wait for that one.
    A database that cannot be reached yet is tried again for `patience` seconds; `on_wait` is told why, once.
    `MigrationError` if it cannot be done; `DatabaseUrlError` for a bad URL.
    """
    connection = await _reach(url, patience, on_wait)
    try:
        if await is_current(connection):
            return
    finally:
        await connection.close(timeout=_CONNECT_LIMIT)
    await _upgrade(url)


async def is_current(connection: asyncpg.Connection[Record]) -> bool:
    """Whether the schema is at `head()`. Cheap: one query, and no Alembic.

    `MigrationError` if the schema is one that this version does not know.
    """
    try:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return False
    if revision is not None and revision not in _known():
        raise MigrationError(
            f"The database has the schema of another version of todo (revision {revision}; this one knows up to"
            f" {head()}): run that version, or a newer one."
        )
    return bool(revision == head())


def _known() -> list[str]:
    return sorted(path.name.partition("_")[0] for path in (_DIRECTORY / "versions").glob("[0-9]*_*.py"))


async def _reach(url: str, patience: float, on_wait: Callable[[str], None]) -> asyncpg.Connection[Record]:
    arguments = {"timeout": _CONNECT_LIMIT} | connect_arguments(url)
    deadline = time.monotonic() + patience
    has_waited = False
    while True:
        try:
            return await asyncpg.connect(**arguments)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            sentence = f"The database at {place(url)} cannot be used: {_reason(error)}."
            if not _may_pass(error) or time.monotonic() > deadline:
                raise MigrationError(sentence) from error
            if not has_waited:
                on_wait(sentence)
                has_waited = True
            await asyncio.sleep(_RETRY)


def _may_pass(error: Exception) -> bool:
    """Whether a database that is still starting answers so."""
    if isinstance(error, OSError):
        # asyncpg raises a bare ConnectionError when the server has no TLS and the URL insists on it.
        return not isinstance(error, ssl.SSLError | PermissionError) and type(error) is not ConnectionError
    return isinstance(
        error, asyncpg.CannotConnectNowError | asyncpg.PostgresConnectionError | asyncpg.TooManyConnectionsError
    )


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
        case _:
            return str(error).rstrip(".")


async def _upgrade(url: str) -> None:
    # Imported here, so that a start that has nothing to migrate does not wait for them.
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    arguments = connect_arguments(url)
    adapted: dict[str, Any] = {}
    if is_pooler(url):
        # Sessions are shared there: a prepared statement needs a name that nobody else gives.
        arguments["statement_cache_size"] = 0
        adapted["prepared_statement_name_func"] = lambda: f"todo_{uuid4().hex}"
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(**arguments),
        connect_args=adapted,
        poolclass=NullPool,
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade_in_transaction)
    except DBAPIError as error:
        raise MigrationError(f"The database refuses the migration: {error.orig}.") from error
    finally:
        await engine.dispose()


def _upgrade_in_transaction(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

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
