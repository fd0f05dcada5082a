"""The floor: as fast as Python gets. One ASGI function, asyncpg and orjson, on the service's own tables.

It gives the same answers as the service and promises nothing else: no row-level security, no limits, no log,
no metrics, no validation, no account that is looked at, no order of writes, no counts that are kept.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import os
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import asyncpg
import orjson
import uuid_utils.compat as uuid_utils
from jose import jwt

from todo.adapters.postgres.url import connect_arguments

URL = os.environ["TODO_DATABASE_URL"]
SECRET = os.environ["TODO_JWT_SECRET"]
POOL = 8

_COLUMNS = (
    "id, owner_id, title, description, completed_at, priority, tags, due_on, due_at, created_at, updated_at, revision"
)
_MINE = f"SELECT {_COLUMNS} FROM tasks WHERE owner_id = $1"
_LISTED = f"SELECT {_COLUMNS}, count(*) OVER () FROM tasks WHERE owner_id = $1 AND deleted_at IS NULL"
_NEWEST = "ORDER BY created_at DESC, id DESC LIMIT"
SQL = {
    "get": f"{_MINE} AND id = $2 AND deleted_at IS NULL",
    "list": f"SELECT {_COLUMNS}, (SELECT open_tasks + completed_tasks FROM users WHERE id = $1) FROM tasks"
    f" WHERE owner_id = $1 AND deleted_at IS NULL {_NEWEST} $2",
    "filter": f"{_LISTED} AND completed_at IS NULL AND tag_keys @> $2 {_NEWEST} $3",
    "search": f"{_LISTED} AND search LIKE $2 {_NEWEST} $3",
    "feed": f"{_MINE} AND revision > $2 ORDER BY revision LIMIT $3",
    "add": "INSERT INTO tasks (id, owner_id, title, description, priority, tags, due_at, created_at, updated_at,"
    " revision, tag_keys, search) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    "change": "UPDATE tasks SET title = $3, description = $4, completed_at = $5, updated_at = $6, revision = $7,"
    " search = $8, signature = DEFAULT WHERE owner_id = $1 AND id = $2 AND revision = $9",
}
_PRIORITIES = {0: "none", 1: "urgent", 3: "high", 5: "medium", 9: "low"}
_NUMBERS = {name: number for number, name in _PRIORITIES.items()}
_JSON = (b"content-type", b"application/json")


class Pool:
    """Connections with their statements prepared: last in, first out."""

    def __init__(self) -> None:
        self._free: deque[dict[str, Any]] = deque()
        self._waiting: deque[asyncio.Future[dict[str, Any]]] = deque()

    async def open(self) -> None:
        for _ in range(POOL):
            connection = await asyncpg.connect(**connect_arguments(URL))
            self._free.append({name: await connection.prepare(sql) for name, sql in SQL.items()})

    async def fetch(self, name: str, *arguments: Any) -> Any:
        if self._free:
            prepared = self._free.pop()
        else:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            prepared = await waiter
        try:
            return await prepared[name].fetch(*arguments)
        finally:
            if self._waiting:
                self._waiting.popleft().set_result(prepared)
            else:
                self._free.append(prepared)


_pool = Pool()
_verified: dict[bytes, str] = {}


def _user(scope: Any) -> str:
    token = next(value for name, value in scope["headers"] if name == b"authorization")
    user = _verified.get(token)
    if user is None:
        claims = jwt.decode(token[7:].decode(), SECRET, ["HS256"], audience="todo", issuer="todo")
        user = _verified[token] = claims["sub"]
    return user


def _out(row: Any) -> dict[str, Any]:
    return {
        "id": str(row[0]), "user_id": row[1], "title": row[2], "description": row[3], "completed": row[4] is not None,
        "completed_at": row[4], "priority": _PRIORITIES[row[5]], "tags": row[6], "due": row[7] or row[8],
        "created_at": row[9], "updated_at": row[10], "revision": row[11],
    }  # fmt: skip


def _bytes(value: Any) -> bytes:
    body: bytes = orjson.dumps(value, option=orjson.OPT_UTC_Z)
    return body


def _page(rows: Any, limit: int) -> bytes:
    shown = [_out(row) for row in rows[:limit]]
    cursor = None
    if len(rows) > limit:
        cursor = base64.urlsafe_b64encode(rows[limit - 1][0].bytes + bytes(26)).decode()
    return _bytes({"tasks": shown, "total": rows[0][12] if rows else 0, "limit": limit, "next_cursor": cursor})


async def _read(user: str, path: str, query: bytes) -> bytes:
    if path == "/api/tasks":
        asked = parse_qs(query.decode())
        limit = int(asked.get("limit", ["100"])[0])
        if "q" in asked:
            return _page(await _pool.fetch("search", user, f"%{asked['q'][0]}%", limit + 1), limit)
        if "tag" in asked:
            return _page(await _pool.fetch("filter", user, asked["tag"], limit + 1), limit)
        return _page(await _pool.fetch("list", user, limit + 1), limit)
    if path == "/api/tasks/changes":
        asked = parse_qs(query.decode())
        limit = int(asked["limit"][0])
        rows = await _pool.fetch("feed", user, int(asked["since"][0]), limit + 1)
        shown = [_out(row) for row in rows[:limit]]
        return _bytes({"changes": shown, "cursor": str(rows[limit - 1][11]), "has_more": len(rows) > limit})
    return _bytes(_out((await _pool.fetch("get", user, UUID(path[11:])))[0]))


async def _body(receive: Any) -> Any:
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return orjson.loads(body) if body else {}


async def _add(user: str, told: Any) -> bytes:
    now, task = datetime.now(UTC), uuid_utils.uuid7()
    title, description, tags = told["title"], told["description"], told["tags"]
    due, priority = datetime.fromisoformat(told["due"]), _NUMBERS[told["priority"]]
    revision, search = time.time_ns() // 1000, f"{title}\n{description}".lower()
    row = (task, user, title, description, priority, tags, due, now, now, revision, tags, search)
    await _pool.fetch("add", *row)
    return _bytes(_out((task, user, title, description, None, priority, tags, None, due, now, now, revision)))


async def _change(user: str, task: UUID, told: Any) -> bytes:
    (row,) = await _pool.fetch("get", user, task)
    now, revision = datetime.now(UTC), time.time_ns() // 1000
    title, description = told.get("title", row[2]), told.get("description", row[3])
    done = told.get("completed", row[4] is not None)
    completed_at = (row[4] or now) if done else None
    search = f"{title}\n{description}".lower()
    await _pool.fetch("change", user, task, title, description, completed_at, now, revision, search, row[11])
    return _bytes(_out((*row[:2], title, description, completed_at, *row[5:10], now, revision)))


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await _pool.open()
        gc.collect()
        gc.freeze()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    user, method, path, status = _user(scope), scope["method"], scope["path"], 200
    if method == "GET":
        body = await _read(user, path, scope["query_string"])
    elif path == "/api/tasks":
        body, status = await _add(user, await _body(receive)), 201
    elif path.endswith("/complete"):
        body = await _change(user, UUID(path[11:47]), {"completed": True})
    else:
        body = await _change(user, UUID(path[11:]), await _body(receive))
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
