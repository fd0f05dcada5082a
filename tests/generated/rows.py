"""What each route needs, and what each kind of caller gets from it. A route without a row here fails the build."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.builders import a_session_id, a_task_id
from tests.http.service import as_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.http.service import Person

SECRET_WORD = "quetzalcoatlus"
"""Stands in everything that a person of the matrix owns, and in nothing else."""
KEY = "the owner's key"


@dataclass(frozen=True)
class Things:
    """What somebody has, by the names under which requests speak of it; or what nobody has, in the same form."""

    task: str
    trashed: str
    session: str
    revision: int
    cursor: str
    trash_cursor: str
    password: str

    @classmethod
    async def of(cls, person: Person) -> Things:
        """Made for this person: two tasks, two in the trash, two sessions, one of the tasks made under a key."""
        fields = {"title": SECRET_WORD, "description": SECRET_WORD, "tags": [SECRET_WORD]}
        trashed = [as_object(await person.post("/api/tasks", body=fields)) for _ in range(2)]
        for one in trashed:
            assert (await person.delete(f"/api/tasks/{one['id']}")).status_code == 204
        await person.post("/api/tasks", body=fields, headers={"Idempotency-Key": KEY})
        task = as_object(await person.post("/api/tasks", body=fields))
        body = {"email": person.email, "password": person.password}
        assert (await person.service.post("/api/auth/login", body=body)).status_code == 200
        sessions = as_object(await person.get("/api/auth/sessions"))["sessions"]
        return cls(
            task=task["id"],
            trashed=trashed[0]["id"],
            session=next(one["id"] for one in sessions if not one["current"]),
            revision=task["revision"],
            cursor=as_object(await person.get("/api/tasks?limit=1"))["next_cursor"],
            trash_cursor=as_object(await person.get("/api/trash?limit=1"))["next_cursor"],
            password=person.password,
        )

    def elsewhere(self) -> Things:
        """The same of nobody: ids that are no one's."""
        task, trashed, session = (str(make()) for make in (a_task_id, a_task_id, a_session_id))
        return Things(task, trashed, session, self.revision, self.cursor, self.trash_cursor, self.password)


@dataclass(frozen=True)
class Row:
    """A route. `owner` is the status that its owner gets; `thing` is what the request names, if it names one thing.

    What names no thing is about the caller, whoever that is; what is public does not look at who that is.
    """

    owner: int
    thing: str | None = None
    body: Callable[[Things], Any] | None = None
    queries: Callable[[Things], list[str]] = field(default=lambda _: [])
    is_public: bool = False
    is_stream: bool = False


def _title(_: Things) -> dict[str, Any]:
    return {"title": SECRET_WORD, "description": SECRET_WORD, "tags": [SECRET_WORD]}


def _change(_: Things) -> dict[str, Any]:
    return {"title": "taken over"}


def _operations(things: Things) -> dict[str, Any]:
    operations = [
        {"op": "create", "task": {"title": "before"}},
        {"op": "update", "id": things.task, "task": {"title": "taken over"}},
    ]
    return {"operations": operations}


def _parts(things: Things) -> list[str]:
    return ["", f"?limit=1&cursor={things.cursor}", f"?q={SECRET_WORD}", f"?tag={SECRET_WORD}"]


def _parts_of_trash(things: Things) -> list[str]:
    return ["", f"?limit=1&cursor={things.trash_cursor}"]


def _changes(things: Things) -> list[str]:
    return ["", "?limit=1", f"?since={things.revision - 1}", f"?since=0-{things.revision}"]


PUBLIC = Row(0, is_public=True)

ROWS: dict[tuple[str, str], Row] = {
    ("GET", "/api/tasks"): Row(200, queries=_parts),
    ("POST", "/api/tasks"): Row(201, body=_title),
    ("GET", "/api/tasks/changes"): Row(200, queries=_changes),
    ("GET", "/api/tasks/events"): Row(200, queries=lambda things: ["", f"?since={things.revision}"], is_stream=True),
    ("GET", "/api/tasks/stats"): Row(200),
    ("POST", "/api/tasks/batch"): Row(200, "task", body=_operations),
    ("GET", "/api/tasks/{task_id}"): Row(200, "task"),
    ("PUT", "/api/tasks/{task_id}"): Row(200, "task", body=_change),
    ("PATCH", "/api/tasks/{task_id}"): Row(200, "task", body=_change),
    ("DELETE", "/api/tasks/{task_id}"): Row(204, "task"),
    ("PATCH", "/api/tasks/{task_id}/complete"): Row(200, "task", body=lambda _: {"completed": True}),
    ("POST", "/api/tasks/{task_id}/complete"): Row(200, "task"),
    ("POST", "/api/tasks/{task_id}/reopen"): Row(200, "task"),
    ("GET", "/api/trash"): Row(200, queries=_parts_of_trash),
    ("DELETE", "/api/trash"): Row(204),
    ("DELETE", "/api/trash/{task_id}"): Row(204, "trashed"),
    ("POST", "/api/trash/{task_id}/restore"): Row(200, "trashed"),
    ("GET", "/api/auth/me"): Row(200),
    ("PATCH", "/api/auth/me"): Row(200, body=lambda _: {"name": "taken over"}),
    ("DELETE", "/api/auth/me"): Row(204, body=lambda things: {"password": things.password}),
    ("POST", "/api/auth/password"): Row(
        204, body=lambda things: {"current_password": things.password, "new_password": "another one, long enough"}
    ),
    ("GET", "/api/auth/sessions"): Row(200),
    ("DELETE", "/api/auth/sessions/{session_id}"): Row(204, "session"),
    ("GET", "/api/auth/export"): Row(200),
    ("POST", "/api/auth/register"): PUBLIC,
    ("POST", "/api/auth/login"): PUBLIC,
    ("POST", "/api/auth/token"): PUBLIC,
    ("POST", "/api/auth/refresh"): PUBLIC,
    ("POST", "/api/auth/logout"): PUBLIC,
    ("GET", "/livez"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("GET", "/problems/{code}"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/docs/start.js"): PUBLIC,
    ("GET", "/docs/{name}"): PUBLIC,
}
