"""Lists over HTTP: what may be asked of them, and how one part leads to the next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urlencode

from fastapi import Depends
from starlette.requests import Request

from todo.application.queries import PAGE_SIZE, Overdue, Sort, TaskQuery
from todo.application.zones import DueRange, parse_zone
from todo.domain.errors import CursorMismatchError, InvalidError, InvalidFieldsError
from todo.domain.values import SEARCH_LENGTH, SEARCH_WORDS, TAG_LENGTH, parse_due, parse_tags, parse_words, tag_key
from todo.entrypoints.http.dependencies import cursors, task_service
from todo.entrypoints.http.described import Described, parameter
from todo.entrypoints.http.parameters import Parameters, choice, query_of
from todo.entrypoints.http.shapes import PRIORITIES

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from todo.application.queries import Page
    from todo.domain.values import Due, Revision, UserId
    from todo.entrypoints.http.cursors import Cursors
    from todo.entrypoints.http.headers import HeaderField

_TRUE_OR_FALSE = {"true": True, "false": False}
_STATUSES = {
    "all": (True, True),
    "open": (True, False),
    "completed": (False, True),
    "pending": (True, False),
    "incomplete": (True, False),
    "todo": (True, False),
}
_SORTS = {sort.value: sort for sort in Sort if sort is not Sort.DELETED_AT}
_ORDERS = {"asc": False, "desc": True}

_OF_TRASH = {name: name for name in ("limit", "cursor")}
_OF_TASKS = _OF_TRASH | {
    **{name: name for name in ("status", "completed", "priority", "tag", "due_after", "due_before", "overdue", "tz")},
    "q": "q",
    "search": "q",
    "sort": "sort",
    "sort_by": "sort",
    "order": "order",
    "sort_order": "order",
}
_SHORT = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A list that was asked for, and where in it to begin.

    `of_list` is the same for all of its parts and for no other list; `parameters` are those of every part.
    """

    query: TaskQuery
    overdue: tuple[ZoneInfo | None, bool] | None
    cursor: str | None
    of_list: bytes
    parameters: str

    @property
    def is_timeless(self) -> bool:
        """Whether the list stays as it is for as long as nothing is written."""
        return self.overdue is None


def _read_tasks(query: str) -> Asked:
    given = Parameters(query, _OF_TASKS, repeatable=("priority", "tag"), may_be_empty=("q", "cursor"))
    zone = given.one("tz", parse_zone)
    opened, completed = given.one("status", choice(_STATUSES)) or (True, True)
    if (wanted := given.one("completed", choice(_TRUE_OR_FALSE))) is not None:
        opened, completed = opened and not wanted, completed and wanted
    after, before = given.one("due_after", _bound), given.one("due_before", _bound)
    overdue = given.one("overdue", choice(_TRUE_OR_FALSE))
    sort = given.one("sort", choice(_SORTS)) or Sort.CREATED_AT
    descending = given.one("order", choice(_ORDERS))
    asked = TaskQuery(
        open=opened,
        completed=completed,
        priorities=tuple(sorted(set(given.all("priority", choice(PRIORITIES))))),
        tags=tuple(sorted({tag for tags in given.all("tag", _tag_keys) for tag in tags})),
        words=given.one("q", parse_words) or (),
        due=DueRange.between(after, before, zone or UTC) if after or before else None,
        sort=sort,
        descending=sort.descends_by_default if descending is None else descending,
    )
    return _asked(given, asked, None if overdue is None else (zone, overdue))


def _read_trash(query: str) -> Asked:
    return _asked(
        Parameters(query, _OF_TRASH, may_be_empty=("cursor",)), TaskQuery(in_trash=True, sort=Sort.DELETED_AT), None
    )


def _asked(given: Parameters, query: TaskQuery, overdue: tuple[ZoneInfo | None, bool] | None) -> Asked:
    limit, cursor = given.one("limit", _limit), given.one("cursor", str)
    given.check()
    of_list = hashlib.sha256(repr((query, overdue)).encode()).digest()
    parameters = urlencode([pair for pair in given.pairs if pair[0] != "cursor"])
    return Asked(replace(query, limit=limit or PAGE_SIZE), overdue, cursor, of_list, parameters)


# the same few lists are asked for again and again; a list of one moment is not worth keeping
_read_tasks_again = lru_cache(maxsize=256)(_read_tasks)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= PAGE_SIZE):
        raise InvalidError("out_of_range", f"must be a whole number from 1 to {PAGE_SIZE}.")
    return int(text)


