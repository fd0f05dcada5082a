"""The HTTP application."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware

from todo import __version__
from todo.entrypoints.http import (
    accounts,
    batch,
    docs,
    export,
    feed,
    health,
    metrics,
    oauth,
    problems,
    sessions,
    stats,
    tasks,
    trash,
)
from todo.entrypoints.http.edge import Edge, Faults
from todo.entrypoints.http.openapi import complete_openapi
from todo.entrypoints.http.origins import Origins, readable_by
from todo.entrypoints.http.routes import Dispatch
from todo.entrypoints.http.shedding import LoadShedding
from todo.entrypoints.http.telemetry import send_spans, telemetry
from todo.entrypoints.metrics.team import Member
from todo.entrypoints.process import END_STREAMS, READABLE_BY, WITHDRAW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp

    from todo.entrypoints.container import Container


def create_app(container: Container) -> FastAPI:
    """The application, on the adapters that the container picks."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Callable[..., Any]]]:
        purging = asyncio.create_task(container.trash_purge().keep_on())
        reporting = asyncio.create_task(app.state.member.keep_reporting())
        yield {
            END_STREAMS: container.store().feed.close,
            WITHDRAW: container.readiness().withdraw,
            READABLE_BY: partial(readable_by, origins=container.settings().cors_origins),
        }
        purging.cancel()
        reporting.cancel()
        app.state.member.leave()
        container.request_log().close()
        await container.rate_limiter().close()
        await container.token_verifier().close()
        await container.store().close()
        if container.settings().is_traced:
            await send_spans()

    app = FastAPI(
        title="todo",
        version=__version__,
        summary="Tasks that are yours: nobody else sees them, and no change is lost.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        telemetry=telemetry(is_on=container.settings().is_traced),
    )
    app.state.container = container
    app.state.member = Member(container)
    problems.add_problems(app)
    complete_openapi(app)
    for door in ("/api", "/api/{user_id}"):
        for router in (feed.router, batch.router, stats.router, tasks.router):
            app.include_router(router, prefix=f"{door}/tasks")
        app.include_router(trash.router, prefix=f"{door}/trash")
    for router in (accounts.router, sessions.router, oauth.router, export.router):
        app.include_router(router)
    app.include_router(health.router)
    app.include_router(problems.router)
    app.include_router(docs.router)
    if container.settings().shows_metrics:
        app.include_router(metrics.router)
    app.middleware_stack = _way_in(app, container)
    return app


def _way_in(app: FastAPI, container: Container) -> ASGIApp:
    """What every request passes, from the inside out, in the place of FastAPI's own stack.

    That one has three layers more, for faults and limits that are looked after here, and takes 2 % longer.
    """
    routed = ExceptionMiddleware(AsyncExitStackMiddleware(app.router), handlers=app.exception_handlers)
    way: ASGIApp = Faults(Dispatch(routed, app.routes))
    way = LoadShedding(way)
    if origins := container.settings().cors_origins:
        way = Origins(way, origins)
    return Edge(way, container)
