"""Two people, the HTTP API and the model, side by side: after each step the service must show what the model has."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.builders import NOON, a_task_id
from tests.generated.model import Answer, Model, Request, Task, Wanted, change, shown, stats
from tests.http.service import PASSWORD

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable

    import httpx

    from tests.builders import StoppedClock
    from tests.http.service import Person, Service
    from todo.entrypoints.container import Container

Which: TypeAlias = tuple[str, int]
"""One of the tasks that somebody has, had, or never had."""

PATHS = {
    "create": ("POST", "tasks"),
    "patch": ("PATCH", "tasks/{id}"),
    "put": ("PUT", "tasks/{id}"),
    "mark": ("PATCH", "tasks/{id}/complete"),
    "complete": ("POST", "tasks/{id}/complete"),
    "reopen": ("POST", "tasks/{id}/reopen"),
    "delete": ("DELETE", "tasks/{id}"),
    "restore": ("POST", "trash/{id}/restore"),
    "purge": ("DELETE", "trash/{id}"),
    "empty": ("DELETE", "trash"),
    "batch": ("POST", "tasks/batch"),
}
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Pacific/Apia")]

# the clock stands at noon of the 21st of November 2026, UTC
DAYS = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-12-24", "0001-01-02", "9999-12-30"]
INSTANTS = ["2026-11-21T12:00:00Z", "2026-11-21T11:59:59Z", "2026-11-22T00:30:00+01:00", "2026-11-20T23:59:59-11:00"]

MAY_HAVE_A_KEY = {"create", "complete", "reopen", "restore", "batch"}

people = st.sampled_from(["ada", "bob"])
doors = st.booleans()
past = st.integers(0, 9)
nth = st.integers(0, 3)
which = st.tuples(st.sampled_from(["there"] * 12 + ["in the trash", "gone", "of the other", "never made"]), nth)
which_in_trash = st.tuples(st.sampled_from(["in the trash"] * 8 + ["there", "gone", "of the other", "never made"]), nth)
titles = st.sampled_from(
    [
        "Buy milk",
        "buy MILK",
        " Äpfel ",
        "A\u0308pfel",
        "Straße",
        "STRASSE",
        "ﬁsh",
        "Zebra",
        "1",
        "😀",
        "\u01c5",
        "x" * 500,
    ]
)
words = st.sampled_from(["milk", "MILK buy", "apfel", "strasse", "fish", "%", "_", "", "oat"])
tag_names = st.sampled_from(["home", "HOME", "garden", "Straße", "strasse", "e\u0301"])
priorities = st.sampled_from(["none", "low", "medium", "high", "urgent"])
dues = st.sampled_from([*DAYS, *INSTANTS])
keys = st.sampled_from([None, None, None, "a", "b"])
changes = st.fixed_dictionaries(
    {},
    optional={
        "title": titles,
        "description": st.none() | st.sampled_from(["", "oat\r\nmilk", "Ä"]),
        "completed": st.booleans(),
        "priority": st.none() | priorities,
        "tags": st.none() | st.lists(tag_names, max_size=4),
        "due": st.none() | dues,
        # what clients send back, and nobody may set
        "revision": st.just(999),
        "user_id": st.just("somebody else"),
        "created_at": st.just("1970-01-01T00:00:00Z"),
    },
)
new_tasks = st.builds(lambda title, more: {**more, "title": title}, titles, changes)
conditions = st.sampled_from(
    [None] * 8
    + ["*", '"{current}"', '"{current}"', '"{stale}", "{current}"', '"{stale}"', 'W/"{current}"', '"x"', "{current}"]
)
wanted_lists = st.builds(
    Wanted,
    status=st.sampled_from([None, None, "all", "open", "completed", "pending"]),
    completed=st.sampled_from([None, None, None, True, False]),
    priorities=st.lists(priorities, max_size=2).map(tuple),
    tags=st.lists(tag_names, max_size=1).map(tuple),
    q=st.none() | words,
    due_after=st.none() | st.none() | dues,
    due_before=st.none() | st.none() | dues,
    overdue=st.sampled_from([None, None, None, True, False]),
    zone=st.none() | st.sampled_from(ZONES),
    sort=st.sampled_from([None, "created_at", "updated_at", "title", "priority", "due"]),
    order=st.sampled_from([None, "asc", "desc"]),
)


class Replica:
    """A client that keeps a copy of somebody's tasks by following the feed."""

    def __init__(self) -> None:
        self.start_over()

    def start_over(self) -> None:
        self.cursor: str | None = None
        self.tasks: dict[str, Task] = {}
        self.is_behind = True

    def take(self, part: dict[str, Any]) -> None:
        for one in part["changes"]:
            if one.get("deleted"):
                self.tasks.pop(one["id"], None)
            else:
                self.tasks[one["id"]] = one
        self.cursor, self.is_behind = part["cursor"], part["has_more"]


