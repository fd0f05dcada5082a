"""The command line: `todo serve`, `todo migrate`, `todo users`, `todo openapi`.

Each command imports what it needs when it runs, so that `todo --help` answers at once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from todo.entrypoints.cli_users import add_users
from todo.entrypoints.process import PortError, bound, heed_termination, undisturbed

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

    from fastapi import FastAPI

    from todo.entrypoints.settings import Settings

_PATIENCE: Final = 30.0  # seconds, for a database that is still starting


class CommandError(Exception):
    """The command cannot be done. One sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the status to exit with.

    0 if it is done, and being told to stop is how a service is done. 1 if something is in the way, with one
    sentence on standard error. 130 if Ctrl-C interrupts another command.
    """
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.command(chosen))
    except CommandError as error:
        print(f"todo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def application() -> FastAPI:
    """The application as the environment describes it: what each worker process serves."""
    import gc

    from dependency_injector import providers

    from todo.entrypoints.container import Container
    from todo.entrypoints.http.app import create_app
    from todo.entrypoints.logs import configure_logging
    from todo.entrypoints.settings import load_settings

    settings = load_settings()
    configure_logging(settings.log_level)
    app = create_app(Container(settings=providers.Object(settings)))
    # What is there now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    return app


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="todo", description="A multi-user task service.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="run the service",
        description="Run the service. Without TODO_DATABASE_URL or DATABASE_URL it starts a PostgreSQL of its own.",
    )
    serve.add_argument("--host", metavar="ADDRESS", help="listen on this address (TODO_HOST, 127.0.0.1)")
    serve.add_argument("--port", metavar="NUMBER", help="listen on this port (TODO_PORT, 8000)")
    serve.add_argument("--workers", metavar="NUMBER", help="serve with this many processes (TODO_WORKERS, 1)")
    serve.set_defaults(command=_serve)
    migrate = commands.add_parser(
        "migrate",
        help="bring the database's schema up to date",
        description="Bring the database's schema up to date. `todo serve` does so by itself.",
    )
    migrate.set_defaults(command=_migrate)
    add_users(commands, _users)
    openapi = commands.add_parser(
        "openapi",
        help="print the API's description",
        description="Print the API's description as OpenAPI JSON. Needs neither a database nor any setting.",
    )
    openapi.set_defaults(command=_openapi)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from todo import __version__

        print(f"todo {__version__}")
        parser.exit()


def _serve(chosen: argparse.Namespace) -> int:
    given = {f"TODO_{name.upper()}": getattr(chosen, name) for name in ("host", "port", "workers")}
    os.environ.update({name: value for name, value in given.items() if value is not None})
    settings = _settings()
    from todo.entrypoints.server import serve

    heed_termination()
    try:
        with _bound(settings) as listener:
            # The workers read these; so does this process, if it is the only one.
            os.environ["TODO_JWT_SECRET"] = _secret(settings)
            with _database(settings) as url:
                os.environ["TODO_DATABASE_URL"] = url
                return serve(
                    "todo.entrypoints.cli:application",
                    listener,
                    workers=settings.workers,
                    announce=lambda: _announce(settings, listener),
                )
    except KeyboardInterrupt:
        return 0


def _migrate(_: argparse.Namespace) -> int:
    settings = _settings()
    with _database(settings):
        print(f"The schema of {_whereabouts(settings)} is up to date.")
    return 0


def _users(chosen: argparse.Namespace) -> int:
    from dependency_injector import providers

    from todo.entrypoints.cli_users import UsersError, carry_out
    from todo.entrypoints.container import Container
    from todo.entrypoints.logs import configure_logging

    settings = _settings()
    configure_logging("warning")

    async def run(url: str) -> None:
        container = Container(settings=providers.Object(settings.model_copy(update={"database_url": url})))
        try:
            await carry_out(chosen, container.operator_service())
        finally:
            await container.store().close()

    with _database(settings, join=True) as url:
        try:
            asyncio.run(run(url))
        except UsersError as error:
            raise CommandError(error) from error
    return 0


def _openapi(_: argparse.Namespace) -> int:
    import json
    import secrets

    from dependency_injector import providers

    from todo.entrypoints.container import Container
    from todo.entrypoints.http.app import create_app
    from todo.entrypoints.settings import Settings

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads it may have read enough
    settings = Settings(jwt_secret=secrets.token_hex())
    description = create_app(Container(settings=providers.Object(settings))).openapi()
    print(json.dumps(description, indent=2, ensure_ascii=False))
    return 0


def _settings() -> Settings:
    from todo.entrypoints.settings import SettingsError, load_settings

    try:
        return load_settings()
    except SettingsError as error:
        raise CommandError(error) from error


def _secret(settings: Settings) -> str:
    from todo.entrypoints.settings import SettingsError

    try:
        return settings.secret
    except SettingsError as error:
        raise CommandError(error) from error


@contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    try:
        listener = bound(settings.host, settings.port)
    except PortError as error:
        raise CommandError(error) from error
    with listener:
        yield listener


@contextmanager
def _database(settings: Settings, *, join: bool = False) -> Iterator[str]:
    """The URL of a database with today's schema: the one that is set, or else that of a server of our own.

    With `join` that may be the one of a `todo serve` that runs already.
    """
    if settings.database_url:
        _bring_up_to_date(settings.database_url)
        yield settings.database_url
        return
    from todo.adapters.postgres.embedded import EmbeddedPostgres
    from todo.adapters.postgres.programs import EmbeddedPostgresError

    server = EmbeddedPostgres(settings.data_dir)
    try:
        if not (settings.data_dir / "postgres").exists():
            print(f"Making a database in {settings.data_dir.absolute()} …", flush=True)
        url = (server.join() if join else None) or server.start()
        _bring_up_to_date(url)
        yield url
    except EmbeddedPostgresError as error:
        raise CommandError(error) from error
    finally:
        with undisturbed():
            server.stop()


def _bring_up_to_date(url: str) -> None:
    from todo.adapters.postgres.migrate import MigrationError, migrate
    from todo.adapters.postgres.url import DatabaseUrlError

    def say(reason: str) -> None:
        print(f"{reason} Waiting up to {_PATIENCE:.0f} seconds for it …", file=sys.stderr, flush=True)

    name = "TODO_DATABASE_URL" if os.environ.get("TODO_DATABASE_URL") else "DATABASE_URL"
    try:
        asyncio.run(migrate(url, patience=_PATIENCE, on_wait=say))
    except (DatabaseUrlError, MigrationError) as error:
        raise CommandError(f"{name}: {error}") from error


def _announce(settings: Settings, listener: socket.socket) -> None:
    from todo import __version__

    host, port = settings.host, listener.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only shown
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    print(
        f"todo {__version__}",
        f"  API       {address}/api",
        f"  docs      {address}/docs",
        f"  database  {_whereabouts(settings)}",
        "Ctrl-C stops it.",
        sep="\n",
        flush=True,
    )


def _whereabouts(settings: Settings) -> str:
    """Where the data is, without the user and the password."""
    if not settings.database_url:
        return f"PostgreSQL in {settings.data_dir.absolute()}"
    from todo.adapters.postgres.url import place

    return place(settings.database_url)
