"""Counting an owner's tasks in PostgreSQL, in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, DateTime, Text, and_, bindparam, func, literal_column, or_, select, true

from todo.adapters.postgres.statements import Statement, me
from todo.adapters.postgres.tables import tasks
from todo.adapters.postgres.task_lists import is_overdue
from todo.application.queries import Stats
from todo.application.zones import DueRange
from todo.domain.errors import InvalidTokenError
from todo.domain.values import Priority

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from todo.adapters.postgres.database import Database
    from todo.application.zones import Moment
    from todo.domain.values import UserId


def _stats() -> Statement:
    asking = me()
    mine = and_(tasks.c.owner_id == asking.c.owner, tasks.c.deleted_at.is_(None))
    counted = (
        select(
            func.count().label("total"),
            _count(tasks.c.completed_at.is_(None), "open"),
            _count(is_overdue("today", "now"), "overdue"),
            _count(_is_due_today(), "due_today"),
            *(_count(tasks.c.priority == literal_column(str(priority.value)), priority.name) for priority in Priority),
        )
        .where(mine)
        .lateral("counted")
    )
    each = func.unnest(tasks.c.tags, tasks.c.tag_keys).table_valued("tag", "key").render_derived(name="each")
    count = func.count().label("tasks")
    tags = (
        select(func.min(each.c.tag.collate("C"), type_=Text).label("tag"), count, each.c.key.collate("C").label("key"))
        .select_from(tasks.join(each, true()))
        .where(mine)
        .group_by(each.c.key.collate("C"))
        .lateral("tagged")
    )
    return Statement(
        select(counted, tags.c.tag, tags.c.tasks)
        .select_from(asking.join(counted, true()).outerjoin(tags, true()))
        .order_by(tags.c.tasks.desc(), tags.c.key)
    )


def _count(condition: ColumnElement[bool], name: str) -> ColumnElement[int]:
    return func.count().filter(condition).label(name)


def _is_due_today() -> ColumnElement[bool]:
    first, last = (bindparam(name, type_=DateTime(timezone=True)) for name in ("first_instant", "last_instant"))
    today = or_(tasks.c.due_on == bindparam("today", type_=Date), tasks.c.due_at.between(first, last))
    return and_(tasks.c.completed_at.is_(None), today)


STATS = _stats()


async def read_stats(database: Database, owner: UserId, moment: Moment) -> Stats:
    """`InvalidTokenError` if the owner has no account."""
    today = DueRange.between(moment.today, moment.today, moment.zone)
    values: dict[str, Any] = {
        "owner": owner,
        "now": moment.now,
        "today": moment.today,
        "first_instant": today.first_instant,
        "last_instant": today.last_instant,
    }
    rows = await database.fetch(STATS, values)
    if not rows:
        raise InvalidTokenError
    counts = rows[0]
    return Stats(
        total=counts["total"],
        open=counts["open"],
        completed=counts["total"] - counts["open"],
        overdue=counts["overdue"],
        due_today=counts["due_today"],
        by_priority={priority: counts[priority.name] for priority in Priority},
        by_tag={row["tag"]: row["tasks"] for row in rows if row["tag"] is not None},
    )
