"""Tasks over HTTP: what may be sent, what comes back, and the routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, cast
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from todo.application.queries import PAGE_SIZE
from todo.domain import values
from todo.domain.errors import InTrashError
from todo.domain.task import TaskChanges
from todo.domain.values import Description, Due, Priority, Tags, TaskId, Title
from todo.entrypoints.http.bodies import BODY_ERRORS, Body, Text, Texts, read_json, shown_as
from todo.entrypoints.http.conditions import etag, is_not_modified
from todo.entrypoints.http.dependencies import Caller, Cursors, IfMatch, PathTask, Tasks
from todo.entrypoints.http.described import UUID_7, Described, answer, empty_answer, parameter, raises, request_body
from todo.entrypoints.http.headers import header_lines
from todo.entrypoints.http.idempotency import OncePerKey, replayed
from todo.entrypoints.http.lists import TasksAsked, list_etag, next_part
from todo.entrypoints.http.parameters import choice
from todo.entrypoints.http.paths import TASK
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import A_TASK, DUE, PRIORITIES, JsonResponse, TaskOut, as_json, not_modified

if TYPE_CHECKING:
    from todo.application.ports import Outcome
    from todo.domain.task import Task
    from todo.entrypoints.http.headers import HeaderField

router = APIRouter(route_class=PlannedRoute, tags=["tasks"])

_REVALIDATE: Final = (b"cache-control", b"private, no-cache")
_PER_CALLER: Final = (b"vary", b"Authorization")  # two accounts in one browser must never share an answer


class TaskIn(Body):
    """The fields of a task that a person sets. One that is absent is left as it is."""

    description: Annotated[
        Description | None,
        Text(values.parse_description, {"maxLength": values.DESCRIPTION_LENGTH}, null=None),
    ] = None
    completed: bool = False
    priority: Annotated[Priority, Text(choice(PRIORITIES), {"enum": [*PRIORITIES, None]}, null=Priority.NONE)] = (
        Priority.NONE
    )
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
        Text(values.parse_due, DUE, null=None),
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


class NewTask(TaskIn, json_schema_extra=shown_as(title="Buy milk", priority="high", tags=["home"], due="2026-12-01")):
    """A task to be made: open, without priority, tags and due, unless it says otherwise.

    An offline client may name its id, a UUID of version 7.
    """

    title: Annotated[Title, _TITLE]
    id: Annotated[TaskId | None, Text(values.parse_task_id, UUID_7, null=None)] = None


class TaskPatch(TaskIn, json_schema_extra=shown_as(priority="urgent", completed=True)):
    """A change of a task, as a JSON Merge Patch (RFC 7396)."""

    title: Annotated[Title, _TITLE] = Title("")
    id: Any = Field(default=None, json_schema_extra={"readOnly": True})


class Completion(Body, json_schema_extra=shown_as(completed=True)):
    """Whether a task is done. An empty one does not say."""

    completed: bool = False


class TaskList(msgspec.Struct):
    """Part of a list of tasks. `next_cursor` leads to the part behind it."""

    tasks: list[TaskOut]
    total: int
    limit: int
    next_cursor: str | None


_A_TASK = TaskOut.of(A_TASK)
_CHANGED: dict[int | str, Any] = {200: answer(_A_TASK, "ETag", when="The task as it now is.")}
_IF_NONE_MATCH = parameter(
    "header", "If-None-Match", "Entity tags of states that the client has already.", examples=['"41"']
)


def task_response(task: Task, status: int = 200, *fields: HeaderField) -> Response:
    """A task, with its entity tag."""
    return JsonResponse(as_json(TaskOut.of(task)), status, (etag(task.revision), _REVALIDATE, *fields))


def outcome_response(outcome: Outcome, status: int = 200, *fields: HeaderField) -> Response:
    """The task that a write led to, now or when it was first asked for."""
    return task_response(outcome.task, status, *fields, *replayed(outcome))


@router.get(
    "",
    responses={
        200: answer(TaskList([_A_TASK], 1042, PAGE_SIZE, "AAZHfKx…"), "ETag", "Link"),
        304: empty_answer("The client has this part of the list already, and nothing was written since.", "ETag"),
    },
    openapi_extra={"parameters": [_IF_NONE_MATCH]},
)
async def list_tasks(request: Request, caller: Caller, asked: TasksAsked, tasks: Tasks, cursors: Cursors) -> Response:
    """The caller's tasks, newest first unless asked otherwise."""
    if asked.is_timeless and header_lines(request, b"if-none-match"):
        tag = list_etag(caller, await tasks.revision(caller), asked)
        if is_not_modified(request, tag):
            return not_modified(tag, _REVALIDATE, _PER_CALLER)
    page = await tasks.page(caller, asked.query)
    cursor, fields = next_part(request, asked, page, cursors)
    if asked.is_timeless:
        fields += list_etag(caller, page.revision, asked), _REVALIDATE, _PER_CALLER
    shown = TaskList([TaskOut.of(task) for task in page.tasks], page.total, asked.query.limit, cursor)
    return JsonResponse(as_json(shown), fields=fields)


