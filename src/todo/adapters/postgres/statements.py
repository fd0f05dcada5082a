"""Statements written by SQLAlchemy Core and compiled once, ready for asyncpg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Text, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.visitors import iterate

from todo.adapters.postgres.tables import users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import CTE, BindParameter, Column
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.expression import ClauseElement

_DIALECT = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types

_NEW = "new_"

OWNER_SETTING = "todo.owner"
"""The setting that holds the owner whose rows the policies of row-level security show."""


class Statement:
    """One shape of SQL. Its parameters are given by name; asyncpg wants them by place.

    `writes` says whether running it twice may differ from running it once. Of SQL written by hand that is assumed.
    """

    __slots__ = ("_names", "sql", "writes")

    def __init__(self, clause: ClauseElement) -> None:
        compiled = cast("SQLCompiler", clause.compile(dialect=_DIALECT))
        self.sql = str(compiled)
        self._names = tuple(name.removeprefix(_NEW) for name in compiled.positiontup or ())
        self.writes = any(isinstance(part, UpdateBase | TextClause) for part in iterate(clause))

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order in which the SQL numbers them. `KeyError` if one is missing."""
        return [values[name] for name in self._names]


def new_values(*columns: Column[Any]) -> dict[Column[Any], BindParameter[Any]]:
    """What an UPDATE sets these columns to: parameters that are given by the columns' names.

    In the SQL they are called otherwise, because SQLAlchemy keeps those names for itself.
    """
    return {column: bindparam(_NEW + column.name, type_=column.type) for column in columns}


def me(*, turn: bool = False) -> CTE:
    """`WITH me AS (…)`: one row, if the owner has an account that is not disabled, which tells the policies who asks.

    It tells them for the length of this one statement. With `turn` it also waits for the owner's turn to write,
    and then holds what earlier writes have left.
    A transaction-local setting of its own would cost a second round trip. What is joined LATERAL to it
    runs after it, because it needs `me.owner`; should PostgreSQL ever choose another order, the
    policies would show no rows at all.
    """
    owner = func.set_config(literal_column(f"'{OWNER_SETTING}'"), users.c.id, true()).label("owner")
    counters = (users.c.revision, users.c.purged_revision, users.c.open_tasks, users.c.completed_tasks)
    account = select(owner, *counters).where(
        users.c.id == bindparam("owner", type_=Text), users.c.disabled_at.is_(None)
    )
    if turn:
        account = account.with_for_update(key_share=True)
    return account.cte("me").prefix_with("MATERIALIZED")