def _bound(text: str) -> Due:
    # a plus that was not encoded arrives as a blank, and nothing else can
    return parse_due(text.replace(" ", "+"))


def _tag_keys(text: str) -> list[str]:
    return [tag_key(tag) for tag in parse_tags([text])]


async def _tasks_asked(request: Request) -> Asked:
    text = query_of(request)
    asked = _read_tasks(text) if len(text) > _SHORT or "cursor" in text else _read_tasks_again(text)
    if asked.overdue:
        zone, wanted = asked.overdue
        moment = (await task_service(request)).moment(zone or UTC)
        asked = replace(asked, query=replace(asked.query, overdue=Overdue(moment, wanted)))
    return await _at_cursor(request, asked)


async def _trash_asked(request: Request) -> Asked:
    return await _at_cursor(request, _read_trash(query_of(request)))


async def _at_cursor(request: Request, asked: Asked) -> Asked:
    if asked.cursor is None:
        return asked
    after = (await cursors(request)).open(asked.cursor, asked.query.sort, asked.of_list)
    return replace(asked, query=replace(asked.query, after=after))


def next_part(request: Request, asked: Asked, page: Page, cursors: Cursors) -> tuple[str | None, list[HeaderField]]:
    """The cursor of the part behind this one, and the header that links to it (RFC 8288)."""
    if page.next is None:
        return None, []
    cursor = cursors.seal(page.next, asked.of_list)
    path = quote(request.scope["path"], safe="/:@!$&'()*+,;=~")
    parameters = f"{asked.parameters}&" if asked.parameters else ""
    return cursor, [(b"link", f'<{path}?{parameters}cursor={cursor}>; rel="next"'.encode())]


def list_etag(owner: UserId, revision: Revision, asked: Asked) -> HeaderField:
    """The ETag of this part of the owner's list, which has to be timeless."""
    which = f"{owner}\n{asked.query.limit}\n{asked.cursor or ''}\n".encode() + asked.of_list
    return b"etag", f'W/"{revision}-{hashlib.sha256(which).hexdigest()[:16]}"'.encode()


_BOUND = {"anyOf": [{"format": "date"}, {"format": "date-time"}]}
_FIRST = [
    parameter("query", "status", "`pending`, `incomplete` and `todo` mean `open`.", enum=[*_STATUSES], default="all"),
    parameter("query", "completed", "The same, in other words.", type="boolean"),
    parameter(
        "query",
        "priority",
        "Any of these.",
        type="array",
        items={"type": "string", "enum": [*PRIORITIES]},
    ),
    parameter(
        "query",
        "tag",
        "All of these, without regard to case.",
        type="array",
        items={"type": "string", "minLength": 1, "maxLength": TAG_LENGTH},
    ),
    parameter("query", "due_after", "A day or an instant, itself included.", **_BOUND, examples=["2026-12-01"]),
    parameter(
        "query", "due_before", "A day or an instant, itself included.", **_BOUND, examples=["2026-12-01T09:00:00Z"]
    ),
    parameter(
        "query",
        "overdue",
        "Open, and due before now: on a day that is over, or at an instant that is past.",
        type="boolean",
    ),
    parameter(
        "query",
        "q",
        f"Up to {SEARCH_WORDS} words, each somewhere in title or description, without regard to case or accents."
        " Also `search`.",
        maxLength=SEARCH_LENGTH,
    ),
    parameter(
        "query",
        "sort",
        "Tasks without the value come last in both orders; the id breaks ties. Also `sort_by`.",
        enum=[*_SORTS],
        default=Sort.CREATED_AT.value,
    ),
    parameter(
        "query",
        "order",
        "Without it, `asc` for `due` and `title`, else `desc`. Also `sort_order`.",
        enum=[*_ORDERS],
    ),
]
TZ = parameter(
    "query",
    "tz",
    "The time zone in which a day has its length (IANA).",
    minLength=1,
    default="UTC",
    examples=["Europe/Berlin"],
)
_PAGING = [
    parameter(
        "query", "limit", "How many tasks at most.", type="integer", minimum=1, maximum=PAGE_SIZE, default=PAGE_SIZE
    ),
    parameter("query", "cursor", "Where to go on: the `next_cursor` of the part before."),
]

TasksAsked = Annotated[
    Asked,
    Depends(_tasks_asked),
    Described(InvalidFieldsError, CursorMismatchError, parameters=[*_FIRST, TZ, *_PAGING]),
]
TrashAsked = Annotated[
    Asked, Depends(_trash_asked), Described(InvalidFieldsError, CursorMismatchError, parameters=_PAGING)
]
