"""Is a concurrent history linearizable? Wing and Gong's search, with Lowe's memory of where it has been.

J. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (1993); G. Lowe, "Testing for Linearizability"
(2017). A history is linearizable if each operation can be given one moment between its invocation and its
response so that the object, doing one after another in that order, would have answered just so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

S = TypeVar("S", bound="Hashable")
A = TypeVar("A")
A_contra = TypeVar("A_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Operation(Generic[A]):
    """What one client asked for, and when.

    One without a known outcome (`returned` is infinite) may have happened at any time from its invocation
    on, or never.
    """

    client: int
    asked: A
    invoked: float
    returned: float = math.inf

    @property
    def is_known(self) -> bool:
        """Whether its client knows what became of it."""
        return self.returned < math.inf


class Model(Protocol[S, A_contra]):
    """An object that does one thing after another."""

    def first(self) -> S:
        """The state that it begins in."""

    def after(self, state: S, asked: A_contra, *, is_known: bool) -> Iterator[S]:
        """The states that it may be in after this; none if it would not have answered so in this state.

        Of one whose outcome is not known, the answer is not looked at.
        """


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the search: the longest order that was found, and how many places it went to."""

    is_linearizable: bool
    order: Sequence[int]
    places: int


def check(history: Sequence[Operation[A]], model: Model[S, A]) -> Verdict:
    """Whether the history is one of this object."""
    known = sum(1 << index for index, operation in enumerate(history) if operation.is_known)
    start = (0, model.first())
    been = {start}
    # each place with the choices that are left there, so that no history is too long for the stack
    path: list[tuple[int, Iterator[tuple[int, S]]]] = [(-1, _steps(history, model, *start))]
    longest: list[int] = []
    done = 0
    if not known:
        return Verdict(is_linearizable=True, order=(), places=1)
    while path:
        for index, state in path[-1][1]:
            place = (done | 1 << index, state)
            if place in been:
                continue
            been.add(place)
            done = place[0]
            path.append((index, _steps(history, model, done, state)))
            if len(path) - 1 > len(longest):
                longest = [step for step, _ in path[1:]]
            break
        else:
            index, _ = path.pop()
            if index >= 0:
                done &= ~(1 << index)
        if done & known == known:
            return Verdict(is_linearizable=True, order=[step for step, _ in path[1:]], places=len(been))
    return Verdict(is_linearizable=False, order=longest, places=len(been))


def _steps(history: Sequence[Operation[A]], model: Model[S, A], done: int, state: S) -> Iterator[tuple[int, S]]:
    """What may come next: an operation before whose invocation no other one, still to be done, has returned."""
    left = [(index, operation) for index, operation in enumerate(history) if not done >> index & 1]
    deadline = min((operation.returned for _, operation in left), default=math.inf)
    for index, operation in sorted(left, key=lambda one: one[1].returned):
        if operation.invoked <= deadline:
            for after in model.after(state, operation.asked, is_known=operation.is_known):
                yield index, after
