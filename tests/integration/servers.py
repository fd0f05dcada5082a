"""Ways to the databases of the run's server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from todo.adapters.clock import new_id
from todo.adapters.postgres.url import connect_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg import Record

PASSWORD = "only for tests"


def elsewhere(url: str, *, database: str, user: str | None = None) -> str:
    """The same server, but another database, or as another user."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    who = f"{user}:{PASSWORD.replace(' ', '%20')}@{host}" if user else parts.netloc
    return parts._replace(netloc=who, path=f"/{database}").geturl()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection[Record]]:
    """A plain connection, with nothing of ours in between."""
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def new_database(server_url: str, owner: str | None = None, *, template: str = "template1") -> AsyncIterator[str]:
    """The URL of a database, empty or the copy of another, which is gone afterwards."""
    name = f"test_{new_id().hex}"
    async with connected(server_url) as admin:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}" + (f" OWNER {owner}" if owner else ""))
    try:
        yield elsewhere(server_url, database=name, user=owner)
    finally:
        async with connected(server_url) as admin:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def new_login(server_url: str, rights: str) -> AsyncIterator[str]:
    """The name of a role that can log in, which is gone afterwards."""
    name = f"login_{new_id().hex}"
    async with connected(server_url) as admin:
        await admin.execute(f"CREATE ROLE {name} LOGIN {rights} PASSWORD '{PASSWORD}'")
        try:
            yield name
        finally:
            await admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