class Machine(RuleBasedStateMachine):
    """What people do, in any order. A subclass brings the service, on one store or the other."""

    service: ClassVar[Service]
    container: ClassVar[Container]
    clock: ClassVar[StoppedClock]
    loop: ClassVar[asyncio.AbstractEventLoop]
    answers: ClassVar[Counter[str]]
    """How often what was answered, in all runs."""

    # What there is to begin with

    @initialize()
    def sign_up(self) -> None:
        self.clock.go_on(seconds=(NOON - self.clock.now()).total_seconds())
        self.people: dict[str, Person] = {who: self.run(self.service.sign_up(name=who)) for who in ("ada", "bob")}
        self.models = {who: Model(person.id) for who, person in self.people.items()}
        self.attentive = {who: Replica() for who in self.people}
        self.slow = {who: Replica() for who in self.people}
        self.ids: dict[str, list[str]] = {who: [] for who in self.people}
        self.looks: dict[tuple[str, str], tuple[str, int]] = {}
        self.done: list[Request] = []
        for who in self.people:
            for title in ("first", "second", "third", "fourth"):
                self.perform(Request(who=who, kind="create", body={"title": title, "tags": ["home"], "due": DAYS[1]}))
            self.follow(who, self.slow[who], 1000)
            for place in range(2):
                self.to(who, False, "delete", ("there", place), None)

    # Writing

    @rule(who=people, second=doors, body=new_tasks, key=keys)
    def create(self, who: str, second: bool, body: Task, key: str | None) -> None:
        self.perform(Request(who=who, kind="create", second_door=second, body=body, key=key))

    @rule(who=people, second=doors, body=new_tasks, which=which, key=keys)
    def create_under_an_id(self, who: str, second: bool, body: Task, which: Which, key: str | None) -> None:
        body = {**body, "id": self.id(who, which)}
        self.perform(Request(who=who, kind="create", second_door=second, body=body, key=key))

    @rule(
        who=people,
        second=doors,
        kind=st.sampled_from(["patch", "patch", "put"]),
        which=which,
        body=changes,
        condition=conditions,
    )
    def change(self, who: str, second: bool, kind: str, which: Which, body: Task, condition: str | None) -> None:
        self.to(who, second, kind, which, condition, body=body)

    @rule(
        who=people,
        second=doors,
        which=which,
        body=st.sampled_from([None, {}, {"completed": True}, {"completed": False}]),
        condition=conditions,
    )
    def mark(self, who: str, second: bool, which: Which, body: Task | None, condition: str | None) -> None:
        self.to(who, second, "mark", which, condition, body=body)

    @rule(
        who=people,
        second=doors,
        kind=st.sampled_from(["complete", "reopen"]),
        which=which,
        condition=conditions,
        key=keys,
    )
    def complete(self, who: str, second: bool, kind: str, which: Which, condition: str | None, key: str | None) -> None:
        self.to(who, second, kind, which, condition, key=key)

    @rule(who=people, second=doors, which=which, condition=conditions)
    def delete(self, who: str, second: bool, which: Which, condition: str | None) -> None:
        self.to(who, second, "delete", which, condition)

    @rule(who=people, second=doors, which=which_in_trash, condition=conditions, key=keys)
    def restore(self, who: str, second: bool, which: Which, condition: str | None, key: str | None) -> None:
        self.to(who, second, "restore", which, condition, key=key)

    @rule(who=people, second=doors, which=which_in_trash | st.none(), condition=conditions)
    def purge(self, who: str, second: bool, which: Which | None, condition: str | None) -> None:
        if which:
            self.to(who, second, "purge", which, condition)
        else:
            self.perform(Request(who=who, kind="empty", second_door=second))

    @rule(
        who=people,
        second=doors,
        steps=st.lists(
            st.tuples(
                st.sampled_from(["create", "create", "update", "update", "complete", "reopen", "delete"]),
                which,
                new_tasks,
                st.sampled_from([None] * 6 + ["current", "current", "stale"]),
                st.booleans(),
            ),
            min_size=1,
            max_size=4,
        ),
        key=keys,
    )
    def batch(self, who: str, second: bool, steps: list[Any], key: str | None) -> None:
        body = {"operations": [self.operation(who, *step) for step in steps]}
        self.perform(Request(who=who, kind="batch", second_door=second, body=body, key=key))

    @precondition(lambda self: self.done)
    @rule(first=past, second=past)
    def at_once(self, first: int, second: int) -> None:
        """Two requests in the same moment, one of each person: they do not know of each other."""
        pair = [replace(self.past(first), who="ada", key=None), replace(self.past(second), who="bob", key=None)]

        async def both() -> list[httpx.Response]:
            return await asyncio.gather(*(self.sent(one) for one in pair))

        for request, answer in zip(pair, self.run(both()), strict=True):
            self.check(request, answer)

    @precondition(lambda self: self.done)
    @rule(nth=past, other=past | st.none())
    def repeat(self, nth: int, other: int | None) -> None:
        """The same once more, as a client does that got no answer; or something else under its key."""
        request = self.past(nth)
        if other is None:
            self.perform(request)
        elif self.past(other).kind in MAY_HAVE_A_KEY:
            self.perform(replace(self.past(other), who=request.who, key=request.key))

    # Reading

    @rule(who=people, second=doors, wanted=wanted_lists, limit=st.sampled_from([1, 2, 3, 1000]))
    def read_a_list(self, who: str, second: bool, wanted: Wanted, limit: int) -> None:
        expected = [shown(task) for task in wanted.of(self.models[who].live(), self.clock.now())]
        listed: list[Task] = []
        parameters = [*wanted.parameters(), ("limit", str(limit))]
        path: str | None = f"{self.home(who, second)}/tasks?{urlencode(parameters)}"
        while path:
            answer = self.run(self.people[who].get(path))
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert (page["total"], page["limit"]) == (len(expected), limit)
            listed += page["tasks"]
            if tag := answer.headers.get("ETag"):
                self.looks[who, path] = tag, self.models[who].revision
            path = answer.links.get("next", {}).get("url")
        assert listed == expected

    @rule(who=people, second=doors, which=which, limit=st.sampled_from([1, 2, 5]))
    def look(self, who: str, second: bool, which: Which, limit: int) -> None:
        """The slow replica takes a part; one task is read; and what was not written since is not sent again."""
        self.follow(who, self.slow[who], limit)
        self.get(who, second, self.id(who, which))
        revision = self.models[who].revision
        for (whose, path), (tag, then) in self.looks.items():
            if whose == who:
                answer = self.run(self.people[who].get(path, headers={"If-None-Match": tag}))
                assert answer.status_code == (304 if then == revision else 200)

    # Time

    @rule(seconds=st.sampled_from([1, 60, 6 * 3600, 24 * 3600, None]))
    def wait(self, seconds: int | None) -> None:
        """A while; or a month, after which the service does its round and empties old trash."""
        self.clock.go_on(seconds=seconds or (29 * 24 + 23) * 3600)
        if seconds is None:
            self.run(self.container.trash_purge().do_round())
            for model in self.models.values():
                model.purge_old(self.clock.now())
        # access tokens last fifteen minutes
        for person in self.people.values():
            body = {"email": person.email, "password": PASSWORD}
            person.token = self.run(self.service.post("/api/auth/login", body=body)).json()["access_token"]

    # What holds after each step

    @invariant()
    def all_agree(self) -> None:
        for who, model in getattr(self, "models", {}).items():
            now, zone = self.clock.now(), ZONES[model.revision % len(ZONES)]
            live = {task["id"]: shown(task) for task in model.live()}
            for path, expected in (("tasks", live), ("trash", {task["id"]: task for task in model.trash()})):
                page = self.read(who, f"/api/{path}").body
                assert page["total"] == len(expected)
                assert {task["id"]: task for task in page["tasks"]} == expected
            self.follow(who, self.attentive[who], 1000)
            assert self.attentive[who].tasks == live
            if not self.slow[who].is_behind and self.slow[who].cursor == str(model.revision):
                assert self.slow[who].tasks == live
            counted = self.read(who, f"/api/tasks/stats?tz={zone}").body
            expected_stats = stats(model.live(), now, zone)
            assert counted == expected_stats
            assert [*counted["by_tag"]] == [*expected_stats["by_tag"]]

    def teardown(self) -> None:
        for who, model in getattr(self, "models", {}).items():
            exported = self.read(who, "/api/auth/export").body["tasks"]
            assert {task["id"]: task for task in exported} == model.tasks
            while self.slow[who].is_behind or self.slow[who].cursor != str(model.revision):
                self.follow(who, self.slow[who], 2)
            assert self.slow[who].tasks == {task["id"]: shown(task) for task in model.live()}

    # How

    def get(self, who: str, second: bool, task_id: str) -> None:
        path = f"{self.home(who, second)}/tasks/{task_id}"
        task = self.models[who].tasks.get(task_id)
        answer = self.run(self.people[who].get(path))
        if task is None or task["deleted_at"] is not None:
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            return
        assert (answer.status_code, answer.json()) == (200, shown(task))
        tag = answer.headers["ETag"]
        assert tag == f'"{task["revision"]}"'
        for known, status in ((tag, 304), (f"W/{tag}", 304), ("*", 304), ('"0"', 200)):
            again = self.run(self.people[who].get(path, headers={"If-None-Match": known}))
            assert again.status_code == status

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Rules are no coroutines: what they await is done here."""

        async def awaited() -> Any:
            return await awaitable

        return self.loop.run_until_complete(awaited())

    def home(self, who: str, second: bool) -> str:
        return f"/api/{self.people[who].id}" if second else "/api"

    def id(self, who: str, which: Which) -> str:
        """The id of such a task, or else of one that was never made."""
        kind, place = which
        model = self.models[who]
        match kind:
            case "there":
                ids = [task["id"] for task in model.live()]
            case "in the trash":
                ids = [task["id"] for task in model.trash()]
            case "gone":
                ids = [one for one in self.ids[who] if one not in model.tasks]
            case "of the other":
                ids = self.ids["bob" if who == "ada" else "ada"]
            case _:
                ids = []
        return ids[-1 - place % len(ids)] if ids else str(a_task_id())

    def to(
        self, who: str, second: bool, kind: str, which: Which, condition: str | None, body: Any = None, key: Any = None
    ) -> None:
        """Do something to a task."""
        task_id = self.id(who, which)
        revision = self.models[who].tasks.get(task_id, {}).get("revision", 1)
        if_match = condition and condition.format(current=revision, stale=revision - 1)
        request = Request(who=who, kind=kind, second_door=second, id=task_id, body=body, if_match=if_match, key=key)
        self.perform(request)

    def operation(self, who: str, op: str, which: Which, task: Task, seen: str | None, is_named: bool) -> Task:
        task_id = self.id(who, which)
        if op == "create":
            return {"op": op, "task": task, **({"id": task_id} if is_named else {})}
        revision = self.models[who].tasks.get(task_id, {}).get("revision", 1)
        condition = {"if_revision": revision - (seen == "stale")} if seen else {}
        return {"op": op, "id": task_id, **condition, **({"task": task} if op == "update" else {})}

    async def sent(self, request: Request) -> httpx.Response:
        method, path = PATHS[request.kind]
        headers = {"If-Match": request.if_match, "Idempotency-Key": request.key}
        return await self.people[request.who].request(
            method,
            f"{self.home(request.who, request.second_door)}/{path.format(id=request.id)}",
            headers={name: value for name, value in headers.items() if value is not None},
            **({} if request.body is None else {"body": request.body}),
        )

    def past(self, nth: int) -> Request:
        """One of the last requests."""
        return self.done[-1 - nth % len(self.done)]

    def perform(self, request: Request) -> Answer:
        self.done.append(request)
        return self.check(request, self.run(self.sent(request)))

    def check(self, request: Request, response: httpx.Response) -> Answer:
        """Hold the answer against the model's, which does the same."""
        body: Any = response.json() if response.content else None
        made = [body["id"]] if request.kind == "create" and "id" in body else []
        if request.kind == "batch":
            made = [one["id"] for one in body.get("results", ())]
        self.ids[request.who] += [one for one in made if one not in self.ids[request.who]]
        if response.status_code >= 400:
            body = {name: body[name] for name in ("code", "current", "index") if name in body}
        is_replayed = response.headers.get("Idempotency-Replayed") == "true"
        answer = Answer(response.status_code, body, response.headers.get("ETag"), is_replayed)
        assert answer == self.models[request.who].do(request, self.clock.now(), made)
        code = (answer.body or {}).get("code", "replayed" if is_replayed else "")
        self.answers[f"{request.kind} {answer.status} {code}".strip()] += 1
        if request.kind == "create" and response.status_code == 201:
            home = self.home(request.who, request.second_door)
            assert response.headers["Location"] == f"{home}/tasks/{answer.body['id']}"
        return answer

    def follow(self, who: str, replica: Replica, limit: int) -> None:
        model = self.models[who]
        since = "" if replica.cursor is None else f"&since={replica.cursor}"
        answer = self.read(who, f"/api/tasks/changes?limit={limit}{since}")
        self.answers[f"feed {answer.status}"] += 1
        if answer.status == 410:
            assert replica.cursor is not None
            assert place_of(replica.cursor)[0] < model.purged, "nothing that it has not seen was removed"
            replica.start_over()
            return
        assert answer.status == 200
        part = answer.body
        at, horizon = (-1, 0) if replica.cursor is None else place_of(replica.cursor)
        assert at < 0 or max(at, horizon) >= model.purged, "it may still show what was removed for good"
        behind = sorted(
            (task for task in model.tasks.values() if task["revision"] > at), key=lambda one: one["revision"]
        )
        assert part["changes"] == [change(task) for task in behind[:limit]]
        assert part["has_more"] == (len(behind) > limit)
        replica.take(part)

    def read(self, who: str, path: str) -> Answer:
        """What is there, without the client library in between: most of the run is spent here."""
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"authorization", f"Bearer {self.people[who].token}".encode())],
        }
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.get_running_loop().create_future()  # nobody hangs up, and there is no body

        async def send(message: Any) -> None:
            sent.append(message)

        self.run(self.service.app(scope, receive, send))
        return Answer(sent[0]["status"], json.loads(b"".join(part["body"] for part in sent[1:])))


def place_of(cursor: str) -> tuple[int, int]:
    """How far a replica has come, and up to where removals are none of its concern."""
    at, _, horizon = cursor.partition("-")
    return int(at), int(horizon or 0)
