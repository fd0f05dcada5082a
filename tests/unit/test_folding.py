"""Texts compared without regard to case and accents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo.domain.errors import InvalidError
from todo.domain.values import SEARCH_LENGTH, SEARCH_WORDS, TITLE_LENGTH, fold, parse_words, searched_text, title_key


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Buy MILK", "buy milk"),
        ("Crème Brûlée", "creme brulee"),
        ("Cre\u0300me", "creme"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("ﬁne", "fine"),
        ("Ａ１", "a1"),
        ("Ǆ", "dz"),
        ("Ώρα", "ωρα"),
        ("日本語", "日本語"),
        ("\u0301", ""),
        ("", ""),
    ],
)
def test_case_accents_and_compatibility_forms_do_not_matter(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_folded_stays_so(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_case_never_matters(text: str) -> None:
    assert fold(text.upper().lower()) == fold(text.upper())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        (" \t\n", ()),
        ("Milk  and\nMILK", ("milk", "and")),
        ("50% _ \\ ' \"", ("50%", "_", "\\", "'", '"')),
        ("\u00b4 milk", ("milk",)),
        ("a\u00a0b", ("a", "b")),
        ("x" * SEARCH_LENGTH, ("x" * SEARCH_LENGTH,)),
        ("Milk milk " * SEARCH_WORDS, ("milk",)),
        (" ".join(map(str, range(SEARCH_WORDS))), tuple(map(str, range(SEARCH_WORDS)))),
    ],
)
def test_a_search_is_its_words(text: str, words: tuple[str, ...]) -> None:
    assert parse_words(text) == words


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("a\x00b", "control_character"),
        ("\u0301", "no_words"),
        (" \u00b4 \u00a8", "no_words"),
        ("\ud800", "not_unicode"),
        ("x" * (SEARCH_LENGTH + 1), "too_long"),
        (" ".join(map(str, range(SEARCH_WORDS + 1))), "too_many"),
    ],
)
def test_other_searches_are_refused(text: str, flaw: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_words(text)
    assert refused.value.flaw == flaw


def test_a_title_key_is_no_longer_than_a_title() -> None:
    assert title_key("ﷺ" * TITLE_LENGTH) == fold("ﷺ" * TITLE_LENGTH)[:TITLE_LENGTH]
    assert len(fold("ﷺ")) > 1


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])),
    st.text(st.characters(exclude_categories=["Cs"])) | st.none(),
)
def test_the_title_is_what_is_searched_up_to_the_first_newline(title: str, description: str | None) -> None:
    text = searched_text(title, description)
    assert text.partition("\n")[0] == fold(title)
    assert text.partition("\n")[2] == fold(description or "")
