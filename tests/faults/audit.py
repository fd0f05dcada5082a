"""The audit at the end of a fault: what clients were told, what the database holds and what the service shows agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.load import Outcome
from tests.faults.witness import hear

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import asyncpg
    from asyncpg import Record

    from tests.faults.load import Load, Person, Write
    from tests.faults.witness import Evidence


@dataclass(slots=True)
class Figures:
    """What an audit has looked at."""

    writes: int = 0
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    unknown_but_kept: int = 0
    repeated: int = 0
    lines: int = 0
    tasks: int = 0
    parts: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(self).items())


async def audit(load: Load, admin: asyncpg.Connection[Record]) -> Figures:
    """Stop the load, and fail if anything that was promised did not hold."""
    await load.stop()
    figures = Figures()
    flaws: list[str] = []
    for person, follower in zip(load.people, load.followers, strict=True):
        await follower.catch_up()
        told = await hear(admin, person.id)
        flaws += [*flaws_of_writes(person.writes, told), *flaws_of_state(told), *follower.flaws]
        flaws += [f"a read went back: {read}" for read in person.stale_reads]
        flaws += await _flaws_of_what_is_shown(load, person, told, follower.tasks)
        _count(figures, person.writes, told)
        figures.parts += follower.parts
    assert not flaws, "\n".join(flaws[:40])
    return figures


def flaws_of_writes(writes: Sequence[Write], told: Evidence) -> Iterator[str]:
    """Every acknowledged write is there exactly once, a refused one is not, an unknown one is at most once."""
    there = Counter(line.effect for line in told.lines)
    must = Counter(effect for write in writes if write.outcome is Outcome.KEPT for effect in write.effects)
    may = Counter(effect for write in writes if write.outcome is Outcome.UNKNOWN for effect in write.effects)
    for effect in there.keys() | must.keys():
        if not must[effect] <= there[effect] <= must[effect] + may[effect]:
            yield f"{effect}: {there[effect]} times, acknowledged {must[effect]}, unknown {may[effect]}"
    by_revision = {line.revision: line for line in told.lines}
    for write in writes:
        if write.outcome is Outcome.FAULT:
            yield f"{write.effects}: {write.told}"
        if len({bool(there[effect]) for effect in write.effects}) > 1:
            yield f"{write.effects}: in part"
        for effect, shown in zip(write.effects, write.shown, strict=False):
            line = by_revision.get(shown["revision"])
            if line is None or line.effect != effect or not _is_shown(line.after, shown):
                yield f"{effect}: answered as {shown}, but kept as {line}"


def flaws_of_state(told: Evidence) -> Iterator[str]:
    """Revisions run from 1 to the owner's without gap; the table and the counters are what the lines add up to."""
    revisions = [line.revision for line in told.lines if line.revision is not None]
    if revisions != list(range(1, told.account["revision"] + 1)):
        yield f"revisions {revisions}, and the owner's is {told.account['revision']}"
    left: dict[str, Any] = {}
    purged = 0
    for line in told.lines:
        if left.get(line.task) != line.before:
            yield f"{line.task}: {line.before} does not follow {left.get(line.task)}"
        left[line.task] = line.after
        if line.after is None and line.before:
            purged = max(purged, line.before["revision"])
    if {task: row for task, row in left.items() if row} != {row["id"]: row for row in told.tasks}:
        yield "the table is not what was written to it"
    if told.account["purged_revision"] != purged:
        yield f"the horizon is {told.account['purged_revision']}, and {purged} was purged"
    real = {
        "open_tasks": sum(not row["deleted_at"] and not row["completed_at"] for row in told.tasks),
        "completed_tasks": sum(bool(not row["deleted_at"] and row["completed_at"]) for row in told.tasks),
        "trashed_tasks": sum(bool(row["deleted_at"]) for row in told.tasks),
    }
    for name, value in told.account.items():
        if name.endswith("_tasks") and value != real[name]:
            yield f"{name} is {value}, and there are {real[name]}"


async def _flaws_of_what_is_shown(
    load: Load, person: Person, told: Evidence, replica: dict[str, dict[str, Any]]
) -> list[str]:
    """The list, the trash, the feed and the numbers are what the table holds."""
    listed = {task["id"]: task for task in await _all(load, person, "/api/tasks")}
    trash = {task["id"] for task in await _all(load, person, "/api/trash")}
    answer = await load.http.get("/api/tasks/stats", headers=person.headers)
    stats = answer.raise_for_status().json()
    rows = {row["id"]: row for row in told.tasks if not row["deleted_at"]}
    flaws = []
    if listed.keys() != rows.keys() or not all(_is_shown(rows[task], shown) for task, shown in listed.items()):
        flaws.append("the list is not the table")
    if trash != {row["id"] for row in told.tasks if row["deleted_at"]}:
        flaws.append("the trash is not the table's")
    if replica != listed:
        differing = [task for task in replica.keys() | listed.keys() if replica.get(task) != listed.get(task)]
        flaws.append(f"the feed's replica is not the list: {differing[:5]}")
    done = sum(task["completed"] for task in listed.values())
    if (stats["total"], stats["open"], stats["completed"]) != (len(listed), len(listed) - done, done):
        flaws.append(f"stats {stats}, listed {len(listed)}, done {done}")
    by_priority = Counter(task["priority"] for task in listed.values())
    if {name: count for name, count in stats["by_priority"].items() if count} != by_priority:
        flaws.append(f"stats by priority: {stats['by_priority']}")
    if stats["by_tag"] != dict(Counter(tag for task in listed.values() for tag in task["tags"])):
        flaws.append(f"stats by tag: {stats['by_tag']}")
    return flaws


async def _all(load: Load, person: Person, path: str) -> list[dict[str, Any]]:
    """The whole of a list."""
    found: list[dict[str, Any]] = []
    parameters: dict[str, str] = {}
    while True:
        answer = await load.http.get(path, params=parameters, headers=person.headers)
        part = answer.raise_for_status().json()
        found += part["tasks"]
        if part["next_cursor"] is None:
            assert len(found) == part["total"], (len(found), part["total"])
            return found
        parameters = {"cursor": part["next_cursor"]}


def _is_shown(row: dict[str, Any] | None, shown: dict[str, Any]) -> bool:
    """Whether an answer shows this row."""
    if row is None:
        return False
    if shown.get("deleted"):
        return bool(row["deleted_at"]) and row["revision"] == shown["revision"]
    same = ("id", "title", "description", "tags", "revision")
    return all(row[name] == shown[name] for name in same) and bool(row["completed_at"]) == shown["completed"]


def _count(figures: Figures, writes: Sequence[Write], told: Evidence) -> None:
    there = {line.effect for line in told.lines}
    unknown = [write for write in writes if write.outcome is Outcome.UNKNOWN]
    figures.writes += len(writes)
    figures.acknowledged += sum(write.outcome is Outcome.KEPT for write in writes)
    figures.refused += sum(write.outcome is Outcome.REFUSED for write in writes)
    figures.unknown += len(unknown)
    figures.unknown_but_kept += sum(write.effects[0] in there for write in unknown)
    figures.repeated += sum(write.tries > 1 for write in writes)
    figures.lines += len(told.lines)
    figures.tasks += len(told.tasks)
