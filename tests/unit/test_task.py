"""What a task does when it changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON, a_task, a_user_id
from todo.domain.task import NEVER_STORED, Task, TaskChanges
from todo.domain.values import Description, Priority, Tag, Title

LATER = NOON + timedelta(hours=1)
MUCH_LATER = NOON + timedelta(days=1)

CHANGES: dict[str, TaskChanges] = {
    "title": {"title": Title("Buy bread")},
    "description": {"description": Description("Rye")},
    "completed": {"completed": True},
    "priority": {"priority": Priority.URGENT},
    "tags": {"tags": (Tag("shop"),)},
    "due_on": {"due": date(2026, 12, 1)},
    "due_at": {"due": datetime(2026, 12, 1, tzinfo=UTC)},
    "several": {"title": Title("Buy bread"), "completed": True, "tags": ()},
}


class TestANewTask:
    def test_is_open_plain_and_never_stored(self) -> None:
        task = Task(id=a_task().id, owner=a_user_id(), title=Title("Buy milk"), created_at=NOON, updated_at=NOON)
        assert not task.completed
        assert (task.description, task.completed_at, task.due, task.deleted_at) == (None, None, None, None)
        assert (task.priority, task.tags, task.revision) == (Priority.NONE, (), NEVER_STORED)

    @pytest.mark.parametrize("name", Task._fields)
    def test_never_changes_itself(self, name: str) -> None:
        task = a_task()
        with pytest.raises(AttributeError):
            setattr(task, name, getattr(task, name))


class TestAChange:
    @pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
    def test_sets_what_it_names_and_leaves_the_rest(self, changes: TaskChanges) -> None:
        task = a_task()
        changed = task.changed(changes, LATER)
        touched = {"completed_at" if name == "completed" else name for name in changes} | {"updated_at"}
        for name in Task._fields:
            if name not in touched:
                assert getattr(changed, name) == getattr(task, name)
        assert all(getattr(changed, name) == value for name, value in changes.items())
        assert changed.updated_at == LATER

    @pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
    def test_leaves_the_old_task_as_it_was(self, changes: TaskChanges) -> None:
        task = a_task()
        before = Task(*task)
        assert task.changed(changes, LATER) is not task
        assert task == before

    @pytest.mark.parametrize("changes", [*CHANGES.values(), {}], ids=[*CHANGES.keys(), "nothing"])
    def test_that_changes_nothing_is_the_same_task(self, changes: TaskChanges) -> None:
        changed = a_task().changed(changes, LATER)
        assert changed.changed(changes, MUCH_LATER) is changed

    def test_clears_what_it_sets_to_none(self) -> None:
        task = a_task(description=Description("Rye"), due=date(2026, 12, 1))
        changed = task.changed({"description": None, "due": None}, LATER)
        assert (changed.description, changed.due) == (None, None)

    def test_from_a_day_to_its_midnight_is_a_change(self) -> None:
        task = a_task(due=date(2026, 12, 1))
        midnight = datetime(2026, 12, 1, tzinfo=UTC)
        assert task.changed({"due": midnight}, LATER).due is midnight

    def test_keeps_the_revision_that_was_seen(self) -> None:
        task = a_task()
        assert task.changed({"title": Title("Buy bread")}, LATER).revision == task.revision


class TestCompleting:
    def test_keeps_the_moment(self) -> None:
        done = a_task().changed({"completed": True}, LATER)
        assert (done.completed, done.completed_at) == (True, LATER)

    def test_again_keeps_the_first_moment(self) -> None:
        done = a_task().changed({"completed": True}, LATER)
        renamed = done.changed({"completed": True, "title": Title("Buy bread")}, MUCH_LATER)
        assert (renamed.title, renamed.completed_at, renamed.updated_at) == ("Buy bread", LATER, MUCH_LATER)

    def test_is_undone_by_reopening(self) -> None:
        done = a_task().changed({"completed": True}, LATER)
        reopened = done.changed({"completed": False}, MUCH_LATER)
        assert (reopened.completed, reopened.completed_at) == (False, None)

    @given(st.integers(0, 9))
    def test_toggles(self, times: int) -> None:
        task = a_task()
        for hour in range(times):
            task = task.toggled(NOON + timedelta(hours=hour))
        assert task.completed == bool(times % 2)
        assert task.updated_at == NOON + timedelta(hours=max(times - 1, 0))


class TestDeleting:
    def test_puts_into_the_trash_as_it_is(self) -> None:
        task = a_task(tags=(Tag("home"),), completed_at=NOON)
        deleted = task.deleted(LATER)
        assert (deleted.deleted_at, deleted.updated_at) == (LATER, LATER)
        assert deleted == a_task(
            task.owner,
            id=task.id,
            tags=task.tags,
            completed_at=NOON,
            created_at=task.created_at,
            updated_at=LATER,
            deleted_at=LATER,
        )
