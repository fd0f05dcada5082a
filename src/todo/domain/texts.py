"""What all texts must be: Unicode in normal form, without control characters, and no larger than it looks.

A pile of marks on one character takes the square of its height to be brought into normal form. The Stream-Safe
Text Format (UAX #15, section 13) has it that no language needs more than 30: neither do we take more.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from todo.domain.errors import InvalidError

MOST_MARKS: Final = 30

_SURROGATES = re.compile("[\ud800-\udfff]")
CONTROLS_IN_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROLS_AROUND_LINE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNSEEN = {"Zs", "Zl", "Zp", "Cc", "Cf"}  # not Cn: this Python's Unicode does not know every character that there is
# Whatever a pile can be made of, and more: letters are none, but for the voiced marks of half width. The normal form
# is what counts, but that of an absurd pile is not even made.
_MARKS = r"(?:[^\w\s\x00-\x7f]|[\uff9e\uff9f])"
_PILES = re.compile(f"{_MARKS}{{{MOST_MARKS + 1},}}")
_ABSURD_PILES = re.compile(f"{_MARKS}{{{4 * MOST_MARKS + 1},}}")
_LINE_BREAKS = re.compile("[\t\n\r\u2028\u2029]")
_CONTROL_NAMES = {
    "\x00": "NUL",
    "\t": "TAB",
    "\n": "NEWLINE",
    "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE",
    "\x7f": "DELETE",
}


def line(text: str, longest: int) -> str:
    """One line of 1 to so many characters, one of which can be seen: neither white space nor of Cc or Cf."""
    is_plain = text.isascii() and text.isprintable()
    text = (text if is_plain else proper(text, _CONTROLS_AROUND_LINE, longest)).strip()
    if not text:
        raise InvalidError("empty", "must not be empty.")
    if is_plain:
        return no_longer_than(text, longest)
    if not any(unicodedata.category(character) not in _UNSEEN for character in text):
        raise InvalidError("empty", "must hold a character that can be seen.")
    if found := _LINE_BREAKS.search(text):
        raise _control_character(found[0])
    return no_longer_than(text, longest)


def proper(text: str, forbidden: re.Pattern[str], longest: int) -> str:
    """The text in normal form; it must not hold what is forbidden, nor be far too long."""
    if found := forbidden.search(encodable(text)):
        raise _control_character(found[0])
    return normal(text, longest)


def normal(text: str, longest: int) -> str:
    """The text in normal form NFC; it must not be far too long. Four code points become one at most."""
    if len(text) > 4 * longest and len(text.strip()) > 4 * longest:
        raise _too_long(text, longest)
    if text.isascii():
        return text
    _check_piles(text, _ABSURD_PILES, 4 * MOST_MARKS)
    text = unicodedata.normalize("NFC", text)
    _check_piles(text, _PILES, MOST_MARKS)
    return text


def _check_piles(text: str, candidates: re.Pattern[str], highest: int) -> None:
    for found in candidates.finditer(text):
        height = 0
        for character in found[0]:
            height = height + 1 if unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) else 0
            if height > highest:
                raise InvalidError("too_many_marks", f"must not pile more than {MOST_MARKS} marks on one character.")


def encodable(text: str) -> str:
    """The text, which must be Unicode: JSON can hold what is not."""
    if _SURROGATES.search(text):
        raise InvalidError("not_unicode", "contains half a surrogate pair, which is no character.")
    return text


def no_longer_than(text: str, longest: int) -> str:
    """The text, which must not have more characters than that."""
    if len(text) > longest:
        raise _too_long(text, longest)
    return text


def _too_long(text: str, longest: int) -> InvalidError:
    return InvalidError("too_long", f"may have at most {longest} characters, not {len(text)}.")


def _control_character(character: str) -> InvalidError:
    name = f"U+{ord(character):04X}"
    if known := _CONTROL_NAMES.get(character):
        name = f"{name} ({known})"
    return InvalidError("control_character", f"must not contain the control character {name}.")
