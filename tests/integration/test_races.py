"""Many at once, through the use cases and a pool of several connections: no change is lost, and nobody wins twice."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.builders import NOON, StoppedClock, a_task, a_task_id, an_email, sign_up
from tests.containers import postgres_container
from tests.integration.servers import connected
from todo.adapters.clock import new_id
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.store import PostgresStore
from todo.application.limits import ClientAddress
from todo.application.queries import TaskQuery
from todo.application.tasks import TaskService
from todo.domain.errors import EmailTakenError, NotFoundError, StaleError, TodoError
from todo.domain.values import Description, Password, Priority, Revision, Tag, Title

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from typing import Any

    import asyncpg
    from asyncpg import Record

    from todo.domain.task import Task, TaskChanges
    from todo.domain.values import UserId
    from todo.entrypoints.container import Container

T = TypeVar("T")

HERE = ClientAddress("192.0.2.1")
AT_ONCE = 12
"""More than there are connections, so that some wait for one and some for a row."""


@pytest.fixture
async def container(database_url: str) -> AsyncIterator[Container]:
    container = postgres_container(database_url)
    yield container
    await container.store().close()


@pytest.fixture
def tasks(store: PostgresStore) -> TaskService:
    return TaskService(store, StoppedClock(), new_id)


@pytest.fixture
async def owner(store: PostgresStore) -> UserId:
    return (await sign_up(store)).id


@pytest.fixture
async def task(tasks: TaskService, owner: UserId) -> Task:
    return (await tasks.create(owner, Title("Buy milk"), {})).task


async def together(*attempts: Callable[[], Coroutine[Any, Any, T]]) -> list[T | TodoError]:
    """What becomes of each attempt if all begin at the same moment."""
    start = asyncio.Barrier(len(attempts))

    async def run(attempt: Callable[[], Coroutine[Any, Any, T]]) -> T | TodoError:
        await start.wait()
        try:
            return await attempt()
        except TodoError as error:
            return error

    return list(await asyncio.gather(*map(run, attempts)))


async def test_changes_of_different_fields_all_survive(tasks: TaskService, task: Task) -> None:
    changes: list[TaskChanges] = [
        {"title": Title("Buy bread")},
        {"description": Description("Rye")},
        {"completed": True},
        {"priority": Priority.HIGH},
        {"tags": (Tag("shop"),)},
        {"due": date(2026, 12, 1)},
    ]
    changed = await together(*(lambda one=one: tasks.change(task.owner, task.id, one) for one in changes))
    assert not [outcome for outcome in changed if isinstance(outcome, TodoError)]
    now = await tasks.get(task.owner, task.id)
    assert (now.title, now.description, now.completed, now.priority, now.tags, now.due) == (
        "Buy bread",
        "Rye",
        True,
        Priority.HIGH,
        ("shop",),
        date(2026, 12, 1),
    )
    assert now.revision == task.revision + len(changes)


async def test_of_those_who_saw_the_same_task_one_wins(tasks: TaskService, task: Task) -> None:
    seen = {task.revision}
    titles = [Title(f"Title {number}") for number in range(AT_ONCE)]
    outcomes = await together(
        *(lambda title=title: tasks.change(task.owner, task.id, {"title": title}, seen) for title in titles)
    )
    (winner,) = [outcome for outcome in outcomes if not isinstance(outcome, TodoError)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, StaleError)]
    assert len(losers) == AT_ONCE - 1
    assert all(loser.current == winner for loser in losers)
    assert await tasks.get(task.owner, task.id) == winner


async def test_every_toggle_counts(tasks: TaskService, task: Task) -> None:
    for times in (AT_ONCE, AT_ONCE + 1):
        before = await tasks.get(task.owner, task.id)
        outcomes = await together(*[lambda: tasks.toggle(task.owner, task.id)] * times)
        after = await tasks.get(task.owner, task.id)
        assert not [outcome for outcome in outcomes if isinstance(outcome, TodoError)]
        assert after.revision == before.revision + times
        assert after.completed == (before.completed ^ bool(times % 2))


async def test_completing_at_once_is_one_change(tasks: TaskService, task: Task) -> None:
    await together(*[lambda: tasks.complete(task.owner, task.id)] * AT_ONCE)
    now = await tasks.get(task.owner, task.id)
    assert now.completed
    assert now.revision == task.revision + 1


async def test_creating_with_one_id_makes_one_task(tasks: TaskService, owner: UserId) -> None:
    task_id = a_task_id()
    titles = [Title(f"Title {number}") for number in range(AT_ONCE)]
    outcomes = await together(*(lambda title=title: tasks.create(owner, title, {}, task_id) for title in titles))
    created = [outcome for outcome in outcomes if not isinstance(outcome, TodoError)]
    assert len(created) == AT_ONCE
    assert [one.is_new for one in created].count(True) == 1
    assert {one.task for one in created} == {await tasks.get(owner, task_id)}
    assert (await tasks.page(owner, TaskQuery())).total == 1


async def test_creating_at_once_gives_each_its_own_number(tasks: TaskService, owner: UserId) -> None:
    await together(*[lambda: tasks.create(owner, Title("Buy milk"), {})] * AT_ONCE)
    page = await tasks.page(owner, TaskQuery())
    assert sorted(task.revision for task in page.tasks) == list(range(1, AT_ONCE + 1))


async def test_deleting_at_once_happens_once(tasks: TaskService, task: Task) -> None:
    outcomes = await together(*[lambda: tasks.delete(task.owner, task.id)] * AT_ONCE)
    assert [isinstance(outcome, NotFoundError) for outcome in outcomes].count(False) == 1
    with pytest.raises(NotFoundError):
        await tasks.get(task.owner, task.id)


async def test_a_change_of_what_is_being_deleted_is_done_or_refused(tasks: TaskService, task: Task) -> None:
    deleted, changed = await together(
        lambda: tasks.delete(task.owner, task.id),
        lambda: tasks.change(task.owner, task.id, {"title": Title("Late")}),
    )
    assert not isinstance(deleted, TodoError)
    if isinstance(changed, TodoError):
        assert isinstance(changed, NotFoundError)
        assert deleted.title == "Buy milk"
    else:
        assert deleted.title == "Late"


async def test_of_those_who_register_one_address_one_succeeds(container: Container) -> None:
    accounts, sessions = container.account_service(), container.session_service()
    email = an_email()
    passwords = [Password(f"password number {number}") for number in range(AT_ONCE)]
    outcomes = await together(*(lambda one=one: accounts.register(email, one, None, HERE) for one in passwords))
    (winner,) = [outcome for outcome in outcomes if not isinstance(outcome, TodoError)]
    assert sum(isinstance(outcome, EmailTakenError) for outcome in outcomes) == AT_ONCE - 1
    assert await container.store().users.find_by_email(email) == winner.user
    for password, outcome in zip(passwords, outcomes, strict=True):
        if outcome is winner:
            assert (await sessions.log_in(email, password, HERE)).user == winner.user


async def test_many_owners_at_once_do_not_mix(tasks: TaskService, store: PostgresStore) -> None:
    owners = [(await sign_up(store)).id for _ in range(AT_ONCE)]

    async def live(owner: UserId) -> None:
        for number in range(5):
            made = (await tasks.create(owner, Title(f"{owner} {number}"), {})).task
            await tasks.toggle(owner, made.id)
            page = await tasks.page(owner, TaskQuery())
            assert page.total == number + 1
            assert all(task.owner == owner and task.title.startswith(owner) for task in page.tasks)

    await asyncio.gather(*map(live, owners))
    for owner in owners:
        page = await tasks.page(owner, TaskQuery())
        assert sorted(task.revision for task in page.tasks) == [2, 4, 6, 8, 10]


async def test_a_change_that_had_to_wait_does_not_write_over_what_it_waited_for(
    database_url: str, store: PostgresStore, owner: UserId, task: Task
) -> None:
    async with connected(database_url) as admin:
        async with store.unit_of_work(owner) as work:
            late = asyncio.create_task(
                store.change_task(owner, task.id, lambda seen: seen.changed({"priority": Priority.HIGH}, NOON))
            )
            await _waiting_for_a_lock(admin)
            first = await work.tasks.update(task.changed({"title": Title("First")}, NOON))
            await work.commit()
        assert await late == first._replace(priority=Priority.HIGH, revision=Revision(3))
        assert (first.revision, await store.feed.head(owner)) == (2, 3)


async def test_a_change_that_came_too_late_has_let_go_of_its_connection_before_it_takes_another(
    database_url: str, store: PostgresStore, owner: UserId, task: Task
) -> None:
    narrow = PostgresStore(Database(database_url, size=1))
    async with connected(database_url) as admin:
        async with store.unit_of_work(owner) as work:
            late = asyncio.create_task(narrow.change_task(owner, task.id, lambda seen: seen.toggled(NOON)))
            await _waiting_for_a_lock(admin)
            first = await work.tasks.update(task.changed({"title": Title("First")}, NOON))
            await work.commit()
        assert await late == first.toggled(NOON)._replace(revision=Revision(3))
    await narrow.close()


async def test_a_change_that_had_to_wait_takes_the_number_behind(
    database_url: str, store: PostgresStore, owner: UserId, task: Task
) -> None:
    async with connected(database_url) as admin:
        async with store.unit_of_work(owner) as work:
            late = asyncio.create_task(store.change_task(owner, task.id, lambda seen: seen.toggled(NOON)))
            await _waiting_for_a_lock(admin)
            await work.tasks.add(a_task(owner, completed_at=NOON))
            await work.commit()
        assert (await late).revision == 3
        assert await store.feed.head(owner) == 3
        assert (await store.tasks.page(owner, TaskQuery(open=False))).total == 2


async def _waiting_for_a_lock(admin: asyncpg.Connection[Record]) -> None:
    """Return when the one statement that this database is to wait for does wait."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%before AS%'"
    )
    async with asyncio.timeout(30):
        while not await admin.fetchval(waiting):  # noqa: ASYNC110 - nothing tells when another process waits
            await asyncio.sleep(0.01)
