"""Whether the process runs, and whether it can serve."""

from __future__ import annotations

from typing import Literal

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from todo.entrypoints.http.dependencies import ReadyStore
from todo.entrypoints.http.described import answer
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import JsonResponse, as_json

router = APIRouter(route_class=PlannedRoute, tags=["health"])


class Health(msgspec.Struct):
    """All is well."""

    status: Literal["ok"]


_WELL = Health("ok")


@router.get("/livez", responses={200: answer(_WELL)})
async def live() -> Response:
    """The process runs."""
    return JsonResponse(as_json(_WELL))


@router.get("/readyz", responses={200: answer(_WELL)})
async def ready(store: ReadyStore) -> Response:
    """The service can serve: its store is reached, and has the schema that this code was written for.

    Told to stop, it says at once that it cannot, and still serves for a moment.
    """
    await store.check()
    return JsonResponse(as_json(_WELL))
