"""Statements as spans (OpenTelemetry), under the request that they are for."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from todo.adapters.postgres.connection import Connection, PooledConnection
from todo.adapters.postgres.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncpg import Record

    from todo.adapters.postgres.statements import Statement

_WRITING = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_READING = re.compile(r"\b(?:FROM|JOIN) (\w+)")


class _Traced(Connection):
    """A connection whose statements are spans, if there is a span that they belong to.

    A span tells the shape of its statement, never a value.
    """

    __slots__ = ()

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        with _span(summary(statement.sql), {"db.query.text": statement.sql}):
            return await super().fetch(statement, values)

    async def execute(self, script: str) -> None:
        # a script names the owner, so only its first word is told
        with _span(script.partition(";")[0].partition(" ")[0]):
            await super().execute(script)


class TracedConnection(_Traced):
    """Straight to the server."""

    __slots__ = ()

    fetch_alone = _Traced.fetch


class TracedPooledConnection(_Traced, PooledConnection):
    """To a transaction pooler."""

    __slots__ = ()


@lru_cache(maxsize=512)
def summary(sql: str) -> str:
    """What the statement does to which table, in two words: the last that it writes, or else reads."""
    tables = metadata.tables.keys()
    written = [(verb.partition(" ")[0], table) for verb, table in _WRITING.findall(sql) if table in tables]
    if written:
        return " ".join(written[-1])
    read = [table for table in _READING.findall(sql) if table in tables]
    return f"SELECT {read[-1]}" if read else "SELECT"


@contextmanager
def _span(name: str, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
    if not trace.get_current_span().is_recording():
        yield
        return
    described = {"db.system.name": "postgresql", "db.query.summary": name, **(attributes or {})}
    tracer = trace.get_tracer("todo.postgres")
    # without the message of an exception: PostgreSQL quotes values in it
    with tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=described, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise
