"""Lists in memory: what a query means, said in Python."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from todo.application.queries import Page, Stats
from todo.application.zones import DueRange
from todo.domain.values import Priority, Revision, searched_text, tag_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from todo.application.queries import Position, TaskQuery
    from todo.application.zones import Moment
    from todo.domain.task import Task


def page_of(tasks: Iterable[Task], query: TaskQuery, revision: int) -> Page:
    """The part of these tasks that the query asks for."""
    listed = [task for task in tasks if passes(task, query)]
    listed.sort(key=lambda task: _place(query.position(task), query), reverse=query.descending)
    rest = [task for task in listed if query.after is None or _is_behind(query.position(task), query.after, query)]
    page = rest[: query.limit]
    end = query.position(page[-1]) if len(rest) > len(page) else None
    return Page(page, len(listed), end, Revision(revision))


def passes(task: Task, query: TaskQuery) -> bool:
    """Whether the task is of the list, on whichever page."""
    return (
        (task.deleted_at is not None) == query.in_trash
        and (query.completed if task.completed else query.open)
        and (not query.priorities or task.priority in query.priorities)
        and {tag_key(tag) for tag in task.tags}.issuperset(query.tags)
        and _has_words(task, query.words)
        and (query.due is None or _is_due(task, query.due))
        and (query.overdue is None or is_overdue(task, query.overdue.moment) == query.overdue.wanted)
    )


def is_overdue(task: Task, moment: Moment) -> bool:
    """Whether the task should have been done before."""
    if task.completed or task.due is None:
        return False
    return task.due < moment.now if isinstance(task.due, datetime) else task.due < moment.today


def stats_of(tasks: Collection[Task], moment: Moment) -> Stats:
    """How many of these tasks there are of each kind."""
    is_open = [task for task in tasks if not task.completed]
    today = DueRange.between(moment.today, moment.today, moment.zone)
    priorities = Counter(task.priority for task in tasks)
    spellings: dict[str, str] = {}
    for tag in sorted({tag for task in tasks for tag in task.tags}):
        spellings.setdefault(tag_key(tag), tag)
    tags = Counter(tag_key(tag) for task in tasks for tag in task.tags)
    return Stats(
        total=len(tasks),
        open=len(is_open),
        completed=len(tasks) - len(is_open),
        overdue=sum(is_overdue(task, moment) for task in is_open),
        due_today=sum(_is_due(task, today) for task in is_open),
        by_priority={priority: priorities[priority] for priority in Priority},
        by_tag={spellings[key]: tags[key] for key in sorted(tags, key=lambda key: (-tags[key], key))},
    )


def _is_due(task: Task, due: DueRange) -> bool:
    if task.due is None:
        return False
    if isinstance(task.due, datetime):
        return due.first_instant <= task.due <= due.last_instant
    return due.first_day <= task.due <= due.last_day


def _has_words(task: Task, words: Iterable[str]) -> bool:
    text = searched_text(task.title, task.description)
    return all(word in text for word in words)


def _place(position: Position, query: TaskQuery) -> tuple[Any, ...]:
    """What sorts like the list; no value is less than any, or more, so that it comes last."""
    has_key = position.key is not None
    return (has_key if query.descending else not has_key, position.key if has_key else 0, position.id)


def _is_behind(position: Position, other: Position, query: TaskQuery) -> bool:
    place, there = _place(position, query), _place(other, query)
    return place < there if query.descending else place > there
