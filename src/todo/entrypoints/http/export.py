"""Everything of a user as one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar
from uuid import UUID

import msgspec
from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from todo.entrypoints.http.dependencies import Accounts, Caller
from todo.entrypoints.http.described import answer
from todo.entrypoints.http.people import ADA, ADA_SESSION, UserOut
from todo.entrypoints.http.routes import PlannedRoute
from todo.entrypoints.http.shapes import A_TASK, Instant, TaskOut, as_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from todo.application.accounts import Export
    from todo.application.ports import KeptReceipt
    from todo.domain.session import Session
    from todo.domain.task import Task

Kept = TypeVar("Kept")

router = APIRouter(route_class=PlannedRoute, prefix="/api/auth", tags=["accounts"])


class SessionRecord(msgspec.Struct):
    """A session as it is kept."""

    id: UUID
    user_agent: str | None
    created_at: Instant
    last_used_at: Instant
    revoked_at: Instant | None

    @classmethod
    def of(cls, session: Session) -> Self:
        """The wire shape of this session."""
        used, revoked = session.last_used_at, session.revoked_at
        return cls(session.id, session.user_agent, session.created_at, used, revoked)


class TaskRecord(TaskOut, kw_only=True):
    """A task as it is kept; `deleted_at` is when it was put into the trash, if it is there."""

    deleted_at: Instant | None = None

    @classmethod
    def of(cls, task: Task) -> Self:
        """The wire shape of this task."""
        record = super().of(task)
        record.deleted_at = task.deleted_at
        return record


class IdentityRecord(msgspec.Struct):
    """What another issuer calls the user."""

    issuer: str
    subject: str


class ReceiptRecord(msgspec.Struct):
    """What a request with an `Idempotency-Key` led to, for its repeats: the tasks as they then were.

    `fingerprint` is the SHA-256 of the request. `is_new` says whether it made the task.
    """

    key: str
    fingerprint: str
    created_at: Instant
    is_new: bool
    tasks: list[TaskRecord]

    @classmethod
    def of(cls, kept: KeptReceipt) -> Self:
        """The wire shape of this receipt."""
        fingerprint, outcome = kept.receipt
        tasks = [*map(TaskRecord.of, outcome.tasks)]
        return cls(kept.key, fingerprint, kept.written_at, outcome.is_new, tasks)


class ExportOut(msgspec.Struct):
    """Everything that is kept of a user, but for the password's hash."""

    user: UserOut
    identities: list[IdentityRecord]
    sessions: list[SessionRecord]
    tasks: list[TaskRecord]
    receipts: list[ReceiptRecord]


_SESSION = SessionRecord(ADA_SESSION.id, ADA_SESSION.user_agent, ADA.created_at, ADA.created_at, None)
_RECEIPT = ReceiptRecord(
    "add-milk",
    "f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2",
    A_TASK.updated_at,
    True,
    [TaskRecord.of(A_TASK)],
)
_EXAMPLE = ExportOut(ADA, [], [_SESSION], [TaskRecord.of(A_TASK)], [_RECEIPT])


@router.get("/export", responses={200: answer(_EXAMPLE)})
async def export(caller: Caller, accounts: Accounts) -> Response:
    """Everything of the caller's, the trash too, as one document to keep.

    Each task that is there throughout is in it once, as it was when its part of the document was made. A
    document that breaks off is no JSON: ask for it again.
    """
    everything = await accounts.export(caller)
    name = {"Content-Disposition": 'attachment; filename="todo-export.json"'}
    return StreamingResponse(_written(everything), media_type="application/json", headers=name)


async def _written(everything: Export) -> AsyncIterator[bytes]:
    user, sessions = as_json(UserOut.of(everything.user)), as_json([*map(SessionRecord.of, everything.sessions)])
    identities = as_json([IdentityRecord(*identity) for identity in everything.identities])
    yield b'{"user":%b,"identities":%b,"sessions":%b,"tasks":[' % (user, identities, sessions)
    async for written in _listed(TaskRecord.of, everything.tasks):
        yield written
    yield b'],"receipts":['
    async for written in _listed(ReceiptRecord.of, everything.receipts):
        yield written
    yield b"]}"


async def _listed(shape: Callable[[Kept], object], parts: AsyncIterator[Sequence[Kept]]) -> AsyncIterator[bytes]:
    """What goes between the brackets of one list."""
    separator = b""
    async for part in parts:
        yield separator + as_json([*map(shape, part)])[1:-1]
        separator = b","
