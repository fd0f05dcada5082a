"""What one can do with tasks, on the store in memory."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, StoppedClock, a_task_id, a_user_id, sign_up
from todo.adapters.clock import new_id
from todo.adapters.memory.store import MemoryStore
from todo.application.queries import TaskQuery
from todo.application.tasks import TaskService
from todo.domain.errors import InTrashError, InvalidTokenError, NotFoundError, StaleError
from todo.domain.values import Description, Priority, Revision, Tag, TaskId, Title

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from todo.domain.task import Task, TaskChanges
    from todo.domain.values import UserId

    Write = Callable[[TaskService, UserId, TaskId, Collection[Revision] | None], Awaitable[Task]]


async def complete(tasks: TaskService, owner: UserId, task: TaskId, seen: Collection[Revision] | None) -> Task:
    return (await tasks.complete(owner, task, seen)).task


async def reopen(tasks: TaskService, owner: UserId, task: TaskId, seen: Collection[Revision] | None) -> Task:
    return (await tasks.reopen(owner, task, seen)).task


WRITES: dict[str, Write] = {
    "change": lambda tasks, owner, task, seen: tasks.change(owner, task, {"title": Title("Changed")}, seen),
    "complete": complete,
    "toggle": lambda tasks, owner, task, seen: tasks.toggle(owner, task, seen),
    "delete": lambda tasks, owner, task, seen: tasks.delete(owner, task, seen),
}
NO_WRITES: dict[str, Write] = {
    "reopen what is open": reopen,
    "rename to the same name": lambda tasks, owner, task, seen: tasks.change(
        owner, task, {"title": Title("Buy milk")}, seen
    ),
    "change nothing": lambda tasks, owner, task, seen: tasks.change(owner, task, {}, seen),
}
every_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
every_write_and_no_write = pytest.mark.parametrize(
    "write", [*WRITES.values(), *NO_WRITES.values()], ids=[*WRITES, *NO_WRITES]
)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def tasks(store: MemoryStore, clock: StoppedClock) -> TaskService:
    return TaskService(store, clock, new_id)


@pytest.fixture
async def owner(store: MemoryStore) -> UserId:
    return (await sign_up(store)).id


@pytest.fixture
async def task(tasks: TaskService, owner: UserId) -> Task:
    return (await tasks.create(owner, Title("Buy milk"), {})).task


class TestCreating:
    async def test_makes_a_task_that_can_be_read(self, tasks: TaskService, owner: UserId) -> None:
        created = await tasks.create(owner, Title("Buy milk"), {})
        assert created.is_new
        assert await tasks.get(owner, created.task.id) == created.task

    async def test_makes_it_now(self, tasks: TaskService, owner: UserId, clock: StoppedClock) -> None:
        now = clock.go_on(hours=1)
        task = (await tasks.create(owner, Title("Buy milk"), {})).task
        assert (task.created_at, task.updated_at, task.completed_at) == (now, now, None)

    async def test_gives_it_an_id_of_version_7(self, tasks: TaskService, owner: UserId) -> None:
        first, second = [(await tasks.create(owner, Title("Buy milk"), {})).task.id for _ in range(2)]
        assert (first.version, second.version) == (7, 7)
        assert first < second

    async def test_sets_every_field(self, tasks: TaskService, owner: UserId) -> None:
        changes: TaskChanges = {
            "description": Description("Two litres"),
            "completed": True,
            "priority": Priority.HIGH,
            "tags": (Tag("home"),),
            "due": date(2026, 12, 1),
        }
        task = (await tasks.create(owner, Title("Buy milk"), changes)).task
        assert (task.description, task.priority, task.tags, task.due) == (
            "Two litres",
            Priority.HIGH,
            ("home",),
            date(2026, 12, 1),
        )
        assert task.completed_at == task.created_at == NOON
        assert await tasks.get(owner, task.id) == task

    async def test_with_an_id_of_the_clients_makes_one_task(self, tasks: TaskService, owner: UserId) -> None:
        task_id = a_task_id()
        first = await tasks.create(owner, Title("First"), {}, task_id)
        again = await tasks.create(owner, Title("Again"), {"completed": True}, task_id)
        assert (first.task.id, first.is_new, again.is_new) == (task_id, True, False)
        assert again.task == first.task
        assert (await tasks.page(owner, TaskQuery())).total == 1

    async def test_again_takes_no_revision(self, tasks: TaskService, owner: UserId) -> None:
        task_id = a_task_id()
        first = await tasks.create(owner, Title("First"), {}, task_id)
        await tasks.create(owner, Title("Again"), {}, task_id)
        assert (await tasks.create(owner, Title("Next"), {})).task.revision == first.task.revision + 1

    async def test_with_an_id_of_the_trash_is_refused(self, tasks: TaskService, owner: UserId, task: Task) -> None:
        await tasks.delete(owner, task.id)
        with pytest.raises(InTrashError):
            await tasks.create(owner, Title("Again"), {}, task.id)

    async def test_with_an_id_of_a_strangers_task_is_free(
        self, tasks: TaskService, store: MemoryStore, task: Task
    ) -> None:
        stranger = (await sign_up(store)).id
        theirs = await tasks.create(stranger, Title("Theirs"), {}, task.id)
        assert theirs.is_new
        assert await tasks.get(task.owner, task.id) == task

    @pytest.mark.parametrize("task_id", [None, a_task_id()], ids=["own id", "id of the client's"])
    async def test_needs_an_account(self, tasks: TaskService, task_id: TaskId | None) -> None:
        with pytest.raises(InvalidTokenError):
            await tasks.create(a_user_id(), Title("Buy milk"), {}, task_id)


class TestChanging:
    async def test_sets_what_is_named_and_leaves_the_rest(
        self, tasks: TaskService, task: Task, clock: StoppedClock
    ) -> None:
        now = clock.go_on(hours=1)
        changed = await tasks.change(task.owner, task.id, {"priority": Priority.LOW})
        assert (changed.priority, changed.title, changed.created_at, changed.updated_at) == (
            Priority.LOW,
            task.title,
            task.created_at,
            now,
        )
        assert changed.revision == task.revision + 1

    @every_write
    async def test_is_kept(self, tasks: TaskService, task: Task, write: Write) -> None:
        changed = await write(tasks, task.owner, task.id, None)
        assert changed.revision == task.revision + 1
        if changed.deleted_at:
            with pytest.raises(NotFoundError):
                await tasks.get(task.owner, task.id)
        else:
            assert await tasks.get(task.owner, task.id) == changed

    @pytest.mark.parametrize("write", NO_WRITES.values(), ids=NO_WRITES.keys())
    async def test_that_changes_nothing_takes_no_revision(
        self, tasks: TaskService, task: Task, clock: StoppedClock, write: Write
    ) -> None:
        clock.go_on(hours=1)
        assert await write(tasks, task.owner, task.id, None) == task
        assert (await tasks.create(task.owner, Title("Next"), {})).task.revision == task.revision + 1

    @every_write_and_no_write
    async def test_on_top_of_what_was_seen_is_done(self, tasks: TaskService, task: Task, write: Write) -> None:
        await write(tasks, task.owner, task.id, {task.revision})

    @every_write_and_no_write
    @pytest.mark.parametrize(
        "known", [set(), {Revision(0)}, {Revision(2), Revision(99)}], ids=["none", "old", "others"]
    )
    async def test_on_top_of_anything_else_is_stale(
        self, tasks: TaskService, task: Task, write: Write, known: set[Revision]
    ) -> None:
        with pytest.raises(StaleError) as refused:
            await write(tasks, task.owner, task.id, known)
        assert refused.value.current == task
        assert await tasks.get(task.owner, task.id) == task

    async def test_may_name_several_revisions(self, tasks: TaskService, task: Task) -> None:
        seen = {Revision(7), task.revision, Revision(9)}
        assert (await tasks.complete(task.owner, task.id, seen)).task.completed

    @every_write_and_no_write
    async def test_of_a_strangers_task_finds_nothing(
        self, tasks: TaskService, store: MemoryStore, task: Task, write: Write
    ) -> None:
        stranger = (await sign_up(store)).id
        for seen in (None, {task.revision}, set[Revision]()):
            with pytest.raises(NotFoundError):
                await write(tasks, stranger, task.id, seen)
        assert await tasks.get(task.owner, task.id) == task

    @every_write_and_no_write
    async def test_of_a_missing_task_finds_nothing(self, tasks: TaskService, owner: UserId, write: Write) -> None:
        with pytest.raises(NotFoundError):
            await write(tasks, owner, a_task_id(), None)

    @every_write_and_no_write
    async def test_of_a_task_in_the_trash_finds_nothing(self, tasks: TaskService, task: Task, write: Write) -> None:
        deleted = await tasks.delete(task.owner, task.id)
        for seen in (None, {deleted.revision}, {task.revision}):
            with pytest.raises(NotFoundError):
                await write(tasks, task.owner, task.id, seen)


class TestCompleting:
    async def test_keeps_the_first_moment(self, tasks: TaskService, task: Task, clock: StoppedClock) -> None:
        first = clock.go_on(hours=1)
        done = (await tasks.complete(task.owner, task.id)).task
        clock.go_on(hours=1)
        assert (await tasks.complete(task.owner, task.id)).task == done
        assert done.completed_at == first

    async def test_is_undone_by_reopening(self, tasks: TaskService, task: Task) -> None:
        await tasks.complete(task.owner, task.id)
        reopened = (await tasks.reopen(task.owner, task.id)).task
        assert (reopened.completed, reopened.completed_at) == (False, None)

    async def test_toggles(self, tasks: TaskService, task: Task) -> None:
        states = [(await tasks.toggle(task.owner, task.id)).completed for _ in range(4)]
        assert states == [True, False, True, False]


class TestReading:
    async def test_a_list_goes_on_where_it_ended(self, tasks: TaskService, owner: UserId, clock: StoppedClock) -> None:
        created: list[Task] = []
        for _ in range(5):
            created.append((await tasks.create(owner, Title("Buy milk"), {})).task)
            clock.go_on(minutes=1)
        first = await tasks.page(owner, TaskQuery(limit=3))
        rest = await tasks.page(owner, TaskQuery(limit=3, after=first.next))
        assert [*first.tasks, *rest.tasks] == created[::-1]
        assert (first.total, rest.total, rest.next) == (5, 5, None)

    async def test_a_strangers_task_is_not_found(self, tasks: TaskService, store: MemoryStore, task: Task) -> None:
        with pytest.raises(NotFoundError):
            await tasks.get((await sign_up(store)).id, task.id)
