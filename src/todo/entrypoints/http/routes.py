"""The way from a request to its route, planned once.

FastAPI finds out for each request anew which route it is for and how to fill in each parameter, and
takes longer over it than the rest of the request. Our parameters are of three kinds only, the request, a
dependency on nothing but the request, and one JSON body, so the plan is made with the route; `Dispatch`
then goes straight to it. Measured together: a third of the time of reading a task. Leave out
`Dispatch`, and FastAPI finds the routes; delete `route_class=PlannedRoute`, and it fills them in.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.requests import Request
from starlette.routing import compile_path

from todo.domain.errors import TodoError
from todo.entrypoints.http.bodies import Body, read_json
from todo.entrypoints.http.problems import problem_response
from todo.entrypoints.http.refusals import UnknownRouteError

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PlannedRoute(APIRoute):
    """A route whose endpoint is an `async def` that returns a Response."""

    def get_route_handler(self) -> Handler:
        endpoint: Callable[..., Awaitable[Response]] = self.endpoint
        plan = [self._plan(name) for name in inspect.signature(endpoint).parameters]

        async def handle(request: Request) -> Response:
            return await endpoint(*[await bind(request) for bind in plan])

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


class Dispatch:
    """Finds planned routes by method and path, and leaves everything else to the application behind it.

    For the edge it says in the scope which `template` the path follows, if it follows any.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        # By method and number of slashes: no parameter of a path holds one, so few patterns are left to try.
        self._table: dict[tuple[str, int], list[tuple[re.Pattern[str], Handler, str]]] = defaultdict(list)
        self._templates: list[tuple[re.Pattern[str], str]] = []
        for context in iter_route_contexts(routes):
            if context.path is None:
                continue
            route = context.original_route
            pattern, template, _ = compile_path(context.path)
            self._templates.append((pattern, template))
            if isinstance(route, PlannedRoute):
                for method in route.methods or ():
                    self._table[method, context.path.count("/")].append((pattern, route.get_route_handler(), template))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["root_path"]:
            path: str = scope["path"]
            for pattern, handle, template in self._table.get((scope["method"], path.count("/")), ()):
                if found := pattern.fullmatch(path):
                    scope["path_params"], scope["template"] = found.groupdict(), template
                    request = Request(scope, receive)
                    try:
                        response = await handle(request)
                    except TodoError as error:
                        response = problem_response(request, error)
                    await response(scope, receive, send)
                    return
            if path.endswith("\n"):  # the patterns of the application end with `$`, which passes over it
                await problem_response(Request(scope), UnknownRouteError())(scope, receive, send)
                return
            for pattern, template in self._templates:
                if pattern.match(path):
                    scope["template"] = template
                    break
        await self._app(scope, receive, send)
