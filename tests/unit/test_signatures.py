"""Signatures: whatever holds a word has its bits, and most of what does not hold it lacks some."""

from __future__ import annotations

import random

import pytest

from todo.adapters.postgres.signatures import BITS, signature_of, signature_of_all

RANDOM = random.Random(1)  # noqa: S311 - to be repeated, not to be secret
ALPHABETS = {
    "letters": "abcdefghijklmnopqrstuvwxyz ",
    "two letters": "ab",
    "any character": [chr(number) for number in (*range(0x20, 0xD800), *range(0xE000, 0x30000))],
}


def as_number(text: str) -> int:
    return signature_of(text).to_int()


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
def test_a_text_has_the_bits_of_whatever_it_holds(alphabet: str) -> None:
    for _ in range(2_000):
        text = "".join(RANDOM.choices(alphabet, k=RANDOM.randrange(60)))
        begin = RANDOM.randrange(len(text) + 1)
        word = text[begin : RANDOM.randrange(begin, len(text) + 1)]
        assert as_number(text) & as_number(word) == as_number(word)


def test_several_words_have_the_bits_of_each() -> None:
    both = signature_of_all(["milk", "bread"])
    assert both
    assert both.to_int() == as_number("milk") | as_number("bread")


@pytest.mark.parametrize("words", [(), ("a",), ("a", "b"), ("",)])
def test_what_is_shorter_than_two_bytes_tells_nothing(words: tuple[str, ...]) -> None:
    assert signature_of_all(words) is None


def test_one_character_of_several_bytes_does() -> None:
    assert signature_of_all(["猫"])


@pytest.mark.parametrize("text", ["", "a"])
def test_the_shortest_texts_have_one_too(text: str) -> None:
    assert (as_number(text), len(signature_of(text))) == (0, BITS)


def test_it_is_the_same_for_ever() -> None:
    # what is stored is compared with what later versions make of words
    assert as_number("ab") == 1 << (0b01100001 ^ 0b00010011)
    assert signature_of("buy milk\n").bytes.hex() == "0000000000000200400000000000000001000000000008000880004000000400"


def test_few_texts_without_a_word_have_its_bits() -> None:
    vocabulary = ["".join(RANDOM.choices("etaoinshrdlcumwfgypbvk", k=RANDOM.randrange(4, 10))) for _ in range(500)]
    texts = [" ".join(RANDOM.choices(vocabulary, k=9)) for _ in range(500)]
    words = RANDOM.sample(vocabulary, 50)
    wrong = sum(
        as_number(text) & as_number(word) == as_number(word) for text in texts for word in words if word not in text
    )
    assert wrong < len(texts) * len(words) / 50
