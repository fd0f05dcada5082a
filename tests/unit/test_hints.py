"""Hints to other processes: how owners are packed into payloads."""

from __future__ import annotations

from todo.adapters.postgres.signals import LARGEST_HINT, hints
from todo.domain.values import UserId


def owners(number: int, length: int) -> list[UserId]:
    return [UserId(f"{index:0{length}}") for index in range(number)]


def test_few_owners_fit_into_one_hint() -> None:
    assert list(hints(owners(2, 3))) == ["000\n001"]


def test_many_owners_take_as_few_hints_as_they_fit_into_and_none_is_lost_or_cut() -> None:
    for number, length in ((1_000, 36), (100, 255), (31, 255), (LARGEST_HINT // 3 + 1, 2), (5_000, 7)):
        asked = owners(number, length)
        sent = list(hints(asked))
        assert [owner for hint in sent for owner in hint.split("\n")] == asked
        assert all(len(hint) <= LARGEST_HINT for hint in sent)
        assert len(sent) <= number * (length + 1) // (LARGEST_HINT - length) + 1


def test_a_hint_may_be_as_long_as_the_limit() -> None:
    half = (LARGEST_HINT - 1) // 2
    first, second = UserId("a" * half), UserId("b" * (LARGEST_HINT - 1 - half))
    assert list(hints([first, second])) == [f"{first}\n{second}"]
    assert list(hints([first, UserId(f"{second}c")])) == [first, f"{second}c"]
