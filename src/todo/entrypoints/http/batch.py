"""Several operations on tasks as one."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, TypeAlias

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from todo.application import operations
from todo.domain import values
from todo.domain.errors import Flaw, InTrashError, InvalidFieldsError, NotFoundError, StaleError
from todo.domain.values import Revision, TaskId
from todo.entrypoints.http.bodies import BODY_ERRORS, Body, Text, read_json, shown_as
from todo.entrypoints.http.dependencies import Caller, Tasks, Unconditional
from todo.entrypoints.http.described import UUID_7, Described, answer, raises, request_body
from todo.entrypoints.http.feed import ChangeOut, change_out
from todo.entrypoints.http.idempotency import OncePerKey, replayed
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import A_TASK, JsonResponse, TaskOut, as_json
from todo.entrypoints.http.tasks import NewTask, TaskPatch

router = APIRouter(route_class=PlannedRoute, tags=["sync"])

MOST_OPERATIONS = 100

_ID = Text(values.parse_task_id, UUID_7)


def _whole(value: Any) -> Any:
    """To JSON, 41.0 is the same number as 41 (RFC 8259, section 6)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_IfRevision: TypeAlias = Annotated[int | None, Field(ge=0), BeforeValidator(_whole)]


class CreateIn(Body):
    """Make a task. Its id may stand here or in the task."""

    op: Literal["create"]
    id: Annotated[TaskId | None, Text(values.parse_task_id, UUID_7, null=None)] = None
    if_revision: None = None
    task: NewTask

    @model_validator(mode="after")
    def _has_one_id(self) -> Self:
        if self.id and self.task.id and self.id != self.task.id:
            message = "differs from the id in the task."
            raise PydanticCustomError("invalid", "{sentence}", {"flaw": "two_ids", "sentence": message})
        return self

    def operation(self) -> operations.Operation:
        """What it asks for."""
        return operations.Create(self.task.title, self.task.changes(), self.id or self.task.id)


class UpdateIn(Body):
    """Change a task; only over this revision, if one is named."""

    op: Literal["update"]
    id: Annotated[TaskId, _ID]
    if_revision: _IfRevision = None
    task: TaskPatch

    def operation(self) -> operations.Operation:
        """What it asks for."""
        return operations.Change(self.id, self.task.changes(), _seen(self.if_revision))


class MarkIn(Body):
    """Mark a task as done or not, or put it into the trash; only over this revision, if one is named."""

    op: Literal["complete", "reopen", "delete"]
    id: Annotated[TaskId, _ID]
    if_revision: _IfRevision = None
    task: None = None

    def operation(self) -> operations.Operation:
        """What it asks for."""
        seen = _seen(self.if_revision)
        if self.op == "delete":
            return operations.Delete(self.id, seen)
        return operations.Change(self.id, {"completed": self.op == "complete"}, seen)


class Batch(Body, json_schema_extra=shown_as(operations=[{"op": "create", "task": {"title": "Buy milk"}}])):
    """Up to 100 operations, to be done in their order: all, or none."""

    operations: Annotated[
        list[Annotated[CreateIn | UpdateIn | MarkIn, Field(discriminator="op")]],
        Field(min_length=1, max_length=MOST_OPERATIONS),
    ]


class BatchOut(msgspec.Struct):
    """What became of each task, in the order of the operations."""

    results: list[ChangeOut]


def _seen(revision: int | None) -> frozenset[Revision] | None:
    return None if revision is None else frozenset([Revision(revision)])


_PLACE = re.compile(r"operations\.(\d+)(?:\.(?:create|update|complete|reopen|delete)\b)?")


async def _batch(request: Request) -> Batch:
    """The operations that the body asks for. A flaw in one of them names the first that has one."""
    try:
        return await read_json(request, Batch)
    except InvalidFieldsError as error:
        flaws = [Flaw(_PLACE.sub(r"operations.\1", one.field), one.code, one.message) for one in error.flaws]
        refusal = InvalidFieldsError(flaws)
        if place := _PLACE.match(flaws[0].field):
            refusal.index = int(place[1])
        raise refusal from error


BatchIn = Annotated[
    Batch,
    Depends(_batch),
    Described(
        *BODY_ERRORS,
        requestBody=request_body(Batch, required=True),
    ),
]


@router.post(
    "/batch",
    responses={200: answer(BatchOut([TaskOut.of(A_TASK)]))},
    openapi_extra=raises(NotFoundError, InTrashError, StaleError),
)
async def do_batch(
    caller: Caller, batch: BatchIn, _unconditional: Unconditional, once: OncePerKey, tasks: Tasks
) -> Response:
    """Do several operations in order and as one: all of them, or none.

    A refusal names the `index` of the first that failed, counted from 0.
    """
    outcome = await tasks.batch(caller, [one.operation() for one in batch.operations], once)
    return JsonResponse(as_json(BatchOut([change_out(task) for task in outcome.tasks])), fields=replayed(outcome))
