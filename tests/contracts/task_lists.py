"""What `TaskReader.page` and `stats` promise of filters and orders, held against a plain model on generated data.

A subclass brings the fixture `store`. The model knows nothing of the code under test: it compares lengths
of time, folds text in its own way and sorts twice.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import NOON, a_task, a_user_id, keep, keep_change, sign_up
from todo.application.queries import Overdue, Position, Sort, Stats, TaskQuery
from todo.application.zones import DueRange, Moment
from todo.domain.errors import InvalidTokenError
from todo.domain.values import Description, Priority, Tag, Title, parse_words, tag_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from todo.application.ports import Store
    from todo.application.queries import SortKey
    from todo.domain.task import Task
    from todo.domain.values import Due, TaskId, UserId

COUNT = 150
TODAY = NOON.date()
ZONES = [UTC, *map(ZoneInfo, ("Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu"))]

TITLES = [
    "Buy milk", "buy MILK", "Bùy mílk", "Straße fegen", "STRASSE", "100% sure", "100 sure", "under_score", "underscore",
    r"back\slash", "it's \"quoted\"", "Ångström", "angstrom", "İstanbul", "\ufb01ne fish", "日本語", "Zebra", "apple",
    "Äpfel", "\u0301", "😀 smile", "a" * 500, "a" * 499,
]  # fmt: skip
DESCRIPTIONS = [None, "", "Two litres of MILK\nand a café", "50% off_", "nothing to see", "crème brûlée \\o/"]
WORDS = [
    "milk", "MÍLK", "buy milk", "milk cafe", "100%", "_", "%", "\\", "'", '"', "strasse", "ß", "istanbul", "fine", "日",
    "o", "😀", "brulee \\o/", "milk nothing", "", "  ", "\u0301 o", "slash\\", "é", "milk\ntwo",
]  # fmt: skip
TAGS = [(), ("home",), ("Home", "work"), ("WORK",), ("Straße",), ("strasse", "home"), ("été",), ("a,b", "{x}", 'q"')]
DUES: list[Due | None] = [
    None,
    TODAY,
    TODAY - timedelta(days=1),
    TODAY + timedelta(days=1),
    NOON,
    NOON - timedelta(microseconds=1),
    NOON + timedelta(hours=14),
    NOON - timedelta(hours=12),
    datetime.combine(TODAY, time.min, UTC),
    date.min,
    date.max,
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
    datetime(9999, 12, 31, 12, tzinfo=UTC),
]


class Asked(NamedTuple):
    """A list, in the words of the contract."""

    open: bool = True
    completed: bool = True
    priorities: frozenset[Priority] = frozenset()
    tags: frozenset[str] = frozenset()
    text: str = ""
    after: Due | None = None
    before: Due | None = None
    overdue: bool | None = None
    zone: Any = UTC
    sort: Sort = Sort.CREATED_AT
    descending: bool = True

    def query(self, limit: int = 1000, after: Position | None = None) -> TaskQuery:
        has_range = self.after is not None or self.before is not None
        return TaskQuery(
            open=self.open,
            completed=self.completed,
            priorities=tuple(self.priorities),
            tags=tuple(tag_key(tag) for tag in self.tags),
            words=parse_words(self.text),
            due=DueRange.between(self.after, self.before, self.zone) if has_range else None,
            overdue=None if self.overdue is None else Overdue(Moment(NOON, self.zone), self.overdue),
            sort=self.sort,
            descending=self.descending,
            limit=limit,
            after=after,
        )


class Kept(tuple["Task", ...]):
    """The tasks of a test; too many to be shown by Hypothesis."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} tasks>"


SORTS = [sort for sort in Sort if sort is not Sort.DELETED_AT]
ASKED = st.builds(
    Asked,
    open=st.booleans() | st.just(value=True),
    completed=st.booleans() | st.just(value=True),
    priorities=st.frozensets(st.sampled_from(list(Priority)), max_size=3),
    tags=st.frozensets(st.sampled_from(["home", "HOME", "work", "STRASSE", "été", "ÉTÉ", "none"]), max_size=2),
    text=st.sampled_from(WORDS),
    after=st.none() | st.sampled_from([due for due in DUES if due]),
    before=st.none() | st.sampled_from([due for due in DUES if due]),
    overdue=st.none() | st.booleans(),
    zone=st.sampled_from(ZONES),
    sort=st.sampled_from(SORTS),
    descending=st.booleans(),
)
ONE_AT_A_TIME = [
    *(Asked(open=one, completed=not one) for one in (True, False)),
    Asked(open=False, completed=False),
    *(Asked(priorities=frozenset({priority})) for priority in Priority),
    *(Asked(tags=frozenset({tag})) for tag in ("home", "WORK", "strasse", "ÉTÉ", "a,b", "{x}", 'Q"', "hom", "")),
    *(Asked(text=text) for text in WORDS),
    *(Asked(after=due, zone=zone) for due in DUES if due for zone in ZONES),
    *(Asked(before=due, zone=zone) for due in DUES if due for zone in ZONES),
    *(Asked(overdue=overdue, zone=zone) for overdue in (True, False) for zone in ZONES),
]


