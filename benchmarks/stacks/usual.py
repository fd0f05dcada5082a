"""The usual stack: FastAPI, an ORM session for each request, the user loaded with it, and `response_model`.

Written as good templates are, and given every advantage that costs them nothing: async all the way, uvloop,
the same pool, the same indexes, no access log, no middleware, no second query to count a list. Like the floor
it has none of what the service promises beyond the answers.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import uuid_utils.compat as uuid_utils
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from jose import JWTError, jwt
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, DateTime, FetchedValue, SmallInteger, Text, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, BIT
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET = os.environ["TODO_JWT_SECRET"]
POOL = 8

_url = os.environ["TODO_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://")
engine = create_async_engine(_url, pool_size=POOL, max_overflow=0)
Session = async_sessionmaker(engine, expire_on_commit=False)

Priority = Literal["none", "urgent", "high", "medium", "low"]
_PRIORITIES: dict[int, Priority] = {0: "none", 1: "urgent", 3: "high", 5: "medium", 9: "low"}
_NUMBERS = {name: number for number, name in _PRIORITIES.items()}


def _now() -> datetime:
    return datetime.now(UTC)


def _next_revision(_: int | None = None) -> int:
    return time.time_ns() // 1000


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    email: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    open_tasks: Mapped[int]
    completed_tasks: Mapped[int]
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Task(Base):
    __tablename__ = "tasks"

    owner_id: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid_utils.uuid7)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    priority_number: Mapped[int] = mapped_column("priority", SmallInteger)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    due_on: Mapped[date | None]
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now, onupdate=_now)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revision: Mapped[int] = mapped_column(BigInteger)
    tag_keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    search: Mapped[str] = mapped_column(Text)
    signature: Mapped[Any] = mapped_column(BIT(256), server_default=FetchedValue(), deferred=True)

    __mapper_args__ = {"version_id_col": revision, "version_id_generator": _next_revision}  # noqa: RUF012

    @property
    def user_id(self) -> str:
        return self.owner_id

    @property
    def completed(self) -> bool:
        return self.completed_at is not None

    @property
    def priority(self) -> Priority:
        return _PRIORITIES[self.priority_number]

    @property
    def due(self) -> date | datetime | None:
        return self.due_on or self.due_at


class TaskIn(BaseModel):
    title: str = Field(min_length=1, max_length=500)
    description: str | None = Field(None, max_length=10_000)
    priority: Priority = "none"
    tags: list[str] = []
    due: datetime | None = None


class TaskPatch(BaseModel):
    title: str | None = Field(None, min_length=1, max_length=500)
    description: str | None = Field(None, max_length=10_000)
    completed: bool | None = None


class TaskOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    user_id: str
    title: str
    description: str | None
    completed: bool
    completed_at: datetime | None
    priority: Priority
    tags: list[str]
    due: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int


class TaskList(BaseModel):
    tasks: list[TaskOut]
    total: int
    limit: int
    next_cursor: str | None


class Changes(BaseModel):
    changes: list[TaskOut]
    cursor: str
    has_more: bool


oauth2 = OAuth2PasswordBearer(tokenUrl="/token")


async def get_session() -> AsyncIterator[AsyncSession]:
    async with Session() as session:
        yield session


InSession = Annotated[AsyncSession, Depends(get_session)]


async def current_user(token: Annotated[str, Depends(oauth2)], session: InSession) -> User:
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="todo", issuer="todo")
    except JWTError as error:
        raise HTTPException(401) from error
    user = await session.get(User, claims["sub"])
    if user is None or user.disabled_at:
        raise HTTPException(401)
    return user


CurrentUser = Annotated[User, Depends(current_user)]
app = FastAPI()


async def _load(session: AsyncSession, user: User, task_id: UUID) -> Task:
    query = select(Task).where(Task.owner_id == user.id, Task.id == task_id, Task.deleted_at.is_(None))
    task = (await session.execute(query)).scalar_one_or_none()
    if task is None:
        raise HTTPException(404)
    return task


@app.get("/api/tasks", response_model=TaskList)
async def list_tasks(
    session: InSession,
    user: CurrentUser,
    status: Literal["all", "open"] = "all",
    tag: str | None = None,
    q: str | None = None,
    limit: int = 100,
) -> Any:
    query = select(Task).where(Task.owner_id == user.id, Task.deleted_at.is_(None))
    if status == "open":
        query = query.where(Task.completed_at.is_(None))
    if tag:
        query = query.where(Task.tag_keys.contains([tag]))
    if q:
        query = query.where(Task.search.like(f"%{q}%"))
    total = user.open_tasks + user.completed_tasks
    if status == "open" or tag or q:
        total = (await session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    page = query.order_by(Task.created_at.desc(), Task.id.desc()).limit(limit + 1)
    found = (await session.execute(page)).scalars().all()
    cursor = found[limit - 1].id.hex + "0" * 24 if len(found) > limit else None
    return {"tasks": found[:limit], "total": total, "limit": limit, "next_cursor": cursor}


@app.get("/api/tasks/changes", response_model=Changes)
async def list_changes(session: InSession, user: CurrentUser, since: int, limit: int = 100) -> Any:
    query = select(Task).where(Task.owner_id == user.id, Task.revision > since).order_by(Task.revision)
    found = (await session.execute(query.limit(limit + 1))).scalars().all()
    return {"changes": found[:limit], "cursor": str(found[limit - 1].revision), "has_more": len(found) > limit}


@app.get("/api/tasks/{task_id}", response_model=TaskOut)
async def get_task(session: InSession, user: CurrentUser, task_id: UUID) -> Any:
    return await _load(session, user, task_id)


@app.post("/api/tasks", response_model=TaskOut, status_code=201)
async def create_task(session: InSession, user: CurrentUser, body: TaskIn) -> Any:
    task = Task(
        owner_id=user.id,
        title=body.title,
        description=body.description,
        priority_number=_NUMBERS[body.priority],
        tags=body.tags,
        due_at=body.due,
        tag_keys=[tag.lower() for tag in body.tags],
        search=f"{body.title}\n{body.description or ''}".lower(),
    )
    session.add(task)
    await session.commit()
    await session.refresh(task)
    return task


@app.patch("/api/tasks/{task_id}", response_model=TaskOut)
async def change_task(session: InSession, user: CurrentUser, task_id: UUID, body: TaskPatch) -> Any:
    task = await _load(session, user, task_id)
    sent = body.model_dump(exclude_unset=True)
    task.title = sent.get("title", task.title)
    task.description = sent.get("description", task.description)
    if "completed" in sent:
        task.completed_at = (task.completed_at or _now()) if sent["completed"] else None
    task.search = f"{task.title}\n{task.description or ''}".lower()
    task.signature = text("DEFAULT")
    await session.commit()
    await session.refresh(task)
    return task


@app.post("/api/tasks/{task_id}/complete", response_model=TaskOut)
async def complete_task(session: InSession, user: CurrentUser, task_id: UUID) -> Any:
    task = await _load(session, user, task_id)
    task.completed_at = task.completed_at or _now()
    await session.commit()
    await session.refresh(task)
    return task
