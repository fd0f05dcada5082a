"""How a request becomes the arguments of a route, planned once.

FastAPI decides again for each request how to fill in each parameter, which takes it longer than the rest
of the route. Ours have two kinds only, a dependency on nothing but the request and one JSON body: for
these the plan is made when the route is. Delete `route_class=PlannedRoute` and FastAPI does it all.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast

from fastapi.routing import APIRoute

from todo.entrypoints.http.bodies import Body, read_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from starlette.requests import Request
    from starlette.responses import Response


class PlannedRoute(APIRoute):
    """A route whose endpoint is an `async def` that returns a Response."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        plan = [(name, self._plan(name)) for name in inspect.signature(endpoint).parameters]

        async def handle(request: Request) -> Response:
            return await endpoint(**{name: await bind(request) for name, bind in plan})  # type: ignore[no-any-return]

        return handle

    def _plan(self, name: str) -> Callable[[Request], Awaitable[Any]]:
        if name == self.dependant.request_param_name:
            return _itself
        for dependency in self.dependant.dependencies:
            if dependency.name == name and dependency.call:
                return dependency.call
        for field in self.dependant.body_params:
            if field.name == name:
                return _reader(cast("type[Body]", field.field_info.annotation))
        raise TypeError(f"{self.endpoint.__name__}: no plan for the parameter {name}")


async def _itself(request: Request) -> Request:
    return request


def _reader(model: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    async def read(request: Request) -> Body:
        return await read_json(request, model)

    return read
