"""The checker on histories made by hand: it believes the good ones, and finds what is wrong with the others."""

from __future__ import annotations

import math
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.linearizability.checker import Operation, check
from tests.linearizability.task_model import Asked, OneTask, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    History = Sequence[Operation[Asked]]

CREATED = View("Buy milk", None, completed=False, revision=1)
CREATE = Asked("create", (("title", "Buy milk"),), status=201, shown=CREATED)


def at(invoked: float, returned: float, asked: Asked, client: int = 0) -> Operation[Asked]:
    return Operation(client, asked, invoked, returned)


def lost(invoked: float, asked: Asked) -> Operation[Asked]:
    """One of which nobody knows what became."""
    return Operation(9, asked, invoked)


def get(title: str, revision: int) -> Asked:
    return Asked("get", status=200, shown=CREATED._replace(title=title, revision=revision))


def change(title: str, revision: int, seen: int | None = None) -> Asked:
    shown = CREATED._replace(title=title, revision=revision)
    return Asked("change", (("title", title),), seen, 200, shown)


def stale(title: str, seen: int, current: View) -> Asked:
    return Asked("change", (("title", title),), seen, 412, current)


GOOD: dict[str, History] = {
    "nothing at all": [],
    "one after another": [at(0, 1, CREATE), at(2, 3, change("A", 2)), at(4, 5, get("A", 2))],
    "a read beside a write sees the old state": [
        at(0, 1, CREATE), at(2, 5, change("A", 2)), at(3, 4, get("Buy milk", 1)),
    ],
    "a read beside a write sees the new state": [at(0, 1, CREATE), at(2, 5, change("A", 2)), at(3, 4, get("A", 2))],
    "two writes at once, in either order": [
        at(0, 1, CREATE), at(2, 9, change("A", 3), 1), at(3, 4, change("B", 2), 2), at(10, 11, get("A", 3)),
    ],
    "of two that saw the same one wins": [
        at(0, 1, CREATE), at(2, 5, change("A", 2, seen=1), 1),
        at(3, 4, stale("B", 1, CREATED._replace(title="A", revision=2)), 2),
    ],
    "an unknown write that happened": [at(0, 1, CREATE), lost(2, change("A", 0)), at(3, 4, get("A", 2))],
    "an unknown write that never happened": [at(0, 1, CREATE), lost(2, change("A", 0)), at(3, 4, get("Buy milk", 1))],
    "an unknown write that happened late": [
        at(0, 1, CREATE), lost(2, change("A", 0)), at(3, 4, get("Buy milk", 1)), at(5, 6, get("A", 2)),
    ],
    "a write to what was there already": [
        at(0, 1, CREATE), at(2, 3, change("Buy milk", 1)), at(4, 5, get("Buy milk", 1)),
    ],
    "to the trash and back": [
        at(0, 1, CREATE), at(2, 3, Asked("delete", status=204)), at(4, 5, Asked("get", status=404)),
        at(6, 7, Asked("create", (("title", "Buy milk"),), status=409)),
        at(8, 9, Asked("restore", status=200, shown=CREATED._replace(revision=3))), at(10, 11, get("Buy milk", 3)),
    ],
    "gone, and made anew": [
        at(0, 1, CREATE), at(2, 3, Asked("delete", status=204)), at(4, 5, Asked("purge", status=204)),
        at(6, 7, Asked("changes", status=200, shown=(2, None, False))),
        at(8, 9, Asked("create", (("title", "B"),), status=201, shown=CREATED._replace(title="B", revision=3))),
    ],
}  # fmt: skip

