"""The command line: `todo serve`, `todo migrate`, `todo doctor`, `todo users` and what else there is.

Each command imports what it needs when it runs, so that `todo --help` answers at once.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from todo.entrypoints.cli_backup import add_backup
from todo.entrypoints.cli_doctor import add_doctor
from todo.entrypoints.cli_serve import serve_command
from todo.entrypoints.cli_setup import CommandError, database, read_settings, whereabouts
from todo.entrypoints.cli_users import add_users
from todo.entrypoints.process import heed_termination

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the status to exit with.

    0 if it is done, and being told to stop is how a service is done. 1 if something is in the way, with one
    sentence on standard error. 130 if Ctrl-C or SIGTERM interrupts another command.
    """
    chosen = _parser().parse_args(arguments)
    heed_termination()
    try:
        return int(chosen.command(chosen))
    except CommandError as error:
        print(f"todo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


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
    serve.set_defaults(command=serve_command)
    migrate = commands.add_parser(
        "migrate",
        help="bring the database's schema up to date",
        description="Bring the database's schema up to date. `todo serve` does so by itself.",
    )
    migrate.set_defaults(command=_migrate)
    add_doctor(commands)
    add_backup(commands)
    add_users(commands, _users)
    openapi = commands.add_parser(
        "openapi",
        help="print the API's description",
        description="Print the API's description as OpenAPI JSON. Needs neither a database nor any setting.",
    )
    openapi.set_defaults(command=_openapi)
    settings = commands.add_parser(
        "settings",
        help="print what can be set",
        description="Print all settings, with their defaults and meanings, as Markdown: docs/settings.md.",
    )
    settings.set_defaults(command=_settings)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from todo import __version__

        print(f"todo {__version__}")
        parser.exit()


def _migrate(_: argparse.Namespace) -> int:
    settings = read_settings()
    with database(settings):
        print(f"The schema of {whereabouts(settings)} is up to date.")
    return 0


def _users(chosen: argparse.Namespace) -> int:
    from dependency_injector import providers

    from todo.entrypoints.cli_users import UsersError, carry_out
    from todo.entrypoints.container import Container
    from todo.entrypoints.logs import configure_logging

    settings = read_settings()
    configure_logging("warning")

    async def run(url: str) -> None:
        container = Container(settings=providers.Object(settings.model_copy(update={"database_url": url})))
        try:
            await carry_out(chosen, container.operator_service())
        finally:
            await container.store().close()

    with database(settings, join=True) as url:
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


def _settings(_: argparse.Namespace) -> int:
    from todo.entrypoints.settings_page import page

    print(page(), end="")
    return 0
