"""Lists in PostgreSQL: each page in one round trip, each statement written once for all queries of its shape.

Every statement is a range of an index under the owner. Newest first has an index that is read as far as
the page goes, and the account keeps the count. For the other orders and for filters there is none on
purpose: it would cost every write more than it saves here, and who filters counts all of the owner's tasks.

A search reads the signatures of the owner's tasks, which lie together in that index, and then only the tasks
that may hold the words: half of the database's time, and more in large tables, whose pages are far away. To do
without, let `shape_of` say that nothing is narrowed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    TIMESTAMP,
    Boolean,
    Date,
    DateTime,
    Integer,
    SmallInteger,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, UUID

from todo.adapters.postgres.rows import READ_COLUMNS, task_of
from todo.adapters.postgres.signatures import BITS, signature_of_all
from todo.adapters.postgres.statements import Statement, me
from todo.adapters.postgres.tables import tasks
from todo.application.queries import Page, Sort
from todo.application.zones import DueRange
from todo.domain.errors import InvalidTokenError
from todo.domain.values import TITLE_LENGTH, Priority, Revision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import CTE, ColumnElement, FromClause, Select

    from todo.adapters.postgres.database import Database
    from todo.application.queries import TaskQuery
    from todo.domain.values import UserId

_INSTANT = DateTime(timezone=True)

_DAY_BEGINS = func.timezone(literal_column("'UTC'"), cast(tasks.c.due_on, TIMESTAMP))
_KEYS: dict[Sort, ColumnElement[Any]] = {
    Sort.CREATED_AT: tasks.c.created_at,
    Sort.UPDATED_AT: tasks.c.updated_at,
    Sort.DUE: func.coalesce(tasks.c.due_at, _DAY_BEGINS, type_=_INSTANT),
    Sort.PRIORITY: -func.nullif(tasks.c.priority, literal_column("0"), type_=SmallInteger),
    Sort.TITLE: func.left(
        func.split_part(tasks.c.search, literal_column(r"E'\n'"), literal_column("1"), type_=Text),
        literal_column(str(TITLE_LENGTH)),
        type_=Text,
    ),
    Sort.DELETED_AT: tasks.c.deleted_at,
}
_MAY_LACK_KEY = {Sort.DUE, Sort.PRIORITY}
_EVERY_PRIORITY = [int(priority) for priority in Priority]


class Shape(NamedTuple):
    """What queries have in common that one statement serves. There are a few hundred in all."""

    in_trash: bool
    open: bool
    completed: bool
    is_filtered: bool
    sort: Sort
    descending: bool
    goes_on: bool
    goes_on_without_key: bool
    is_narrowed: bool


def shape_of(query: TaskQuery) -> Shape:
    """The shape of this query."""
    return Shape(
        query.in_trash,
        query.open,
        query.completed,
        _is_filtered(query),
        query.sort,
        query.descending,
        query.after is not None,
        query.after is not None and query.after.key is None,
        not query.in_trash and signature_of_all(query.words) is not None,
    )


@lru_cache(maxsize=512)
def page_statement(shape: Shape) -> Statement:
    """The page and the total of a query of this shape: a row for each task, or one row without a task."""
    asking = me()
    place = _maybe_listed(asking, shape) if shape.is_narrowed else tasks
    listed = and_(tasks.c.owner_id == asking.c.owner, *_states(tasks, shape), *_filters(shape))
    accounts: FromClause = asking
    found = select(*READ_COLUMNS).select_from(place)
    total: ColumnElement[int]
    if not (shape.is_filtered or shape.in_trash):
        total = _kept_count(asking, shape)
    elif shape.goes_on:
        counted = select(func.count().label("total")).select_from(place).where(listed).lateral("counted")
        accounts, total = asking.join(counted, true()), counted.c.total
    else:  # this part passes all that is listed, and can count it on the way
        found = found.add_columns(func.count().over().label("total"))
        total = func.coalesce(literal_column("task.total", Integer), literal_column("0"))
    page = _in_order(found.where(listed), shape).limit(bindparam("rows", type_=Integer)).lateral("task")
    shown = [page.c[column.name] for column in READ_COLUMNS]
    return Statement(
        select(*shown, total.label("total"), asking.c.revision.label("reached")).select_from(
            accounts.outerjoin(page, true())
        )
    )


async def read_page(database: Database, owner: UserId, query: TaskQuery) -> Page:
    """`InvalidTokenError` if the owner has no account."""
    rows = await database.fetch(page_statement(shape_of(query)), values_of(owner, query))
    if not rows:
        raise InvalidTokenError
    found = [] if rows[0]["id"] is None else [task_of(row) for row in rows[: query.limit]]
    end = query.position(found[-1]) if len(rows) > query.limit else None
    return Page(found, rows[0]["total"], end, Revision(rows[0]["reached"]))


def _kept_count(asking: CTE, shape: Shape) -> ColumnElement[int]:
    """How long a list without filters is: the account keeps the count, however long the list."""
    kept = [(shape.open, asking.c.open_tasks), (shape.completed, asking.c.completed_tasks)]
    return sum((count for is_listed, count in kept if is_listed), start=literal_column("0", Integer))


def _is_filtered(query: TaskQuery) -> bool:
    """Whether it has filters beyond the state of a task. They share one statement, in which each may be open."""
    return bool(query.priorities or query.tags or query.words or query.due or query.overdue)


def _maybe_listed(asking: CTE, shape: Shape) -> FromClause:
    """The tasks whose signature has all bits of the words. The index alone tells which they are.

    OFFSET keeps PostgreSQL from making one table of the two, and so from reading every task.
    """
    signed, words = tasks.alias("signed"), _parameter("signature", BIT(BITS))
    may_hold = signed.c.signature.bitwise_and(words) == words
    chosen = select(signed.c.id).where(signed.c.owner_id == asking.c.owner, *_states(signed, shape), may_hold)
    maybe = chosen.correlate(asking).offset(literal_column("0")).lateral("maybe")
    return maybe.join(tasks, tasks.c.id == maybe.c.id)


def _states(table: FromClause, shape: Shape) -> Iterator[ColumnElement[bool]]:
    yield table.c.deleted_at.is_not(None) if shape.in_trash else table.c.deleted_at.is_(None)
    if not shape.open:
        yield table.c.completed_at.is_not(None)
    if not shape.completed:
        yield table.c.completed_at.is_(None)


def _filters(shape: Shape) -> Iterator[ColumnElement[bool]]:
    if shape.is_filtered:
        yield tasks.c.priority == any_(bindparam("priorities", type_=ARRAY(SmallInteger)))
        yield tasks.c.tag_keys.contains(bindparam("tags", type_=ARRAY(Text)))
        yield tasks.c.search.like(func.all(bindparam("patterns", type_=ARRAY(Text))))
        yield or_(
            _parameter("any_due", Boolean),
            tasks.c.due_on.between(_parameter("first_day", Date), _parameter("last_day", Date)),
            tasks.c.due_at.between(_parameter("first_instant", _INSTANT), _parameter("last_instant", _INSTANT)),
        )
        yield or_(
            _parameter("overdue_or_not", Boolean),
            func.coalesce(is_overdue("overdue_today", "overdue_now"), false()) == _parameter("overdue", Boolean),
        )


def is_overdue(today: str, now: str) -> ColumnElement[bool]:
    """Whether a task is overdue by the parameters of these names; null for some that are not due."""
    return and_(
        tasks.c.completed_at.is_(None),
        or_(tasks.c.due_on < _parameter(today, Date), tasks.c.due_at < _parameter(now, _INSTANT)),
    )


def _parameter(name: str, type_: Any) -> Any:
    return bindparam(name, type_=type_)


def _in_order(page: Select[Any], shape: Shape) -> Select[Any]:
    key, may_lack_key = _KEYS[shape.sort], shape.sort in _MAY_LACK_KEY
    after_id = bindparam("after_id", type_=UUID)
    if shape.goes_on_without_key:
        page = page.where(key.is_(None), tasks.c.id < after_id if shape.descending else tasks.c.id > after_id)
    elif shape.goes_on:
        place, after = tuple_(key, tasks.c.id), tuple_(bindparam("after_key", type_=key.type), after_id)
        behind = place < after if shape.descending else place > after
        page = page.where(or_(behind, key.is_(None)) if may_lack_key else behind)
    if shape.descending:
        return page.order_by(key.desc().nulls_last() if may_lack_key else key.desc(), tasks.c.id.desc())
    return page.order_by(key, tasks.c.id)


def values_of(owner: UserId, query: TaskQuery) -> dict[str, Any]:
    """The parameters of the statement for the query's shape."""
    # one row more than asked for tells whether the list goes on
    values: dict[str, Any] = {"owner": owner, "rows": query.limit + 1}
    if query.after:
        values |= {"after_key": query.after.key, "after_id": query.after.id}
    if not _is_filtered(query):
        return values
    due = query.due or DueRange()
    moment = query.overdue.moment if query.overdue else None
    return values | {
        "priorities": [int(priority) for priority in query.priorities] or _EVERY_PRIORITY,
        "tags": query.tags,
        "patterns": _patterns(query.words),
        "signature": signature_of_all(query.words),
        "any_due": query.due is None,
        "first_day": due.first_day,
        "last_day": due.last_day,
        "first_instant": due.first_instant,
        "last_instant": due.last_instant,
        "overdue_or_not": query.overdue is None,
        "overdue_today": moment.today if moment else None,
        "overdue_now": moment.now if moment else None,
        "overdue": query.overdue.wanted if query.overdue else None,
    }


def _patterns(words: Iterable[str]) -> list[str]:
    """What LIKE finds these words with, wherever they stand. Its own signs are ordinary characters."""
    signs = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})
    return [f"%{word.translate(signs)}%" for word in words]