BAD: dict[str, History] = {
    "a stale read after an acknowledged write": [
        at(0, 1, CREATE), at(2, 3, change("A", 2)), at(4, 5, get("Buy milk", 1)),
    ],
    "a stale read by somebody else": [at(0, 1, CREATE), at(2, 3, change("A", 2), 1), at(4, 5, get("Buy milk", 1), 2)],
    "a read that goes back, beside a write": [
        at(0, 1, CREATE), at(2, 9, change("A", 2), 1), at(3, 4, get("A", 2), 2), at(5, 6, get("Buy milk", 1), 3),
    ],
    "a lost update": [
        at(0, 1, CREATE), at(2, 5, change("A", 2), 1), at(3, 4, change("B", 2), 2), at(6, 7, get("B", 2)),
    ],
    "two winners of one condition": [
        at(0, 1, CREATE), at(2, 5, change("A", 2, seen=1), 1), at(3, 4, change("B", 3, seen=1), 2),
    ],
    "a refusal without reason": [at(0, 1, CREATE), at(2, 3, stale("A", 1, CREATED))],
    "a revision that is left out": [at(0, 1, CREATE), at(2, 3, change("A", 3))],
    "a revision for no change": [at(0, 1, CREATE), at(2, 3, change("Buy milk", 2))],
    "a read of what nobody wrote": [at(0, 1, CREATE), at(2, 3, get("Zebra", 1))],
    "a read of what is written later": [at(0, 1, CREATE), at(2, 3, get("A", 2)), at(4, 5, change("A", 2))],
    "an unknown write before it was asked for": [at(0, 1, CREATE), at(2, 3, get("A", 2)), lost(4, change("A", 0))],
    "an unknown write that happened twice": [
        at(0, 1, CREATE), lost(2, change("A", 0)), at(3, 4, get("A", 2)), at(5, 6, change("B", 3)),
        at(7, 8, get("A", 4)),
    ],
    "an unknown write that is undone": [
        at(0, 1, CREATE), lost(2, change("A", 0)), at(3, 4, get("A", 2)), at(5, 6, get("Buy milk", 1)),
    ],
    "two deletions": [at(0, 1, CREATE), at(2, 5, Asked("delete", status=204)), at(3, 4, Asked("delete", status=204))],
    "a list without what is there": [at(0, 1, CREATE), at(2, 3, Asked("list", status=200, shown=None))],
    "numbers that are not those of the list": [at(0, 1, CREATE), at(2, 3, Asked("stats", status=200, shown=(2, 0)))],
    "a feed that has not come as far": [
        at(0, 1, CREATE), at(2, 3, Asked("changes", status=200, shown=(0, None, False))),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_good_history_is_believed(name: str) -> None:
    assert check(GOOD[name], OneTask()).is_linearizable


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history_is_found_out(name: str) -> None:
    assert not check(BAD[name], OneTask()).is_linearizable


def test_the_order_that_is_found_is_one() -> None:
    good = GOOD["two writes at once, in either order"]
    assert check(good, OneTask()).order == [0, 2, 1, 3]


@pytest.mark.slow
def test_a_long_history_is_no_trouble() -> None:
    long = [at(0, 1, CREATE)]
    long += [at(2 * n, 2 * n + 1, change(f"{n}", n + 1)) for n in range(1, 1_500)]
    assert check(long, OneTask()).is_linearizable


class Register:
    """The smallest object: it holds one number."""

    def first(self) -> int:
        return 0

    def after(self, state: int, asked: tuple[str, int], *, is_known: bool) -> Iterator[int]:
        kind, value = asked
        if kind == "write":
            yield value
        elif not is_known or value == state:
            yield state


def by_hand(history: Sequence[Operation[tuple[str, int]]]) -> bool:
    """Try all orders of all choices of the unknown ones."""
    return any(
        _fits(order)
        for chosen in range(1 << len(history))
        if all(chosen >> n & 1 or not one.is_known for n, one in enumerate(history))
        for order in permutations([one for n, one in enumerate(history) if chosen >> n & 1])
    )


def _fits(order: Sequence[Operation[tuple[str, int]]]) -> bool:
    state = 0
    for place, one in enumerate(order):
        if any(later.returned < one.invoked for later in order[place + 1 :]):
            return False
        kind, value = one.asked
        if kind == "read" and value != state and one.is_known:
            return False
        state = value if kind == "write" else state
    return True


operations = st.builds(
    lambda kind, value, invoked, lasts: Operation(0, (kind, value), float(invoked), invoked + lasts),
    st.sampled_from(["read", "write"]),
    st.integers(0, 2),
    st.integers(0, 12),
    st.sampled_from([0.5, 2.5, 5.5, math.inf]),
)


@given(st.lists(operations, max_size=5))
def test_it_finds_what_trying_everything_finds(history: list[Operation[tuple[str, int]]]) -> None:
    assert check(history, Register()).is_linearizable == by_hand(history)