@router.post(
    "",
    status_code=201,
    responses={
        201: answer(_A_TASK, "ETag", "Location", when="The task, as it was made."),
        200: answer(_A_TASK, "ETag", when="The task with this `id`, which was there before, as it is."),
    },
    openapi_extra=raises(InTrashError),
)
async def create_task(request: Request, caller: Caller, body: NewTask, once: OncePerKey, tasks: Tasks) -> Response:
    """Add a task. One that is the caller's already, by its id, is answered as it is."""
    outcome = await tasks.create(caller, body.title, body.changes(), body.id, once)
    if not outcome.is_new:
        return outcome_response(outcome)
    place = f"{quote(request.scope['path'])}/{outcome.task.id}"
    return outcome_response(outcome, 201, (b"location", place.encode()))


@router.get(
    TASK,
    responses={
        200: answer(_A_TASK, "ETag"),
        304: empty_answer("The client has this state already.", "ETag"),
    },
    openapi_extra={"parameters": [_IF_NONE_MATCH]},
)
async def get_task(request: Request, caller: Caller, task_id: PathTask, tasks: Tasks) -> Response:
    """One task."""
    task = await tasks.get(caller, task_id)
    if is_not_modified(request, tag := etag(task.revision)):
        return not_modified(tag, _REVALIDATE, _PER_CALLER)
    return task_response(task, 200, _PER_CALLER)


@router.put(TASK, name="put_task", responses=_CHANGED)
@router.patch(TASK, responses=_CHANGED)
async def change_task(caller: Caller, task_id: PathTask, body: TaskPatch, seen: IfMatch, tasks: Tasks) -> Response:
    """Change the fields that are sent and leave the others, whichever the method.

    Many clients send part of a task with PUT: one that does not know a field must not wipe it.
    """
    return task_response(await tasks.change(caller, task_id, body.changes(), seen))


@router.delete(TASK, status_code=204, responses={204: empty_answer("It lies in the trash.")})
async def delete_task(caller: Caller, task_id: PathTask, seen: IfMatch, tasks: Tasks) -> Response:
    """Put a task into the trash."""
    await tasks.delete(caller, task_id, seen)
    return Response(status_code=204)


async def _completion(request: Request) -> bool | None:
    """What the body sets; None if it sets nothing, to toggle."""
    body = await read_json(request, Completion, if_empty=Completion())
    return body.completed if body.model_fields_set else None


CompletedIn = Annotated[
    bool | None,
    Depends(_completion),
    Described(*BODY_ERRORS, requestBody=request_body(Completion, required=False)),
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
async def complete_task(caller: Caller, task_id: PathTask, seen: IfMatch, once: OncePerKey, tasks: Tasks) -> Response:
    """Mark a task as done."""
    return outcome_response(await tasks.complete(caller, task_id, seen, once))


@router.post("/{task_id}/reopen", responses=_CHANGED)
async def reopen_task(caller: Caller, task_id: PathTask, seen: IfMatch, once: OncePerKey, tasks: Tasks) -> Response:
    """Mark a task as not done."""
    return outcome_response(await tasks.reopen(caller, task_id, seen, once))
