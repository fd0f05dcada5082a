"""Tasks over HTTP: what may be sent, what comes back, and the routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from todo.application.queries import PAGE_SIZE, TaskQuery
from todo.domain import values
from todo.domain.errors import CursorMismatchError, Flaw, InTrashError, InvalidError, InvalidFieldsError
from todo.domain.task import TaskChanges
from todo.domain.values import Description, Due, Priority, Tags, TaskId, Title
from todo.entrypoints.http.bodies import BODY_ERRORS, Body, Text, Texts, did_you_mean, read_json
from todo.entrypoints.http.conditions import etag, is_not_modified
from todo.entrypoints.http.dependencies import Caller, Cursors, IfMatch, PathTask, Tasks, cursors
from todo.entrypoints.http.described import Described, answer, empty_answer, parameter, raises
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import A_TASK, PRIORITIES, JsonResponse, TaskOut, as_json

if TYPE_CHECKING:
    from todo.domain.task import Task

router = APIRouter(route_class=PlannedRoute, tags=["tasks"])

REVALIDATE = {"Cache-Control": "private, no-cache"}


def _priority(name: str) -> Priority:
    if name not in PRIORITIES:
        raise InvalidError("unknown_value", f"must be one of {', '.join(PRIORITIES)}.{did_you_mean(name, PRIORITIES)}")
    return PRIORITIES[name]


class TaskIn(Body):
    """The fields of a task that a person sets. One that is absent is left as it is."""

    description: Annotated[
        Description | None,
        Text(values.parse_description, {"maxLength": values.DESCRIPTION_LENGTH}, null=None),
    ] = None
    completed: bool = False
    priority: Annotated[Priority, Text(_priority, {"enum": [*PRIORITIES, None]}, null=Priority.NONE)] = Priority.NONE
    tags: Annotated[
        Tags,
        Texts(
            values.parse_tags,
            {
                "maxItems": values.TAGS_COUNT,
                "items": {"type": "string", "minLength": 1, "maxLength": values.TAG_LENGTH},
            },
        ),
    ] = ()
    due: Annotated[
        Due | None,
        Text(
            values.parse_due,
            {
                "description": "A day, or an instant with its offset.",
                "examples": ["2026-12-01", "2026-12-01T09:00:00Z"],
            },
            null=None,
        ),
    ] = None
    # clients send whole tasks back: what only the server sets may come along, and is ignored
    user_id: Any = Field(default=None, json_schema_extra={"readOnly": True})
    completed_at: Any = Field(default=None, json_schema_extra={"readOnly": True})
    created_at: Any = Field(default=None, json_schema_extra={"readOnly": True})
    updated_at: Any = Field(default=None, json_schema_extra={"readOnly": True})
    revision: Any = Field(default=None, json_schema_extra={"readOnly": True})

    def changes(self) -> TaskChanges:
        """What the body asks for, and nothing that it does not mention."""
        named = self.model_fields_set & TaskChanges.__annotations__.keys()
        return cast("TaskChanges", {name: getattr(self, name) for name in named})


_TITLE = Text(values.parse_title, {"minLength": 1, "maxLength": values.TITLE_LENGTH})


class NewTask(TaskIn):
    """A task to be made: open, without priority, tags and due, unless it says otherwise.

    An offline client may name its id, a UUID of version 7.
    """

    example = {"title": "Buy milk", "priority": "high", "tags": ["home"], "due": "2026-12-01"}

    title: Annotated[Title, _TITLE]
    id: Annotated[TaskId | None, Text(values.parse_task_id, {"format": "uuid"}, null=None)] = None


class TaskPatch(TaskIn):
    """A change of a task, as a JSON Merge Patch (RFC 7396)."""

    example = {"priority": "urgent", "due": None}

    title: Annotated[Title, _TITLE] = Title("")
    id: Any = Field(default=None, json_schema_extra={"readOnly": True})


class Completion(Body):
    """Whether a task is done."""

    example = {"completed": True}

    completed: bool | None = None


class TaskList(msgspec.Struct):
    """Part of a list of tasks. `next_cursor` leads to the part behind it."""

    tasks: list[TaskOut]
    total: int
    limit: int
    next_cursor: str | None


_CHANGED = {200: answer(A_TASK, "ETag", when="The task as it now is.")}
_IF_NONE_MATCH = parameter(
    "header", "If-None-Match", "Entity tags of states that the client has already.", examples=['"41"']
)
_LIMIT = parameter(
    "query", "limit", "How many tasks at most.", type="integer", minimum=1, maximum=PAGE_SIZE, default=PAGE_SIZE
)
_CURSOR = parameter("query", "cursor", "Where to go on: the `next_cursor` of the part before.")


def task_response(task: Task, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A task, with its entity tag."""
    head = {"ETag": etag(task.revision), **REVALIDATE, **(headers or {})}
    return JsonResponse(as_json(TaskOut.of(task)), status, head)


