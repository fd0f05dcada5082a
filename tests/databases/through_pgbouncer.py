"""A plugin of pytest: whatever database the service is given, it reaches it through PgBouncer.

What tests look at it with, beside the service, goes there directly. Loaded by `-p tests.databases.through_pgbouncer`,
with PYTEST_PGBOUNCER naming the pooler as port and certificate of the authority, with a colon in between.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.databases.pgbouncer import Bouncer
from todo.adapters.postgres import connector, migrate
from todo.adapters.postgres.connector import Connector

if TYPE_CHECKING:
    from collections.abc import Callable

PLUGIN = "tests.databases.through_pgbouncer"
WHERE = "PYTEST_PGBOUNCER"
QUERY = "PYTEST_PGBOUNCER_QUERY"
"""What the URLs ask for, if it is not verified TLS."""


def environ(bouncer: Bouncer, query: str = "") -> dict[str, str]:
    """What the run needs to know."""
    return {WHERE: f"{bouncer.port}:{bouncer.authority}", QUERY: query}


def pytest_configure() -> None:
    port, _, authority = os.environ[WHERE].partition(":")
    bouncer = Bouncer(int(port), Path(authority))
    query = os.environ.get(QUERY, "")
    straight: Callable[..., None] = Connector.__init__
    reached: Callable[..., Any] = migrate._reached

    def pooled(self: Connector, url: str, **options: Any) -> None:
        straight(self, bouncer.url(url, query), **options)

    async def reached_through(url: str, *options: Any) -> Any:
        return await reached(bouncer.url(url, query), *options)

    connector.Connector.__init__ = pooled  # type: ignore[method-assign]
    migrate._reached = reached_through  # type: ignore[assignment]
