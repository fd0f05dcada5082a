"""`todo serve`: the service, in one process or in several."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Final

from todo.entrypoints.cli_setup import (
    check_database_url,
    database,
    listener,
    metrics,
    read_settings,
    signing_secret,
    whereabouts,
)

if TYPE_CHECKING:
    import argparse
    import socket

    from fastapi import FastAPI

    from todo.entrypoints.settings import Settings

_APPLICATION: Final = "todo.entrypoints.cli_serve:application"


def serve_command(chosen: argparse.Namespace) -> int:
    """Serve until told to stop, and return the status to exit with."""
    given = {f"TODO_{name.upper()}": getattr(chosen, name) for name in ("host", "port", "workers")}
    os.environ.update({name: value for name, value in given.items() if value is not None})
    gc.disable()  # until the application is there: looking through what is imported is time lost
    try:
        settings = read_settings()
        check_database_url(settings)
        with listener(settings) as own, metrics(settings) as metrics_port:
            secret = signing_secret(settings)
            meanwhile = _import_application if settings.workers == 1 else lambda: None
            with database(settings, keep=True, meanwhile=meanwhile) as url:
                _hand_on({"TODO_JWT_SECRET": secret, "TODO_DATABASE_URL": url})
                return _serve(settings, own, metrics_port)
    except KeyboardInterrupt:
        return 0


def _serve(settings: Settings, own: socket.socket, metrics_port: int | None) -> int:
    def announce() -> None:
        _announce(settings, own, metrics_port)

    seconds = settings.shutdown_seconds
    if settings.workers == 1:
        from todo.entrypoints.server import serve

        serve(_APPLICATION, own, seconds=seconds, announce=announce)
        return 0
    from todo.entrypoints.logs import configure_logging
    from todo.entrypoints.supervisor import Supervisor

    gc.enable()
    configure_logging(settings.log_level)
    supervisor = Supervisor(_APPLICATION, own, workers=settings.workers, seconds=seconds)
    return supervisor.run(announce)


def application() -> FastAPI:
    """The application as the environment describes it: what each worker process serves."""
    from dependency_injector import providers

    from todo.entrypoints.container import Container
    from todo.entrypoints.environment import load_settings
    from todo.entrypoints.http.app import create_app
    from todo.entrypoints.logs import configure_logging

    settings = load_settings(is_checked=True)  # by `serve_command`, which has since put its own database there
    configure_logging(settings.log_level)
    if settings.traces:
        from todo.entrypoints.tracing import begin_tracing

        begin_tracing(settings.traces)
    app = create_app(Container(settings=providers.Object(settings)))
    # What is there now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    # What a request leaves behind goes without the collector, but for a few knots. After 700 objects, as is usual, it
    # would look for those in the midst of requests, at what is still in use: 4 % of the time of reading a task.
    gc.set_threshold(10_000, 10, 10)
    gc.enable()
    return app


def _import_application() -> None:
    from todo.entrypoints import container, server
    from todo.entrypoints.http import app

    _ = container, server, app


def _hand_on(found: dict[str, str]) -> None:
    """Leave the workers what was found, and what the files of secrets hold.

    A worker that is started later has the same, even if a file was exchanged since. If there is but one
    process, it is this one that reads it.
    """
    from todo.entrypoints.environment import without_files

    settled = without_files(os.environ) | found
    for name in os.environ.keys() - settled.keys():
        del os.environ[name]
    os.environ.update(settled)


def _announce(settings: Settings, own: socket.socket, metrics_port: int | None) -> None:
    from todo import __version__

    address = _address(settings.host, own.getsockname()[1])
    shown = [f"  metrics   {_address(settings.metrics_host, metrics_port)}/metrics"] if metrics_port else []
    print(
        f"todo {__version__}",
        f"  API       {address}/api",
        f"  docs      {address}/docs",
        *shown,
        f"  database  {whereabouts(settings)}",
        "Ctrl-C stops it.",
        sep="\n",
        flush=True,
    )


def _address(host: str, port: int) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only shown
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