class TaskListsContract:
    @pytest.fixture
    async def kept(self, store: Store) -> Kept:
        owner = (await sign_up(store)).id
        async with store.unit_of_work(owner) as work:
            kept = [await work.tasks.add(_generated(owner, number)) for number in range(COUNT)]
            await work.commit()
        return Kept(kept)

    async def test_every_filter_by_itself_passes_what_the_model_passes(
        self, store: Store, kept: Sequence[Task]
    ) -> None:
        for asked in ONE_AT_A_TIME:
            page = await store.tasks.page(kept[0].owner, asked.query())
            assert _ids(page.tasks) == _ids(_model(kept, asked)), asked
            assert page.total == len(page.tasks)

    @pytest.mark.parametrize("limit", [1, 7, 50, COUNT])
    @pytest.mark.parametrize("descending", [True, False])
    @pytest.mark.parametrize("sort", SORTS)
    async def test_a_walk_in_every_order_goes_as_the_model_goes(
        self, store: Store, kept: Sequence[Task], sort: Sort, *, descending: bool, limit: int
    ) -> None:
        asked = Asked(sort=sort, descending=descending)
        assert await _walk(store, kept[0].owner, asked, limit) == _ids(_model(kept, asked))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors])
    @given(asked=ASKED, limit=st.sampled_from([1, 3, 10, 1000]))
    async def test_filters_and_orders_together_go_as_the_model_goes(
        self, store: Store, kept: Sequence[Task], asked: Asked, limit: int
    ) -> None:
        expected = _ids(_model(kept, asked))
        page = await store.tasks.page(kept[0].owner, asked.query(limit))
        assert (_ids(page.tasks), page.total) == (expected[:limit], len(expected))
        assert (page.next is not None) == (len(expected) > limit)
        assert await _walk(store, kept[0].owner, asked, max(limit, 5)) == expected

    @pytest.mark.parametrize("zone", ZONES, ids=str)
    async def test_stats_count_what_the_model_counts(self, store: Store, kept: Sequence[Task], zone: Any) -> None:
        moment = Moment(NOON, zone)
        assert await store.tasks.stats(kept[0].owner, moment) == _counted(kept, moment)

    async def test_tags_are_counted_most_frequent_first(self, store: Store, kept: Sequence[Task]) -> None:
        counts = [*(await store.tasks.stats(kept[0].owner, Moment(NOON))).by_tag.values()]
        assert counts == sorted(counts, reverse=True)

    async def test_who_has_no_tasks_has_no_numbers(self, store: Store) -> None:
        stats = await store.tasks.stats((await sign_up(store)).id, Moment(NOON))
        assert (stats.total, stats.open, stats.completed, stats.overdue, stats.due_today) == (0, 0, 0, 0, 0)
        assert (dict(stats.by_priority), dict(stats.by_tag)) == (dict.fromkeys(Priority, 0), {})

    async def test_who_has_no_account_is_told_so(self, store: Store) -> None:
        nobody = a_user_id()
        for asked in (Asked(text="milk"), Asked(sort=Sort.DUE), Asked(open=False, completed=False)):
            with pytest.raises(InvalidTokenError):
                await store.tasks.page(nobody, asked.query())
        with pytest.raises(InvalidTokenError):
            await store.tasks.stats(nobody, Moment(NOON))

    @pytest.mark.usefixtures("kept")
    async def test_a_strangers_tasks_are_neither_listed_nor_counted(self, store: Store) -> None:
        other = (await sign_up(store)).id
        mine = await keep(store, a_task(other, title=Title("milk"), due=date.min, tags=(Tag("home"),)))
        for asked in (Asked(text="milk"), Asked(tags=frozenset({"home"})), Asked(sort=Sort.TITLE), Asked(overdue=True)):
            page = await store.tasks.page(other, asked.query())
            assert (_ids(page.tasks), page.total) == ([mine.id], 1)
        assert (await store.tasks.stats(other, Moment(NOON))).total == 1

    async def test_a_change_is_found_by_what_it_says_now(self, store: Store) -> None:
        owner = (await sign_up(store)).id
        task = await keep(store, a_task(owner, title=Title("Old"), tags=(Tag("Old"),)))
        changes: dict[str, Any] = {"title": Title("New"), "description": Description("Née"), "tags": (Tag("New"),)}
        await keep_change(store, task.changed(changes, NOON))  # type: ignore[arg-type]
        for found, asked in [
            (0, Asked(text="old")),
            (1, Asked(text="new nee")),
            (0, Asked(tags=frozenset({"old"}))),
            (1, Asked(tags=frozenset({"NEW"}))),
        ]:
            assert (await store.tasks.page(owner, asked.query())).total == found

    async def test_a_page_tells_the_revision_that_it_has_seen(self, store: Store, kept: Sequence[Task]) -> None:
        owner = kept[0].owner
        assert (await store.tasks.page(owner, Asked().query(1))).revision == COUNT
        await keep_change(store, kept[0].deleted(NOON))
        assert (await store.tasks.page(owner, Asked(text="no such word").query(1))).revision == COUNT + 1

    async def test_the_trash_is_a_list_of_its_own(self, store: Store, kept: Sequence[Task]) -> None:
        owner = kept[0].owner
        expected = sorted((task for task in kept if task.deleted_at), key=lambda task: (task.deleted_at, task.id))
        walked: list[TaskId] = []
        query = TaskQuery(in_trash=True, sort=Sort.DELETED_AT, limit=4)
        while True:
            page = await store.tasks.page(owner, query)
            assert page.total == len(expected)
            walked += _ids(page.tasks)
            if page.next is None:
                break
            query = TaskQuery(in_trash=True, sort=Sort.DELETED_AT, limit=4, after=page.next)
        assert walked == _ids(expected[::-1])

    @pytest.mark.parametrize("descending", [True, False])
    @pytest.mark.parametrize("sort", SORTS)
    async def test_a_walk_while_others_write_sees_each_task_that_stays_once(
        self, store: Store, kept: Sequence[Task], sort: Sort, *, descending: bool
    ) -> None:
        owner, is_over = kept[0].owner, asyncio.Event()
        is_listed = [task for task in kept if not task.deleted_at]
        moving, staying = is_listed[::3], [task for task in is_listed if task not in is_listed[::3]]

        async def write() -> None:
            for number, task in enumerate(moving * 3):
                if is_over.is_set():
                    return
                async with store.unit_of_work(owner) as work:
                    current = await work.tasks.get(task.id) if number < len(moving) else None
                    if current:
                        moved = _generated(owner, number * 7 + 1)
                        await work.tasks.update(
                            current.changed(
                                {"title": moved.title, "due": moved.due, "priority": moved.priority},
                                NOON + timedelta(minutes=number),
                            )
                        )
                    else:
                        await work.tasks.add(_generated(owner, COUNT + number))
                    await work.commit()

        writing = asyncio.create_task(write())
        walked = await _walk(store, owner, Asked(sort=sort, descending=descending), 5)
        is_over.set()
        await writing
        seen = Counter(walked)
        assert {seen[task.id] for task in staying} == {1}


