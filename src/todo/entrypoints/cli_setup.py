"""What commands need before they begin: settings, a port, a database. Or the sentence that says why there is none."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from todo.entrypoints.process import PortError, bound, undisturbed

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from todo.entrypoints.settings import Settings

_PATIENCE: Final = 30.0  # seconds, for a database that is still starting


class CommandError(Exception):
    """The command cannot be done. One sentence."""


def read_settings() -> Settings:
    """The settings that the environment asks for."""
    from todo.entrypoints.environment import load_settings
    from todo.entrypoints.expectations import SettingsError

    try:
        return load_settings()
    except SettingsError as error:
        raise CommandError(error) from error


def signing_secret(settings: Settings) -> str:
    """What tokens are signed with."""
    from todo.entrypoints.expectations import SettingsError

    try:
        return settings.secret
    except SettingsError as error:
        raise CommandError(error) from error


@contextmanager
def listener(settings: Settings) -> Iterator[socket.socket]:
    """A socket on the port, ours until the end. `PortError` in the block is a sentence, too."""
    try:
        with bound(settings.host, settings.port) as own:
            yield own
    except PortError as error:
        raise CommandError(error) from error


@contextmanager
def metrics(settings: Settings) -> Iterator[int | None]:
    """Where the processes put their numbers together; the port on which these are shown, if they have their own."""
    if not settings.gathers_numbers:
        yield None
        return
    from todo.entrypoints.metrics.team import GatheringError, numbers_gathered

    try:
        with numbers_gathered(settings) as port:
            yield port
    except GatheringError as error:
        raise CommandError(error) from error


@contextmanager
def database(
    settings: Settings,
    *,
    join: bool = False,
    as_it_is: bool = False,
    keep: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[str]:
    """The URL of a database with today's schema: the one that is set, or else that of a server of our own.

    With `join` that may be the one of a `todo serve` that runs already. `as_it_is` leaves the schema alone.
    With `keep` a server of our own that ends by itself is started again; while it gets ready, `meanwhile` is called.
    """
    if settings.database_url:
        if not as_it_is:
            bring_up_to_date(settings.database_url)
        yield settings.database_url
        return
    from todo.adapters.postgres.embedded import EmbeddedPostgres
    from todo.adapters.postgres.programs import EmbeddedPostgresError

    server = EmbeddedPostgres(settings.data_dir)
    try:
        if not has_data(settings):
            print(f"Making a database in {settings.data_dir.absolute()} …", flush=True)
        url = (server.join() if join else None) or server.start(meanwhile)
        if not as_it_is:
            bring_up_to_date(url)
        if keep:
            server.keep()
        yield url
    except EmbeddedPostgresError as error:
        raise CommandError(error) from error
    finally:
        with undisturbed():
            server.stop()


def has_data(settings: Settings) -> bool:
    """Whether there is a database in the data directory. `CommandError` if nobody lets us look."""
    try:
        return (settings.data_dir / "postgres").exists()
    except OSError as error:
        raise CommandError(f"TODO_DATA_DIR: {settings.data_dir} cannot be used: {error.strerror}.") from error


def check_database_url(settings: Settings) -> None:
    """Refuse a URL that is none, or of something else than PostgreSQL."""
    from todo.adapters.postgres.url import DatabaseUrlError, connect_arguments

    if settings.database_url:
        try:
            connect_arguments(settings.database_url)
        except DatabaseUrlError as error:
            raise CommandError(f"{_name_of_url()}: {error}") from error


def whereabouts(settings: Settings) -> str:
    """Where the data is, without the user and the password."""
    if not settings.database_url:
        return f"PostgreSQL in {settings.data_dir.absolute()}"
    from todo.adapters.postgres.url import place

    return place(settings.database_url)


def bring_up_to_date(url: str) -> None:
    """Bring the schema to that of this version."""
    from todo.adapters.postgres.migrate import MigrationError, migrate
    from todo.adapters.postgres.url import DatabaseUrlError

    def say(reason: str) -> None:
        print(f"{reason} Waiting up to {_PATIENCE:.0f} seconds for it …", file=sys.stderr, flush=True)

    try:
        asyncio.run(migrate(url, patience=_PATIENCE, on_wait=say))
    except (DatabaseUrlError, MigrationError) as error:
        raise CommandError(f"{_name_of_url()}: {error}") from error


def _name_of_url() -> str:
    """The variable that the database URL comes from."""
    names = ("TODO_DATABASE_URL", "TODO_DATABASE_URL_FILE")
    return next((name for name in names if os.environ.get(name)), "DATABASE_URL")
