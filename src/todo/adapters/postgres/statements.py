"""Statements written by SQLAlchemy Core and compiled once, ready for asyncpg."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import ARRAY, Text, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.visitors import iterate

from todo.adapters.postgres.tables import users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import CTE, Column, ColumnElement
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.expression import ClauseElement

_DIALECT = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types

_NEW: Final = "new_"
_BETWEEN_TEXTS: Final = "\x1f"  # the "unit separator"

OWNER_SETTING = "todo.owner"
"""The setting that holds the owner whose rows the policies of row-level security show."""


class Statement:
    """One shape of SQL. Its parameters are given by name; asyncpg wants them by place.

    `writes` says whether running it twice may differ from running it once. Of SQL written by hand that is assumed.
    """

    __slots__ = ("arguments", "names", "sql", "writes")

    arguments: Callable[[Mapping[str, Any]], Sequence[Any]]
    """The values in the order in which the SQL numbers them. `KeyError` if one is missing."""

    def __init__(self, clause: ClauseElement) -> None:
        compiled = cast("SQLCompiler", clause.compile(dialect=_DIALECT))
        self.sql = str(compiled)
        self.names = names = tuple(name.removeprefix(_NEW) for name in compiled.positiontup or ())
        # of one name, `itemgetter` would make the value itself
        self.arguments = itemgetter(*names) if len(names) > 1 else lambda values: [values[name] for name in names]
        self.writes = any(isinstance(part, UpdateBase | TextClause) for part in iterate(clause))


def new_values(*columns: Column[Any]) -> dict[Column[Any], ColumnElement[Any]]:
    """What a write sets these columns to: parameters that are given by the columns' names, texts of arrays `joined`.

    In the SQL they are called otherwise, because SQLAlchemy keeps those names for itself.
    """
    return {column: _new_value(column) for column in columns}


def _new_value(column: Column[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, ARRAY):
        texts = bindparam(_NEW + column.name, type_=Text)
        return func.string_to_array(texts, literal_column(r"E'\x1f'"))
    return bindparam(_NEW + column.name, type_=column.type)


def joined(texts: Iterable[str]) -> str:
    """Texts that hold no control characters, as a new value of an array of texts.

    asyncpg looks at a list, and at each text in it, several times for what else it might be. Of what a new task or
    the change of one takes from the service's processor, that is 4 %. Give the array itself to do without.
    """
    return _BETWEEN_TEXTS.join(texts)


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
