"""Whether the process runs, and whether it can serve."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from todo.entrypoints.http.dependencies import StoreInUse
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import JsonResponse

router = APIRouter(route_class=PlannedRoute, tags=["health"])


@router.get("/livez")
async def live() -> Response:
    """The process runs."""
    return JsonResponse(b'{"status":"ok"}')


@router.get("/readyz")
async def ready(store: StoreInUse) -> Response:
    """The service can serve: its store is reached, and has the schema that this code was written for."""
    await store.check()
    return JsonResponse(b'{"status":"ok"}')
