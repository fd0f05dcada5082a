"""What lies in the database before a load, and the names of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from todo.adapters.clock import SystemClock
from todo.adapters.jose.own import OwnTokenIssuer
from todo.domain.values import SessionId, UserId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.cluster import Cluster

HERE = Path(__file__).parent
TASKS_EACH = 500
HEAVY_USER = 999_999
"""Somebody with very many tasks."""
HEAVY_TASKS = 50_000
SECRET = "eW8m2Zt0qLxJ5yBvR7uHc1NfGd4KpSaE9oTi6XwQ"
"""Signs the tokens of all stacks; worth nothing outside of a benchmark."""

_BEGIN = 1_704_067_200_000
_OPEN = {u % 10: [k for k in range(TASKS_EACH) if (u + k * 7) % 10 >= 6] for u in range(10)}
_DONE = {u % 10: [k for k in range(TASKS_EACH) if (u + k * 7) % 10 < 6] for u in range(10)}


@dataclass(frozen=True, slots=True)
class Seed:
    """A database of users with 500 tasks each."""

    database: str
    users: int


def user_id(user: int) -> str:
    """The id of a seeded user, by number."""
    return f"00000000-0000-4000-8000-{user:012x}"


def task_id(user: int, task: int) -> str:
    """The id of a seeded task, by the numbers of its owner and its own."""
    step = 1_260_000 if user == HEAVY_USER else 126_000_000
    made = _BEGIN + task * step + user % 10_000 * 6_000
    return f"{made >> 16:08x}-{made & 0xFFFF:04x}-7000-8000-{user:06x}{task:06x}"


def open_tasks(user: int) -> Sequence[int]:
    """The numbers of the user's tasks that are open before a load."""
    return _OPEN[user % 10]


def completed_tasks(user: int) -> Sequence[int]:
    """The numbers of the user's tasks that are done before a load."""
    return _DONE[user % 10]


def tokens(users: Sequence[int]) -> list[str]:
    """An access token for each of the users, as a log-in would give it: it lasts 15 minutes."""
    issuer = OwnTokenIssuer(SECRET, SystemClock())
    session = SessionId(UUID(int=4))
    return [issuer.issue(UserId(user_id(user)), session).text for user in users]


def keep_tokens(path: Path, users: int) -> bool:
    """Have tokens of so many users in this file, and ten minutes of use in them; True if they are new.

    A stack that remembers tokens should meet the same ones again, as it does from people.
    """
    if not path.exists() or time.time() - path.stat().st_mtime > 300 or len(json.loads(path.read_text())) < users:
        path.write_text(json.dumps(tokens(range(users))))
        return True
    return False


def read_tokens(path: Path, users: Sequence[int]) -> list[str]:
    """The tokens of these users."""
    kept = json.loads(path.read_text())
    return [kept[user] for user in users]


def seed(cluster: Cluster, name: str, users: int, *, heavy: bool = False) -> Seed:
    """The database with so many users, seeded unless it is there from an earlier run."""
    if not cluster.seeded(name):
        fill(cluster, name, 0, users)
        if heavy:
            fill(cluster, name, HEAVY_USER, HEAVY_USER + 1, HEAVY_TASKS)
        cluster.mark_seeded(name)
    repair(cluster, name)  # a run that was interrupted leaves its writes behind
    check(cluster, name)
    cluster.warm(name)
    return Seed(name, users)


def fill(cluster: Cluster, name: str, first: int, end: int, tasks: int = TASKS_EACH) -> None:
    """Add the users with these numbers, and their tasks."""
    if (end - first) * tasks <= 20_000:
        cluster.run(name, seed_script(first, end, tasks))
    else:  # indexes of many rows are made faster than they are kept
        cluster.run(name, _WITHOUT_INDEXES)
        middle = (first + end + 1) // 2
        halves = [seed_script(*half, tasks) for half in ((first, middle), (middle, end)) if half[0] < half[1]]
        cluster.run(name, *halves)
        cluster.run(name, _WITH_INDEXES)
    repair(cluster, name)


def seed_script(first: int, end: int, tasks: int = TASKS_EACH) -> str:
    """What adds the users with these numbers, and their tasks."""
    script = (HERE / "seed.sql").read_text()
    for place, number in ((":first", first), (":last", end - 1), (":tasks", tasks)):
        script = script.replace(place, str(number))
    return script


_WITHOUT_INDEXES = """
CREATE TABLE bench_put_back (priority int, command text);
INSERT INTO bench_put_back SELECT 1, indexdef FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename = 'tasks' AND indexname <> 'tasks_pkey';
INSERT INTO bench_put_back
    SELECT 2, format('ALTER TABLE tasks ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = 'tasks'::regclass AND contype IN ('f', 'p');
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = 'tasks'::regclass AND contype IN ('f', 'p') LOOP
        EXECUTE format('ALTER TABLE tasks DROP CONSTRAINT %I', name);
    END LOOP;
    FOR name IN SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'tasks' LOOP
        EXECUTE format('DROP INDEX %I', name);
    END LOOP;
END $$;
"""
_WITH_INDEXES = """
DO $$ DECLARE put_back text; BEGIN
    FOR put_back IN SELECT command FROM bench_put_back ORDER BY priority LOOP
        EXECUTE put_back;
    END LOOP;
END $$;
DROP TABLE bench_put_back;
"""


def repair(cluster: Cluster, name: str) -> None:
    """Undo what a load did, and leave the tables as a vacuum does."""
    cluster.run(name, (HERE / "repair.sql").read_text())
    for command in ("VACUUM (ANALYZE) tasks", "VACUUM (ANALYZE) users", "CHECKPOINT"):
        cluster.run(name, command)


def check(cluster: Cluster, name: str) -> None:
    """`SystemExit` unless the accounts say of their tasks what is true."""
    wrong: Any = cluster.value(
        name,
        "SELECT count(*) FROM users JOIN (SELECT owner_id, max(revision) AS revision,"
        " count(*) FILTER (WHERE completed_at IS NULL) AS opened, count(completed_at) AS done"
        " FROM tasks WHERE deleted_at IS NULL GROUP BY owner_id) AS counted ON counted.owner_id = users.id"
        " WHERE users.revision < counted.revision OR (open_tasks, completed_tasks) IS DISTINCT FROM (opened, done)",
    )
    named = cluster.value(name, "SELECT bench_task(7, 499)::text || bench_user(7)")
    if wrong or named != task_id(7, 499) + user_id(7):
        raise SystemExit(f"The database {name} is not what the benchmark needs: {wrong} accounts miscount their tasks.")