def _generated(owner: UserId, number: int) -> Task:
    """A task whose fields go through all their values, each at a pace of its own."""
    made = NOON - timedelta(minutes=number // 4)
    title = TITLES[number % len(TITLES)]
    return a_task(
        owner,
        title=Title(unicodedata.normalize("NFC", title)),
        description=_described(DESCRIPTIONS[number % len(DESCRIPTIONS)]),
        completed_at=NOON if number % 3 == 1 else None,
        priority=list(Priority)[number % 5],
        tags=tuple(Tag(tag) for tag in TAGS[number % len(TAGS)]),
        due=DUES[number * 5 % len(DUES)],
        created_at=made,
        updated_at=made + timedelta(minutes=number * 11 % 17),
        deleted_at=NOON - timedelta(seconds=number % 4) if number % 10 == 9 else None,
    )


def _described(text: str | None) -> Description | None:
    return None if text is None else Description(text)


async def _walk(store: Store, owner: UserId, asked: Asked, limit: int) -> list[TaskId]:
    return [task_id async for task_id in _steps(store, owner, asked, limit)]


async def _steps(store: Store, owner: UserId, asked: Asked, limit: int) -> AsyncIterator[TaskId]:
    after: Position | None = None
    for _ in range(10 * COUNT):
        page = await store.tasks.page(owner, asked.query(limit, after))
        for task in page.tasks:
            yield task.id
        after = page.next
        if after is None:
            return
    pytest.fail("the list has no end")


def _ids(tasks: Sequence[Task]) -> list[TaskId]:
    return [task.id for task in tasks]


def _model(tasks: Sequence[Task], asked: Asked) -> list[Task]:
    listed = [task for task in tasks if _is_listed(task, asked)]
    valued = [task for task in listed if _value(task, asked.sort) is not None]
    rest = [task for task in listed if _value(task, asked.sort) is None]
    valued.sort(key=lambda task: (_value(task, asked.sort), task.id), reverse=asked.descending)
    rest.sort(key=lambda task: task.id, reverse=asked.descending)
    return valued + rest


def _is_listed(task: Task, asked: Asked) -> bool:
    text = _folded(f"{task.title}\n{task.description or ''}")
    tags = {tag.casefold() for tag in task.tags}
    return (
        task.deleted_at is None
        and ((task.completed_at is None and asked.open) or (task.completed_at is not None and asked.completed))
        and (not asked.priorities or task.priority in asked.priorities)
        and all(tag.casefold() in tags for tag in asked.tags)
        and all(word in text for word in _folded(asked.text).split())
        and (asked.after is None or (task.due is not None and _last(task.due, asked) >= _first(asked.after, asked)))
        and (asked.before is None or (task.due is not None and _first(task.due, asked) <= _last(asked.before, asked)))
        and (asked.overdue is None or asked.overdue == _is_overdue(task, asked))
    )


def _is_overdue(task: Task, asked: Asked) -> bool:
    return task.completed_at is None and task.due is not None and _last(task.due, asked) < _scale(NOON)


def _first(due: Due, asked: Asked) -> int:
    """The first microsecond of what is due, counted from far before the first day there is."""
    if isinstance(due, datetime):
        return _scale(due)
    return _midnight(due.toordinal(), asked.zone)


def _last(due: Due, asked: Asked) -> int:
    return _scale(due) if isinstance(due, datetime) else _midnight(due.toordinal() + 1, asked.zone) - 1


def _midnight(ordinal: int, zone: Any) -> int:
    """When a day begins. The first day of the calendar has no beginning, and the last has no end."""
    if ordinal <= date.min.toordinal():
        return _scale(datetime.min.replace(tzinfo=UTC))
    if ordinal > date.max.toordinal():
        return _scale(datetime.max.replace(tzinfo=UTC)) + 1
    return _scale(datetime.combine(date.fromordinal(ordinal), time.min, zone).astimezone(UTC))


def _scale(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _folded(text: str) -> str:
    marked = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in marked if not unicodedata.combining(letter)).casefold()


def _value(task: Task, sort: Sort) -> SortKey:
    match sort:
        case Sort.CREATED_AT:
            return task.created_at
        case Sort.UPDATED_AT:
            return task.updated_at
        case Sort.DUE:
            if task.due is None or isinstance(task.due, datetime):
                return task.due
            return datetime.combine(task.due, time.min, UTC)
        case Sort.PRIORITY:
            return {Priority.LOW: 1, Priority.MEDIUM: 2, Priority.HIGH: 3, Priority.URGENT: 4}.get(task.priority)
        case _:
            return _folded(task.title)


def _counted(tasks: Sequence[Task], moment: Moment) -> Stats:
    listed = [task for task in tasks if not task.deleted_at]
    asked = Asked(zone=moment.zone)
    here = NOON.astimezone(moment.zone).date()
    today = [
        task
        for task in listed
        if task.completed_at is None
        and task.due is not None
        and _first(task.due, asked) <= _last(here, asked)
        and _last(task.due, asked) >= _first(here, asked)
    ]
    spellings = Counter(tag.casefold() for task in listed for tag in task.tags)
    shown = {key: min(tag for task in listed for tag in task.tags if tag.casefold() == key) for key in spellings}
    return Stats(
        total=len(listed),
        open=sum(task.completed_at is None for task in listed),
        completed=sum(task.completed_at is not None for task in listed),
        overdue=sum(_is_overdue(task, asked) for task in listed),
        due_today=len(today),
        by_priority={priority: sum(task.priority is priority for task in listed) for priority in Priority},
        by_tag={shown[key]: count for key, count in spellings.items()},
    )
