"""What changed, over HTTP: in parts, or as a stream of events."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias

import msgspec
from fastapi import APIRouter, Depends
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.responses import Response

from todo.application.feed import Resync
from todo.application.ports import NO_HORIZON, START
from todo.application.queries import PAGE_SIZE
from todo.domain.errors import CursorExpiredError, Flaw, InvalidError, InvalidFieldsError
from todo.domain.values import Revision
from todo.entrypoints.http.dependencies import Admitted, Caller, Counted, Feed
from todo.entrypoints.http.described import Described, answer, any_of, parameter
from todo.entrypoints.http.headers import header
from todo.entrypoints.http.parameters import Parameters, query_of
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import A_TASK, JsonResponse, TaskOut, as_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from todo.application.admission import Caller as CallerOfStream
    from todo.application.feed import FeedService
    from todo.application.ports import Changes
    from todo.domain.task import Task
    from todo.entrypoints.metrics.tally import Tally

router = APIRouter(route_class=PlannedRoute, tags=["sync"])

# as many digits as fit into 63 bits
_CURSOR = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
_OF_STREAM = {"since": "since"}
_OF_PART = {**_OF_STREAM, "limit": "limit"}


class RemovedOut(msgspec.Struct):
    """A task that was put into the trash, at this revision."""

    id: str
    revision: int
    deleted: Annotated[bool, msgspec.Meta(extra_json_schema={"const": True})] = True


ChangeOut: TypeAlias = Annotated[Any, any_of(TaskOut, RemovedOut)]


class ChangesOut(msgspec.Struct):
    """A part of what changed, in order. `cursor` leads to what comes after it."""

    changes: list[ChangeOut]
    cursor: str
    has_more: bool


class Place(NamedTuple):
    """Where a reader has come to, and the horizon under which it reads (see `Changes`)."""

    revision: Revision
    horizon: Revision = NO_HORIZON

    def __str__(self) -> str:
        return f"{self.revision}-{self.horizon}" if self.revision < self.horizon else f"{self.revision}"


class Part(NamedTuple):
    """Where a reader has come to, and how many changes it wants."""

    place: Place
    limit: int


def change_out(task: Task) -> TaskOut | RemovedOut:
    """The wire shape of what happened to this task."""
    return RemovedOut(str(task.id), task.revision) if task.deleted_at else TaskOut.of(task)


async def _part(request: Request) -> Part:
    """The part that the parameters ask for; all of it, without any."""
    parameters = Parameters(query_of(request), _OF_PART)
    since, limit = parameters.one("since", _place), parameters.one("limit", _limit)
    parameters.check()
    return Part(since or Place(START), limit or PAGE_SIZE)


async def _beginning(request: Request) -> Place | None:
    """Where a stream is to begin: what a browser sends to go on, or else the parameter; None for now."""
    parameters = Parameters(query_of(request), _OF_STREAM)
    since = parameters.one("since", _place)
    parameters.check()
    last = header(request, b"last-event-id")
    if not last:
        return since
    try:
        return _place(last)
    except InvalidError as error:
        raise InvalidFieldsError([Flaw("Last-Event-ID", error.flaw, str(error))]) from error


def _place(text: str) -> Place:
    if not (found := _CURSOR.fullmatch(text)):
        raise InvalidError("not_a_cursor", "must be a cursor of this feed, or the id of one of its events.")
    return Place(Revision(int(found[1])), Revision(int(found[2] or 0)))


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(PAGE_SIZE)) and 1 <= int(text) <= PAGE_SIZE):
        raise InvalidError("out_of_range", f"must be a whole number from 1 to {PAGE_SIZE}.")
    return int(text)


_PLACE = f"^{_CURSOR.pattern}$"
_SINCE = parameter(
    "query", "since", "The `cursor` of the part before, or the id of an event.", pattern=_PLACE, examples=["41"]
)
_LIMIT = parameter(
    "query", "limit", "How many changes at most.", type="integer", minimum=1, maximum=PAGE_SIZE, default=PAGE_SIZE
)
_LAST = parameter(
    "header",
    "Last-Event-ID",
    "The id of the last event that arrived; it goes before `since`.",
    pattern=f"^({_CURSOR.pattern})?$",
)

PartAsked = Annotated[
    Part, Depends(_part), Described(InvalidFieldsError, CursorExpiredError, parameters=[_SINCE, _LIMIT])
]
Beginning = Annotated[Place | None, Depends(_beginning), Described(InvalidFieldsError, parameters=[_SINCE, _LAST])]

_PART = ChangesOut([TaskOut.of(A_TASK), RemovedOut("0199e1b2-7c3d-7000-8000-000000000001", 42)], "42", has_more=False)


_STREAM = {
    "description": "Server-Sent Events, for as long as both sides like: `task`, with a change as data; `resync`.",
    "headers": {},
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": f"event: task\ndata: {as_json(TaskOut.of(A_TASK)).decode()}\nid: {A_TASK.revision}\n\n",
        }
    },
}


@router.get("/changes", responses={200: answer(_PART)})
async def list_changes(caller: Caller, part: PartAsked, feed: Feed) -> Response:
    """What changed since a cursor: the newest state of each task once, in order. Without a cursor, everything."""
    changes = await feed.changes(caller, part.place.revision, part.limit, part.place.horizon)
    cursor = str(Place(changes.until, changes.horizon))
    shown = ChangesOut([change_out(task) for task in changes.tasks], cursor, changes.has_more)
    return JsonResponse(as_json(shown))


@router.get("/events", responses={200: _STREAM})
async def follow_changes(caller: Admitted, since: Beginning, feed: Feed, tally: Counted) -> Response:
    """What changes, as it happens (Server-Sent Events).

    Begins behind `Last-Event-ID` or `since`, without either now. `resync` says that this place is too old to
    go on from: read everything anew, the stream goes on from here. Read it with `fetch`: a browser's
    EventSource cannot send an Authorization header.
    """
    head = await feed.head(caller.user)
    stream = _events(feed, caller, since or Place(head), tally)
    return EventSourceResponse(stream, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _events(feed: FeedService, caller: CallerOfStream, since: Place, tally: Tally) -> AsyncIterator[bytes]:
    with tally.stream():
        # the first bytes tell the client that the line stands, before anything has happened
        yield KEEPALIVE_COMMENT
        async with aclosing(feed.follow(caller, *since)) as happenings:
            async for happening in happenings:
                yield b"".join(_formatted(happening)) or KEEPALIVE_COMMENT


def _formatted(happening: Changes | Resync) -> Iterator[bytes]:
    if isinstance(happening, Resync):
        yield format_sse_event(event="resync", id=str(happening.until), data_str="{}")
    else:
        for task in happening.tasks:
            place = Place(task.revision, happening.horizon)
            yield format_sse_event(
                event="task", id=str(place), data_str=_on_one_line(as_json(change_out(task)).decode())
            )


def _on_one_line(json: str) -> str:
    """For readers that take more for the end of a line than the standard does, as `str.splitlines` and httpx do."""
    return json.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
