"""The only task of one user, as an object that does one thing after another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator


class Place(Enum):
    """Where the task is."""

    LISTED = "listed"
    TRASH = "trash"
    NOWHERE = "nowhere"


class View(NamedTuple):
    """What an answer shows of the task."""

    title: str
    description: str | None
    completed: bool
    revision: int


class State(NamedTuple):
    """All there is. The user's revision is the task's, because there is no other one."""

    place: Place
    view: View


NOTHING = State(Place.NOWHERE, View("", None, completed=False, revision=0))
"""Before there is a task."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and its answer: the status, and what it shows."""

    kind: str
    fields: tuple[tuple[str, Any], ...] = ()
    seen: int | None = None
    """The revision in `If-Match`, or in a batch."""
    status: int = 0
    shown: Hashable = None


class OneTask:
    """What is promised of one task. A change takes the next revision; what changes nothing takes none."""

    def first(self) -> State:
        return NOTHING

    def after(self, state: State, asked: Asked, *, is_known: bool) -> Iterator[State]:
        status, shown, after = _done(state, asked)
        if (after != state) if not is_known else ((status, shown) == (asked.status, asked.shown)):
            yield after


READS = {"get", "list", "stats", "trash", "changes"}


def _done(state: State, asked: Asked) -> tuple[int, Hashable, State]:
    """The status, what is shown, and the state afterwards."""
    place, view = state
    if asked.kind in READS:
        return _read(state, asked.kind)
    if asked.kind == "create":
        return _create(state, asked)
    if place is not (Place.TRASH if asked.kind in ("restore", "purge") else Place.LISTED):
        return 404, None, state
    if asked.seen is not None and asked.seen != view.revision:
        return 412, view, state
    if asked.kind == "purge":
        return 204, None, State(Place.NOWHERE, NOTHING.view._replace(revision=view.revision))
    if asked.kind in ("delete", "restore"):
        moved = view._replace(revision=view.revision + 1)
        return (204, None, State(Place.TRASH, moved)) if asked.kind == "delete" else (200, moved, listed(moved))
    return 200, (changed := _changed(view, asked)), listed(changed)


def listed(view: View) -> State:
    return State(Place.LISTED, view)


def _create(state: State, asked: Asked) -> tuple[int, Hashable, State]:
    """With an id of its own: what is there is answered as it is."""
    if state.place is Place.TRASH:
        return 409, None, state
    if state.place is Place.LISTED:
        return 200, state.view, state
    new = View(completed=False, description=None, revision=state.view.revision + 1, **dict(asked.fields))
    return 201, new, listed(new)


def _changed(view: View, asked: Asked) -> View:
    if asked.kind == "toggle":
        return _set(view, completed=not view.completed)
    if asked.kind != "batch":
        return _set(view, **dict(asked.fields))
    for name, value in asked.fields:  # one after another, and each takes a number
        view = _set(view, **{name: value})
    return view


def _read(state: State, kind: str) -> tuple[int, Hashable, State]:
    place, view = state
    shown = view if place is Place.LISTED else None
    match kind:
        case "get":
            return (200 if shown else 404), shown, state
        case "list":
            return 200, shown, state
        case "trash":
            return 200, view if place is Place.TRASH else None, state
        case "stats":
            return 200, (int(bool(shown and not view.completed)), int(bool(shown and view.completed))), state
        case _:
            return 200, (view.revision, shown, place is Place.TRASH), state


def _set(view: View, **fields: Any) -> View:
    changed = view._replace(**fields)
    return changed if changed == view else changed._replace(revision=view.revision + 1)
