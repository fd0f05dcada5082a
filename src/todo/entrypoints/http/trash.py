"""The trash over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from todo.application.queries import PAGE_SIZE
from todo.entrypoints.http.dependencies import Caller, Cursors, IfMatch, PathTask, Tasks, Unconditional
from todo.entrypoints.http.described import answer, empty_answer
from todo.entrypoints.http.idempotency import OncePerKey
from todo.entrypoints.http.lists import TrashAsked, next_part
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import A_TASK, JsonResponse, TaskOut, TrashedTaskOut, as_json
from todo.entrypoints.http.tasks import outcome_response

router = APIRouter(route_class=PlannedRoute, tags=["trash"])


class TrashList(msgspec.Struct):
    """Part of the trash. `next_cursor` leads to the part behind it."""

    tasks: list[TrashedTaskOut]
    total: int
    limit: int
    next_cursor: str | None


_TRASHED = TrashedTaskOut.of(A_TASK.deleted(datetime(2026, 11, 22, 8, tzinfo=UTC)))
_RESTORED: dict[int | str, Any] = {200: answer(TaskOut.of(A_TASK), "ETag", when="The task as it now is.")}


@router.get("", responses={200: answer(TrashList([_TRASHED], 1, PAGE_SIZE, None), "Link")})
async def list_trash(request: Request, caller: Caller, asked: TrashAsked, tasks: Tasks, cursors: Cursors) -> Response:
    """What lies in the caller's trash, the last that was put there first."""
    page = await tasks.page(caller, asked.query)
    cursor, fields = next_part(request, asked, page, cursors)
    shown = TrashList([TrashedTaskOut.of(task) for task in page.tasks], page.total, asked.query.limit, cursor)
    return JsonResponse(as_json(shown), fields=fields)


@router.post("/{task_id}/restore", responses=_RESTORED)
async def restore_task(caller: Caller, task_id: PathTask, seen: IfMatch, once: OncePerKey, tasks: Tasks) -> Response:
    """Take a task back out of the trash."""
    return outcome_response(await tasks.restore(caller, task_id, seen, once))


@router.delete("/{task_id}", status_code=204, responses={204: empty_answer("It is gone for good.")})
async def purge_task(caller: Caller, task_id: PathTask, seen: IfMatch, tasks: Tasks) -> Response:
    """Remove a task from the trash for good."""
    await tasks.purge(caller, task_id, seen)
    return Response(status_code=204)


@router.delete("", status_code=204, responses={204: empty_answer("The trash is empty.")})
async def empty_trash(caller: Caller, _unconditional: Unconditional, tasks: Tasks) -> Response:
    """Remove all that lies in the trash for good."""
    await tasks.purge_all(caller)
    return Response(status_code=204)