async def _task_query(request: Request) -> TaskQuery:
    """The list that the parameters ask for."""
    limit, after = PAGE_SIZE, None
    for name, value in request.query_params.multi_items():
        if name == "limit":
            limit = _limit(value)
        elif name == "cursor":
            after = (await cursors(request)).open(value)
        else:
            message = f"is not a known parameter.{did_you_mean(name, ('limit', 'cursor'))}"
            raise InvalidFieldsError([Flaw(name, "unknown_parameter", message)])
    return TaskQuery(limit=limit, after=after)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= PAGE_SIZE):
        raise InvalidFieldsError([Flaw("limit", "out_of_range", f"must be a whole number from 1 to {PAGE_SIZE}.")])
    return int(text)


Query = Annotated[
    TaskQuery, Depends(_task_query), Described(InvalidFieldsError, CursorMismatchError, parameters=[_LIMIT, _CURSOR])
]


@router.get("", responses={200: answer(TaskList([A_TASK], 1, PAGE_SIZE, None), "Link")})
async def list_tasks(request: Request, caller: Caller, query: Query, tasks: Tasks, cursors: Cursors) -> Response:
    """The caller's tasks, newest first."""
    page = await tasks.page(caller, query)
    cursor = cursors.seal(page.next) if page.next else None
    shown = TaskList([TaskOut.of(task) for task in page.tasks], page.total, query.limit, cursor)
    headers = {}
    if cursor:
        following = request.url.include_query_params(cursor=cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return JsonResponse(as_json(shown), headers=headers)


@router.post(
    "",
    status_code=201,
    responses={
        201: answer(A_TASK, "ETag", "Location", when="The task, as it was made."),
        200: answer(A_TASK, "ETag", when="The task with this `id`, which was there before, as it is."),
    },
    openapi_extra=raises(InTrashError),
)
async def create_task(request: Request, caller: Caller, body: NewTask, tasks: Tasks) -> Response:
    """Add a task. One that is the caller's already, by its id, is answered as it is."""
    task, is_new = await tasks.create(caller, body.title, body.changes(), body.id)
    if not is_new:
        return task_response(task)
    return task_response(task, 201, {"Location": f"{request.url.path}/{task.id}"})


@router.get(
    "/{task_id}",
    responses={
        200: answer(A_TASK, "ETag"),
        304: empty_answer("The client has this state already.", "ETag"),
    },
    openapi_extra={"parameters": [_IF_NONE_MATCH]},
)
async def get_task(request: Request, caller: Caller, task_id: PathTask, tasks: Tasks) -> Response:
    """One task."""
    task = await tasks.get(caller, task_id)
    if is_not_modified(request, etag(task.revision)):
        return Response(status_code=304, headers={"ETag": etag(task.revision), **REVALIDATE})
    return task_response(task)


@router.put("/{task_id}", name="put_task", responses=_CHANGED)
@router.patch("/{task_id}", responses=_CHANGED)
async def change_task(caller: Caller, task_id: PathTask, body: TaskPatch, seen: IfMatch, tasks: Tasks) -> Response:
    """Change the fields that are sent and leave the others, whichever the method.

    Many clients send part of a task with PUT: one that does not know a field must not wipe it.
    """
    return task_response(await tasks.change(caller, task_id, body.changes(), seen))


@router.delete("/{task_id}", status_code=204, responses={204: empty_answer("It lies in the trash.")})
async def delete_task(caller: Caller, task_id: PathTask, seen: IfMatch, tasks: Tasks) -> Response:
    """Put a task into the trash."""
    await tasks.delete(caller, task_id, seen)
    return Response(status_code=204)


async def _completion(request: Request) -> bool | None:
    """What the body sets; None if there is none, to toggle."""
    return (await read_json(request, Completion, if_empty=Completion())).completed


CompletedIn = Annotated[
    bool | None,
    Depends(_completion),
    Described(*BODY_ERRORS, requestBody={"content": {"application/json": {"schema": Completion.model_json_schema()}}}),
]


@router.patch("/{task_id}/complete", responses=_CHANGED)
async def set_completed(
    caller: Caller,
    task_id: PathTask,
    completed: CompletedIn,
    seen: IfMatch,
    tasks: Tasks,
) -> Response:
    """Mark as done or not, as the body says; without a body, the other of what it is."""
    if completed is None:
        return task_response(await tasks.toggle(caller, task_id, seen))
    return task_response(await tasks.change(caller, task_id, {"completed": completed}, seen))


@router.post("/{task_id}/complete", responses=_CHANGED)
async def complete_task(caller: Caller, task_id: PathTask, seen: IfMatch, tasks: Tasks) -> Response:
    """Mark a task as done."""
    return task_response(await tasks.complete(caller, task_id, seen))


@router.post("/{task_id}/reopen", responses=_CHANGED)
async def reopen_task(caller: Caller, task_id: PathTask, seen: IfMatch, tasks: Tasks) -> Response:
    """Mark a task as not done."""
    return task_response(await tasks.reopen(caller, task_id, seen))
