"""The HTTP application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from todo import __version__
from todo.entrypoints.http import accounts, health, problems, tasks
from todo.entrypoints.http.edge import Edge, Faults
from todo.entrypoints.http.openapi import complete_openapi
from todo.entrypoints.http.routes import Dispatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.entrypoints.container import Container

_SENT = [
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "X-Request-ID",
]
_SHOWN = ["ETag", "Location", "Link", "Retry-After", "X-Request-ID"]


def create_app(container: Container) -> FastAPI:
    """The application, on the adapters that the container picks."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await container.store().close()

    app = FastAPI(
        title="todo",
        version=__version__,
        summary="Tasks that are yours: nobody else sees them, and no change is lost.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.container = container
    problems.add_problems(app)
    complete_openapi(app)
    app.include_router(tasks.router, prefix="/api/tasks")
    app.include_router(tasks.router, prefix="/api/{user_id}/tasks")
    app.include_router(accounts.router)
    app.include_router(health.router)
    app.include_router(problems.router)
    app.add_middleware(Dispatch, routes=app.routes)
    app.add_middleware(Faults)
    if origins := container.settings().cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_credentials=True,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=_SENT,
            expose_headers=_SHOWN,
            max_age=3600,
        )
    app.add_middleware(Edge)
    return app
