"""Metrics over HTTP, for Prometheus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.metrics.exposition import exposition

if TYPE_CHECKING:
    from todo.entrypoints.metrics.team import Member

router = APIRouter(route_class=PlannedRoute, include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The numbers of all processes that serve on this port. Needs no database, and holds nothing of any user."""
    member = cast("Member", request.app.state.member)
    numbers, accepted = member.numbers_of_all(), request.headers.get("accept", "")
    # some milliseconds, in which others are to be served
    content, media_type = await asyncio.to_thread(exposition, numbers, accepted)
    return Response(content, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
