"""What no text may be: blank where something must be seen, or far larger than it looks."""

from __future__ import annotations

import sys
import time
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_values import LINES, TEXTS, flaw_of, parse_tag
from todo.domain.errors import InvalidError
from todo.domain.texts import MOST_MARKS
from todo.domain.values import MOST_TAGS_SENT, PASSWORD_LENGTHS, TAG_LENGTH, parse_password, parse_tags, parse_words

if TYPE_CHECKING:
    from tests.unit.test_values import Parse

HUGE = 250_000
"""Characters: half a megabyte of marks took minutes once."""
SOON = 10.0
"""Seconds: a hundred times what it takes now."""

TEXTS_AND_OTHERS = [*TEXTS, pytest.param(parse_password, PASSWORD_LENGTHS[1], id="password")]


@pytest.mark.parametrize(("parse", "longest"), LINES)
@pytest.mark.parametrize(
    "text", ["\u200b", "\u200b\u2060\ufeff", "\u00ad", "\u202e \u2066", "\u180e", "\u2003\u200d\u2003"]
)
def test_a_line_that_shows_nothing_is_empty(parse: Parse, longest: int, text: str) -> None:
    assert longest
    assert flaw_of(parse, text) == "empty"


@pytest.mark.parametrize(("parse", "longest"), LINES)
@pytest.mark.parametrize("text", ["", " ", "\t\u2003\n"])
def test_one_that_holds_nothing_is_told_just_that(parse: Parse, longest: int, text: str) -> None:
    assert longest
    with pytest.raises(InvalidError, match=r"^must not be empty\.$"):
        parse(text)


@pytest.mark.parametrize(("parse", "longest"), LINES)
@pytest.mark.parametrize("text", ["a\u200b", "\u200da", "👩\u200d👩\u200d👧", "न\u200dम", "\ue000", "\u0378", "."])
def test_one_that_shows_something_is_not(parse: Parse, longest: int, text: str) -> None:
    """Joiners make emoji and syllables; characters newer than this Python may well be seen elsewhere."""
    assert longest
    assert parse(text) == text


@pytest.mark.parametrize(("parse", "longest"), TEXTS_AND_OTHERS)
def test_no_pile_of_marks_is_higher_than_any_language_needs(parse: Parse, longest: int) -> None:
    assert longest >= MOST_MARKS
    for marks in ("\u0301", "\u0301\u0323", "\uff9e\u0301", "\u0345", "\U0001d165\U0001d16d"):
        pile = (marks * MOST_MARKS)[:MOST_MARKS]
        text = unicodedata.normalize("NFC", f"password{pile}")
        assert parse(text) == text
        assert parse(f"{text}…") == f"{text}…"
        for more in (1, 4, 50):
            refusal = flaw_of(parse, f"password{pile}{marks * more}\u0301")
            assert refusal in {"too_many_marks", "too_long"}


@given(st.text(st.sampled_from("aq\u0301\u0323\u0345\u0f73\u0344\uff9e\u0958\u1f85"), max_size=TAG_LENGTH))
@pytest.mark.parametrize("parse", [parse_tag, parse_password])
def test_what_is_taken_is_taken_again(parse: Parse, text: str) -> None:
    """The normal form may be longer, and its piles higher."""
    try:
        once = parse(text * 3)
    except InvalidError:
        return
    assert parse(once) == once


def test_piles_are_found_whatever_they_are_made_of() -> None:
    """Every character whose normal forms begin with a mark, against the rule as it is written."""
    marks = [
        character
        for character in map(chr, range(0x300, sys.maxunicode + 1))
        if not "\ud800" <= character <= "\udfff" and unicodedata.combining(unicodedata.normalize("NFKD", character)[0])
    ]
    assert len(marks) > 800
    for mark in marks:
        assert flaw_of(parse_password, f"password{mark * (MOST_MARKS + 2)}") == "too_many_marks"


@pytest.mark.parametrize(("parse", "longest"), [*TEXTS_AND_OTHERS, pytest.param(parse_words, 500, id="search")])
@pytest.mark.parametrize("marks", ["\u0301\u0323", "a\u0301\u0323", "\u03b1\u0314\u0301\u0345", "\u1100\u1161\u11a8"])
def test_a_huge_text_is_refused_soon(parse: Parse, longest: int, marks: str) -> None:
    begun = time.process_time()
    assert flaw_of(parse, marks * (HUGE // len(marks))) == "too_long"
    almost = marks * (4 * longest // len(marks))
    with suppress(InvalidError):
        parse(almost)
    assert time.process_time() - begun < SOON


@pytest.mark.parametrize(("parse", "longest"), TEXTS)
def test_not_even_the_normal_form_of_an_absurd_pile_is_made(parse: Parse, longest: int) -> None:
    begun = time.process_time()
    for _ in range(16):
        refusal = flaw_of(parse, "\u0301\u0323" * 2 * longest)
        assert refusal == "too_many_marks"
    assert time.process_time() - begun < SOON


@pytest.mark.parametrize(("parse", "longest"), TEXTS)
def test_what_is_short_enough_in_normal_form_is_taken(parse: Parse, longest: int) -> None:
    spelled_out = "\u03b1\u0314\u0301\u0345"
    assert parse(spelled_out * longest) == "\u1f85" * longest
    assert flaw_of(parse, spelled_out * longest + "a") == "too_long"


@pytest.mark.parametrize(("parse", "longest"), TEXTS)
def test_white_space_around_it_does_not_count_however_much_it_is(parse: Parse, longest: int) -> None:
    assert parse(" " * 5 * longest + "a" + "\n" * 5 * longest) == "a"


def test_four_code_points_become_one_at_most() -> None:
    merged = max(
        len(unicodedata.normalize("NFD", character))
        for character in map(chr, range(sys.maxunicode + 1))
        if not "\ud800" <= character <= "\udfff" and unicodedata.is_normalized("NFC", character)
    )
    assert merged <= 4


def test_tags_are_repeated_so_often_and_no_more() -> None:
    assert parse_tags(["home"] * MOST_TAGS_SENT) == ("home",)
    assert flaw_of(parse_tags, ["home"] * (MOST_TAGS_SENT + 1)) == "too_many"
