"""What the service promises about one person's tasks, said in plain Python: no SQL, no HTTP, and nothing of `todo`."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from zoneinfo import ZoneInfo

RECEIPTS_KEPT = timedelta(hours=24)
TRASH_KEPT = timedelta(days=30)
PRIORITIES = {"none": None, "low": 1, "medium": 2, "high": 3, "urgent": 4}

Task: TypeAlias = dict[str, Any]
"""As the service shows it, and `deleted_at`."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A write of somebody's, through one of the two doors."""

    who: str
    kind: str
    second_door: bool = False
    id: str = ""
    body: Any = None
    if_match: str | None = None
    key: str | None = None


class Answer(NamedTuple):
    """What a write is answered."""

    status: int
    body: Any = None
    tag: str | None = None
    is_replayed: bool = False


class RefusedError(Exception):
    def __init__(self, status: int, code: str, current: Task | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.current = current
        self.index: int | None = None

    def answer(self) -> Answer:
        body: dict[str, Any] = {"code": self.code}
        if self.current is not None:
            body["current"] = self.current if self.current["deleted_at"] else shown(self.current)
        if self.index is not None:
            body["index"] = self.index
        return Answer(self.status, body, None if self.current is None else f'"{self.current["revision"]}"')


def shown(task: Task) -> Task:
    return {name: value for name, value in task.items() if name != "deleted_at"}


def change(task: Task) -> Task:
    """What the feed and a batch say of a task."""
    if task["deleted_at"] is None:
        return shown(task)
    return {"id": task["id"], "revision": task["revision"], "deleted": True}


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Model:
    """The tasks of one person."""

    owner: str
    revision: int = 0
    purged: int = 0
    tasks: dict[str, Task] = field(default_factory=dict)
    receipts: dict[str, tuple[tuple[str, bool, str, str], Answer, datetime]] = field(default_factory=dict)

    def do(self, request: Request, now: datetime, made: Iterable[str]) -> Answer:
        """What the request is answered; `made` are the ids that the service gave."""
        what = (request.kind, request.second_door, request.id, json.dumps(request.body))
        if (receipt := self.receipts.get(request.key or "")) and now - receipt[2] < RECEIPTS_KEPT:
            known, first, _ = receipt
            if known == what:
                return first._replace(is_replayed=True)
            return Answer(422, {"code": "idempotency_mismatch"})
        try:
            answer = self._do(request, now, iter(made))
        except RefusedError as error:
            return error.answer()
        if request.key is not None:
            self.receipts[request.key] = (what, answer, now)
        return answer

    def _do(self, request: Request, now: datetime, made: Iterator[str]) -> Answer:
        seen = seen_by(request.if_match)
        match request.kind:
            case "create":
                task, is_new = self._create(request.body, now, request.body.get("id") or next(made, "?"))
                return _answer(task, 201 if is_new else 200)
            case "patch" | "put":
                return _answer(self._change(request.id, request.body, now, seen))
            case "complete" | "reopen" | "mark":
                return _answer(self._mark(request, now, seen))
            case "delete":
                self._delete(request.id, now, seen)
            case "restore":
                task = self._found(request.id, seen, in_trash=True)
                return _answer(self._store({**task, "deleted_at": None, "updated_at": stamp(now)}))
            case "purge":
                self._purge(self._found(request.id, seen, in_trash=True))
            case "empty":
                for task in self.trash():
                    self._purge(task)
            case _:
                return Answer(200, {"results": self._batch(request.body["operations"], now, made)})
        return Answer(204)

    def purge_old(self, now: datetime) -> None:
        """What lies in the trash for too long goes."""
        for task in self.trash():
            if task["deleted_at"] < stamp(now - TRASH_KEPT):
                self._purge(task)

    def live(self) -> list[Task]:
        return [task for task in self.tasks.values() if task["deleted_at"] is None]

    def trash(self) -> list[Task]:
        return [task for task in self.tasks.values() if task["deleted_at"] is not None]

    def _there(self, task_id: str) -> Task:
        return self._found(task_id, None, in_trash=False)

    def _found(self, task_id: str, seen: set[int] | None, *, in_trash: bool) -> Task:
        task = self.tasks.get(task_id)
        if task is None or (task["deleted_at"] is not None) != in_trash:
            raise RefusedError(404, "not_found")
        if seen is not None and task["revision"] not in seen:
            raise RefusedError(412, "stale", task)
        return task

    def _create(self, body: Task, now: datetime, task_id: str) -> tuple[Task, bool]:
        if there := self.tasks.get(task_id):
            if there["deleted_at"] is not None:
                raise RefusedError(409, "in_trash")
            return there, False
        empty: Task = {
            "id": task_id,
            "user_id": self.owner,
            "title": "",
            "description": None,
            "completed": False,
            "completed_at": None,
            "priority": "none",
            "tags": [],
            "due": None,
            "created_at": stamp(now),
            "updated_at": stamp(now),
            "deleted_at": None,
        }
        return self._store({**empty, **settable(body, empty, now)}), True

    def _change(self, task_id: str, body: Task, now: datetime, seen: set[int] | None) -> Task:
        task = self._found(task_id, seen, in_trash=False)
        changed = {**task, **settable(body, task, now)}
        return task if changed == task else self._store({**changed, "updated_at": stamp(now)})

    def _mark(self, request: Request, now: datetime, seen: set[int] | None) -> Task:
        """Done or not, as the request says; if it does not say, the other of what it is."""
        wanted = request.body or {"completed": request.kind == "complete"}
        if request.kind == "mark" and not request.body:
            wanted = {"completed": not self._there(request.id)["completed"]}
        return self._change(request.id, wanted, now, seen)

    def _delete(self, task_id: str, now: datetime, seen: set[int] | None) -> Task:
        task = self._found(task_id, seen, in_trash=False)
        return self._store({**task, "deleted_at": stamp(now), "updated_at": stamp(now)})

    def _purge(self, task: Task) -> None:
        del self.tasks[task["id"]]
        self.purged = max(self.purged, task["revision"])

    def _store(self, task: Task) -> Task:
        self.revision += 1
        self.tasks[task["id"]] = {**task, "revision": self.revision}
        return self.tasks[task["id"]]

    def _batch(self, operations: list[Any], now: datetime, made: Iterator[str]) -> list[Task]:
        before = deepcopy((self.revision, self.tasks))
        results = []
        for index, operation in enumerate(operations):
            known = next(made, f"?{index}")
            try:
                results.append(change(self._operate(operation, now, known)))
            except RefusedError as error:
                self.revision, self.tasks = before
                refusal = self._undone(error) if error.current else error
                refusal.index = index
                raise refusal from error
        return results

    def _undone(self, error: RefusedError) -> RefusedError:
        """A state that a batch made itself, and that is undone with it, is shown to nobody."""
        there = self.tasks.get((error.current or {})["id"])
        is_live = there is not None and there["deleted_at"] is None
        return RefusedError(412, "stale", there) if is_live else RefusedError(404, "not_found")

    def _operate(self, operation: Task, now: datetime, made: str) -> Task:
        task_id, revision = operation.get("id"), operation.get("if_revision")
        seen = None if revision is None else {revision}
        match operation["op"]:
            case "create":
                return self._create(operation["task"], now, task_id or made)[0]
            case "update":
                return self._change(operation["id"], operation["task"], now, seen)
            case "delete":
                return self._delete(operation["id"], now, seen)
            case mark:
                return self._change(operation["id"], {"completed": mark == "complete"}, now, seen)


def _answer(task: Task, status: int = 200) -> Answer:
    return Answer(status, shown(task), f'"{task["revision"]}"')


def seen_by(if_match: str | None) -> set[int] | None:
    """The revisions that a condition allows; None for any."""
    if if_match is None or if_match == "*":
        return None
    tags = [tag.strip() for tag in if_match.split(",")]
    return {int(tag[1:-1]) for tag in tags if tag[0] == tag[-1] == '"' and tag[1:-1].isdecimal()}


def settable(body: Task, task: Task, now: datetime) -> Task:
    """The fields that a body sets, in the form in which they are shown."""
    fields: Task = {}
    for name, value in body.items():
        match name:
            case "title":
                fields[name] = nfc(value).strip()
            case "description":
                fields[name] = None if value is None else nfc(value.replace("\r\n", "\n")).strip()
            case "priority":
                fields[name] = value or "none"
            case "tags":
                tags: dict[str, str] = {}
                for tag in value or []:
                    tags.setdefault(tag_key(nfc(tag).strip()), nfc(tag).strip())
                fields[name] = list(tags.values())
            case "due":
                is_instant = value is not None and "T" in value
                fields[name] = stamp(datetime.fromisoformat(value).astimezone(UTC)) if is_instant else value
            case "completed":
                fields[name] = value
                if value != task["completed"]:
                    fields["completed_at"] = stamp(now) if value else None
    return fields


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def tag_key(tag: str) -> str:
    return nfc(tag.casefold())


def fold(text: str) -> str:
    """Without case, accents and compatibility forms."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(character for character in text if not unicodedata.combining(character))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A list, as its parameters say it."""

    status: str | None = None
    completed: bool | None = None
    priorities: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    q: str | None = None
    due_after: str | None = None
    due_before: str | None = None
    overdue: bool | None = None
    zone: ZoneInfo | None = None
    sort: str | None = None
    order: str | None = None

    def parameters(self) -> list[tuple[str, str]]:
        single = {
            "status": self.status,
            "completed": self.completed,
            "q": self.q,
            "due_after": self.due_after,
            "due_before": self.due_before,
            "overdue": self.overdue,
            "tz": self.zone,
            "sort": self.sort,
            "order": self.order,
        }
        pairs = [
            (name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in single.items()
        ]
        pairs = [pair for pair in pairs if single[pair[0]] is not None]
        return pairs + [("priority", one) for one in self.priorities] + [("tag", one) for one in self.tags]

    def of(self, tasks: Iterable[Task], now: datetime) -> list[Task]:
        """Those that it lists, in its order."""
        listed = [task for task in tasks if self._has(task, now)]
        sort = self.sort or "created_at"
        is_reversed = self.order == "desc" if self.order else sort not in {"due", "title"}
        key = SORT_KEYS[sort]
        with_key = sorted((one for one in listed if key(one) is not None), key=lambda one: (key(one), one["id"]))
        without = sorted((one for one in listed if key(one) is None), key=lambda one: one["id"])
        return with_key[::-1] + without[::-1] if is_reversed else with_key + without

    def _has(self, task: Task, now: datetime) -> bool:
        zone = self.zone or UTC
        text = f"{fold(task['title'])}\n{fold(task['description'] or '')}"
        keys = {tag_key(tag) for tag in task["tags"]}
        return (
            (self.status in {None, "all"} or task["completed"] == (self.status == "completed"))
            and self.completed in {None, task["completed"]}
            and (not self.priorities or task["priority"] in self.priorities)
            and all(tag_key(tag) in keys for tag in self.tags)
            and all(word in text for word in fold(self.q or "").split())
            and (self.overdue is None or is_overdue(task, now, zone) == self.overdue)
            and _is_due_between(task["due"], self.due_after, self.due_before, zone)
        )


def _is_due_between(due: str | None, after: str | None, before: str | None, zone: Any) -> bool:
    """Whether any part of a day, or an instant, lies between the beginning of one and the end of the other."""
    if after is None and before is None:
        return True
    if due is None:
        return False
    begins, ends = span(due, zone)
    first = span(after, zone)[0] if after else begins
    last_begins, last_ends = span(before, zone) if before else (begins, ends)
    is_late_enough = ends > first if begins < ends else begins >= first
    is_early_enough = begins < last_ends if last_begins < last_ends else begins <= last_ends
    return (after is None or is_late_enough) and (before is None or is_early_enough)


def span(due: str, zone: Any) -> tuple[datetime, datetime]:
    """From its beginning to its end: a day is as long as it is there, an instant has no length."""
    if "T" in due:
        instant = datetime.fromisoformat(due).astimezone(UTC)
        return instant, instant
    day = date.fromisoformat(due)
    midnights = [datetime(one.year, one.month, one.day, tzinfo=zone) for one in (day, day + timedelta(days=1))]
    return midnights[0].astimezone(UTC), midnights[1].astimezone(UTC)


def is_overdue(task: Task, now: datetime, zone: Any) -> bool:
    if task["completed"] or task["due"] is None:
        return False
    begins, ends = span(task["due"], zone)
    return ends <= now if begins < ends else begins < now


SORT_KEYS: dict[str, Callable[[Task], Any]] = {
    "created_at": lambda task: task["created_at"],
    "updated_at": lambda task: task["updated_at"],
    "title": lambda task: fold(task["title"]),
    "priority": lambda task: PRIORITIES[task["priority"]],
    "due": lambda task: None if task["due"] is None else span(task["due"], UTC)[0],
}


def stats(tasks: list[Task], now: datetime, zone: Any) -> dict[str, Any]:
    """How many there are of each kind."""
    today = f"{now.astimezone(zone):%Y-%m-%d}"
    undone = [task for task in tasks if not task["completed"]]
    priorities = Counter(task["priority"] for task in tasks)
    keys = Counter(tag_key(tag) for task in tasks for tag in task["tags"])
    spellings = {tag_key(tag): tag for tag in sorted((tag for task in tasks for tag in task["tags"]), reverse=True)}
    return {
        "total": len(tasks),
        "open": len(undone),
        "completed": len(tasks) - len(undone),
        "overdue": sum(is_overdue(task, now, zone) for task in undone),
        "due_today": sum(_is_due_between(task["due"], today, today, zone) for task in undone),
        "by_priority": {name: priorities[name] for name in PRIORITIES},
        "by_tag": {spellings[key]: count for key, count in sorted(keys.items(), key=lambda one: (-one[1], one[0]))},
    }
