"""What `TaskRepository` promises. A subclass brings the fixture `store`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, TaskFields, a_task, a_task_id, a_user_id, keep, keep_change, sign_up
from tests.contracts.texts import HARMLESS_TEXTS, OWNER_IDS
from todo.application.queries import TaskQuery
from todo.domain.errors import InvalidTokenError, NotFoundError, StaleError
from todo.domain.task import NEVER_STORED
from todo.domain.values import (
    DESCRIPTION_LENGTH,
    TAG_LENGTH,
    TAGS_COUNT,
    TITLE_LENGTH,
    Description,
    Priority,
    Revision,
    Tag,
    Title,
    UserId,
)

if TYPE_CHECKING:
    from todo.application.ports import Store
    from todo.domain.task import Task
    from todo.domain.user import User
    from todo.domain.values import Due

FIRST_INSTANT = datetime(1, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

EARLY = FIRST_INSTANT + timedelta(microseconds=1)
LATE = LAST_INSTANT - timedelta(microseconds=1)

FIELDS: dict[str, TaskFields] = {
    "nothing": {},
    "everything": {
        "title": Title("Buy milk"),
        "description": Description("Two litres\n\tof it"),
        "completed_at": NOON + timedelta(microseconds=1),
        "priority": Priority.HIGH,
        "tags": (Tag("home"), Tag("Shop")),
        "due": date(2026, 12, 1),
        "updated_at": NOON + timedelta(microseconds=2),
    },
    "empty_description": {"description": Description("")},
    "longest": {
        "title": Title("😀" * TITLE_LENGTH),
        "description": Description("😀" * DESCRIPTION_LENGTH),
        "tags": tuple(Tag(f"{number:02}{'😀' * (TAG_LENGTH - 2)}") for number in range(TAGS_COUNT)),
    },
    "times_near_the_ends": {"created_at": EARLY, "updated_at": LATE, "completed_at": LATE},
}
FIELDS |= {
    name: {"title": Title(text), "description": Description(text), "tags": (Tag(text), Tag(f"{text}!"))}
    for name, text in HARMLESS_TEXTS.items()
}

DUES: list[Due] = [
    date(2026, 12, 1),
    date(1, 1, 1),
    date(1, 1, 2),
    date(9999, 12, 30),
    date(9999, 12, 31),
    date(2024, 2, 29),
    datetime(2026, 12, 1, tzinfo=UTC),
    datetime(2026, 12, 1, 9, 30, 15, 123_456, tzinfo=UTC),
    FIRST_INSTANT,
    EARLY,
    LATE,
    LAST_INSTANT,
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


class TaskRepositoryContract:
    @pytest.fixture
    async def user(self, store: Store) -> User:
        return await sign_up(store)

    @pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS.keys())
    async def test_a_task_comes_back_as_it_went_in(self, store: Store, user: User, fields: TaskFields) -> None:
        task = a_task(user.id, **fields)
        assert task.revision == NEVER_STORED
        added = await keep(store, task)
        assert added == a_task(user.id, **(fields | {"id": task.id, "revision": added.revision}))
        await _assert_read_everywhere(store, added)

    @pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS.keys())
    async def test_a_change_comes_back_as_it_went_in(self, store: Store, user: User, fields: TaskFields) -> None:
        before = await keep(store, a_task(user.id, **FIELDS["everything"]))
        kept: TaskFields = {"id": before.id, "created_at": before.created_at, "revision": before.revision}
        after = await keep_change(store, a_task(user.id, **(fields | kept)))
        assert after == a_task(user.id, **(fields | kept | {"revision": after.revision}))
        await _assert_read_everywhere(store, after)

    @pytest.mark.parametrize("due", DUES, ids=str)
    async def test_a_day_stays_a_day_and_an_instant_an_instant(self, store: Store, user: User, due: Due) -> None:
        kept = await keep(store, a_task(user.id, due=due))
        read = (await store.tasks.get(user.id, kept.id)).due
        assert read == due
        assert type(read) is type(due)

    async def test_what_is_due_can_change_its_kind(self, store: Store, user: User) -> None:
        day, instant = date(2026, 12, 1), datetime(2026, 12, 1, tzinfo=UTC)
        task = await keep(store, a_task(user.id, due=day))
        for due in (instant, day, None, instant, None):
            task = await keep_change(store, task.changed({"due": due}, NOON))
            assert (await store.tasks.get(user.id, task.id)).due == due

    @pytest.mark.parametrize("owner_id", OWNER_IDS.values(), ids=OWNER_IDS.keys())
    async def test_any_owner_has_their_own_tasks_only(self, store: Store, user: User, owner_id: str) -> None:
        owner = UserId(owner_id)
        theirs = await keep(store, a_task(user.id))
        await sign_up(store, id=owner)
        added = await keep(store, a_task(owner))
        changed = await keep_change(store, added.changed({"title": Title("Mine")}, NOON))
        assert (added.revision, changed.revision) == (1, 2)
        await _assert_read_everywhere(store, changed)
        assert list((await store.tasks.page(owner, TaskQuery())).tasks) == [changed]
        with pytest.raises(NotFoundError):
            await store.tasks.get(owner, theirs.id)
        assert (await keep(store, a_task(user.id))).revision == theirs.revision + 1

    async def test_what_is_not_there_is_neither_got_nor_found(self, store: Store, user: User) -> None:
        async with store.unit_of_work(user.id) as work:
            assert await work.tasks.find(a_task_id()) is None
            with pytest.raises(NotFoundError):
                await work.tasks.get(a_task_id())

    async def test_a_strangers_task_is_neither_got_nor_found_nor_changed(self, store: Store, user: User) -> None:
        theirs = await keep(store, a_task((await sign_up(store)).id))
        async with store.unit_of_work(user.id) as work:
            assert await work.tasks.find(theirs.id) is None
            with pytest.raises(NotFoundError):
                await work.tasks.get(theirs.id)
            with pytest.raises(NotFoundError):
                await work.tasks.update(a_task(user.id, id=theirs.id, revision=theirs.revision))
            await work.commit()
        assert await store.tasks.get(theirs.owner, theirs.id) == theirs

    async def test_an_update_leaves_a_strangers_task_with_the_same_id_alone(self, store: Store, user: User) -> None:
        theirs = await keep(store, a_task((await sign_up(store)).id))
        mine = await keep(store, a_task(user.id, id=theirs.id))
        assert mine.revision == theirs.revision
        await keep_change(store, mine.changed({"title": Title("Mine")}, NOON))
        assert await store.tasks.get(theirs.owner, theirs.id) == theirs

    async def test_an_update_leaves_the_owners_other_tasks_alone(self, store: Store, user: User) -> None:
        first, second = await keep(store, a_task(user.id)), await keep(store, a_task(user.id))
        await keep_change(store, first.changed({"title": Title("Changed")}, NOON))
        assert await store.tasks.get(user.id, second.id) == second

    async def test_the_trash_is_found_but_not_got(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        deleted = await keep_change(store, kept.deleted(NOON))
        async with store.unit_of_work(user.id) as work:
            assert await work.tasks.find(kept.id) == deleted
            with pytest.raises(NotFoundError):
                await work.tasks.get(kept.id)

    async def test_a_task_can_come_back_from_the_trash(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        deleted = await keep_change(store, kept.deleted(NOON))
        restored = await keep_change(store, a_task(user.id, id=kept.id, revision=deleted.revision))
        assert await store.tasks.get(user.id, kept.id) == restored

    async def test_a_unit_of_work_sees_what_it_wrote(self, store: Store, user: User) -> None:
        async with store.unit_of_work(user.id) as work:
            added = await work.tasks.add(a_task(user.id))
            assert await work.tasks.get(added.id) == added
            changed = await work.tasks.update(added.changed({"title": Title("Changed")}, NOON))
            assert await work.tasks.find(added.id) == changed

    @pytest.mark.parametrize("seen", [-1, 1, 1000, 2**62])
    async def test_a_stale_change_is_refused_with_the_current_task(self, store: Store, user: User, seen: int) -> None:
        kept = await keep(store, a_task(user.id))
        kept = await keep_change(store, kept.changed({"title": Title("Current")}, NOON))
        stale = a_task(user.id, id=kept.id, title=Title("Stale"), revision=Revision(kept.revision + seen))
        async with store.unit_of_work(user.id) as work:
            with pytest.raises(StaleError) as refused:
                await work.tasks.update(stale)
            assert refused.value.current == kept
            await work.commit()
        assert await store.tasks.get(user.id, kept.id) == kept

    async def test_a_task_that_went_to_the_trash_is_stale(self, store: Store, user: User) -> None:
        kept = await keep(store, a_task(user.id))
        deleted = await keep_change(store, kept.deleted(NOON))
        with pytest.raises(StaleError) as refused:
            await keep_change(store, kept.changed({"title": Title("Stale")}, NOON))
        assert refused.value.current == deleted

    async def test_who_has_no_account_is_told_so(self, store: Store) -> None:
        nobody = a_user_id()
        async with store.unit_of_work(nobody) as work:
            for attempt in (work.tasks.get, work.tasks.find):
                with pytest.raises(InvalidTokenError):
                    await attempt(a_task_id())
            for write in (work.tasks.add, work.tasks.update):
                with pytest.raises(InvalidTokenError):
                    await write(a_task(nobody))


async def _assert_read_everywhere(store: Store, task: Task) -> None:
    assert await store.tasks.get(task.owner, task.id) == task
    assert list((await store.tasks.page(task.owner, TaskQuery())).tasks) == [task]
    async with store.unit_of_work(task.owner) as work:
        assert await work.tasks.get(task.id) == task
        assert await work.tasks.find(task.id) == task
