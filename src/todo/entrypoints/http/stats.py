"""How many tasks there are, over HTTP."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Annotated, Self

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from todo.application.zones import parse_zone
from todo.domain.errors import InvalidFieldsError
from todo.entrypoints.http.dependencies import Caller, Tasks
from todo.entrypoints.http.described import Described, answer
from todo.entrypoints.http.lists import TZ
from todo.entrypoints.http.parameters import Parameters, query_of
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import PRIORITY_NAMES, JsonResponse, as_json

if TYPE_CHECKING:
    from todo.application.queries import Stats

router = APIRouter(route_class=PlannedRoute, tags=["tasks"])


class StatsOut(msgspec.Struct):
    """How many tasks there are outside the trash. `overdue` and `due_today` count open ones.

    `by_priority` names every priority; `by_tag` counts the spellings of a tag as one, the most frequent first.
    """

    total: int
    open: int
    completed: int
    overdue: int
    due_today: int
    by_priority: dict[str, int]
    by_tag: dict[str, int]

    @classmethod
    def of(cls, stats: Stats) -> Self:
        """The wire shape of these numbers."""
        return cls(
            stats.total,
            stats.open,
            stats.completed,
            stats.overdue,
            stats.due_today,
            {PRIORITY_NAMES[priority]: count for priority, count in stats.by_priority.items()},
            dict(stats.by_tag),
        )


async def _zone(request: Request) -> tzinfo:
    given = Parameters(query_of(request), {"tz": "tz"})
    zone = given.one("tz", parse_zone)
    given.check()
    return zone or UTC


Zone = Annotated[tzinfo, Depends(_zone), Described(InvalidFieldsError, parameters=[TZ])]

_STATS = StatsOut(3, 2, 1, 1, 0, {"none": 1, "urgent": 0, "high": 2, "medium": 0, "low": 0}, {"home": 2})


@router.get("/stats", responses={200: answer(_STATS)})
async def count_tasks(caller: Caller, zone: Zone, tasks: Tasks) -> Response:
    """How many tasks the caller has, of each kind."""
    return JsonResponse(as_json(StatsOut.of(await tasks.stats(caller, tasks.moment(zone)))))
