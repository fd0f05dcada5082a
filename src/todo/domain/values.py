"""The values that tasks and users are made of.

Each type has one way in, a `parse_…` function that accepts what a person may write and returns the
value in its one proper form, or raises `InvalidError`. The types are `NewType`s: the type checker
keeps raw text out, and a page of a thousand tasks pays nothing for it.

Texts are Unicode in normal form NFC (UAX #15), without surrounding white space. Lengths are counted
in code points, after both.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from enum import IntEnum
from itertools import filterfalse
from typing import TYPE_CHECKING, NewType, TypeAlias
from uuid import UUID

from todo.domain.errors import InvalidError
from todo.domain.texts import CONTROLS_IN_TEXT, encodable, line, no_longer_than, normal, proper

if TYPE_CHECKING:
    from collections.abc import Iterable

TITLE_LENGTH = 500
DESCRIPTION_LENGTH = 10_000
TAG_LENGTH = 50
TAGS_COUNT = 20
MOST_TAGS_SENT = 1000
"""With all repeats."""
NAME_LENGTH = 200
EMAIL_LENGTH = 254
PASSWORD_LENGTHS = (8, 128)
USER_AGENT_LENGTH = 200
USER_ID_LENGTH = 255
SEARCH_LENGTH = 500
SEARCH_WORDS = 20
"""Without repeats. Each is looked for in all of the owner's texts: a hundred took as long as a hundred searches."""

TaskId = NewType("TaskId", UUID)
UserId = NewType("UserId", str)
SessionId = NewType("SessionId", UUID)
Revision = NewType("Revision", int)
Title = NewType("Title", str)
Description = NewType("Description", str)
Tag = NewType("Tag", str)
Tags: TypeAlias = tuple[Tag, ...]
Due: TypeAlias = date | datetime
"""A whole day, or an instant in UTC. A `datetime` is a `date` to Python: ask for `datetime` first."""
Name = NewType("Name", str)
Email = NewType("Email", str)
Password = NewType("Password", str)
UserAgent = NewType("UserAgent", str)


class Priority(IntEnum):
    """How much a task matters, on iCalendar's scale (RFC 5545, section 3.8.1.9): 1 highest, 9 lowest, 0 none."""

    NONE = 0
    URGENT = 1
    HIGH = 3
    MEDIUM = 5
    LOW = 9


def parse_task_id(text: str) -> TaskId:
    """A task id that a client made: a UUID of version 7 (RFC 9562, section 5.7) in its usual text form."""
    if not _UUID_7.fullmatch(text):
        if _UUID.fullmatch(text):
            raise InvalidError("not_version_7", "must be a UUID of version 7: other versions do not sort by time.")
        raise InvalidError("not_a_uuid", "must be a UUID of version 7, such as 0199e1b2-7c3d-7000-8000-000000000000.")
    return TaskId(UUID(text))


def parse_user_id(text: str) -> UserId:
    """An opaque, case-sensitive id of 1 to 255 printable ASCII characters."""
    if not 1 <= len(text) <= USER_ID_LENGTH or not text.isascii() or not text.isprintable():
        raise InvalidError("not_a_user_id", "must be 1 to 255 printable ASCII characters.")
    return UserId(text)


def parse_title(text: str) -> Title:
    """One line of 1 to 500 characters."""
    return Title(line(text, TITLE_LENGTH))


def parse_description(text: str) -> Description:
    """Up to 10,000 characters in any number of lines, which end in a newline however they were sent."""
    text = proper(text.replace("\r\n", "\n"), CONTROLS_IN_TEXT, DESCRIPTION_LENGTH).strip()
    return Description(no_longer_than(text, DESCRIPTION_LENGTH))


def parse_tags(texts: Iterable[str]) -> Tags:
    """Up to 20 tags of one line and 1 to 50 characters; repeats, compared without case, merge into the first."""
    tags: dict[str, Tag] = {}
    for number, text in enumerate(texts):
        if number == MOST_TAGS_SENT:
            raise InvalidError("too_many", f"may hold at most {MOST_TAGS_SENT} texts, repeats and all.")
        tag = Tag(line(text, TAG_LENGTH))
        _ = tags.setdefault(tag_key(tag), tag)
    if len(tags) > TAGS_COUNT:
        raise InvalidError("too_many", f"may hold at most {TAGS_COUNT} tags, not {len(tags)}.")
    return tuple(tags.values())


def tag_key(tag: str) -> str:
    """What two spellings of the same tag have in common."""
    return unicodedata.normalize("NFC", tag.casefold())


def parse_words(text: str) -> tuple[str, ...]:
    """The words of a search of up to 500 characters, up to 20, folded, without repeats; none only if it is blank."""
    text = no_longer_than(proper(text, CONTROLS_IN_TEXT, SEARCH_LENGTH), SEARCH_LENGTH)
    words = tuple(dict.fromkeys(fold(text).split()))
    if not words and not text.isspace() and text:
        raise InvalidError("no_words", "must hold letters, digits or signs, and not accents alone.")
    if len(words) > SEARCH_WORDS:
        raise InvalidError("too_many", f"may hold at most {SEARCH_WORDS} words, not {len(words)}.")
    return words


def fold(text: str) -> str:
    """What spellings of a text have in common that differ in case, accents or compatibility forms only.

    Normal form NFKD (UAX #15) without combining marks, after full case folding.
    """
    if text.isascii():
        return text.lower()
    # case folding can make marks, and taking forms apart can make capitals
    spelled_out = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(filterfalse(unicodedata.combining, spelled_out))


def title_key(title: str) -> str:
    """What titles are sorted by, code point by code point: the folded title, no longer than a title may be."""
    return fold(title)[:TITLE_LENGTH]


def searched_text(title: str, description: str | None) -> str:
    """What is searched for words: the folded title, and behind the first newline the folded description."""
    return f"{fold(title)}\n{fold(description or '')}"


def parse_due(text: str) -> Due:
    """A day (`2026-12-01`), or an instant with its offset (`2026-12-01T09:00:00Z`), as RFC 3339 writes them."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidError("not_a_date", "is not a day or time that exists.") from error
    if _LOCAL_TIME.fullmatch(text):
        raise InvalidError("no_offset", "needs the offset of its time zone, such as Z or +02:00.")
    raise InvalidError("not_a_date", "must be a day such as 2026-12-01, or a time such as 2026-12-01T09:00:00Z.")


def parse_name(text: str) -> Name:
    """What a person is called: one line of 1 to 200 characters."""
    return Name(line(text, NAME_LENGTH))


def parse_email(text: str) -> Email:
    """An e-mail address, in lower case, of at most 254 characters.

    The form is the one browsers accept (WHATWG HTML, "valid e-mail address"): whether it exists, only a
    letter to it could tell.
    """
    text = text.strip()
    if len(text) > EMAIL_LENGTH or not _EMAIL.fullmatch(text):
        raise InvalidError("not_an_email", "must be an e-mail address, such as ada@example.com.")
    return Email(text.lower())


def parse_password(text: str) -> Password:
    """8 to 128 characters of any kind, in normal form NFC; white space counts and is kept."""
    shortest, longest = PASSWORD_LENGTHS
    text = normal(encodable(text), longest)
    if len(text) < shortest:
        raise InvalidError("too_short", f"must have at least {shortest} characters.")
    return Password(no_longer_than(text, longest))


def clean_user_agent(text: str) -> UserAgent | None:
    """What a client calls itself (RFC 9110, section 10.1.5), cut to 200 characters; None if it does not say."""
    text = "".join(character if character.isprintable() else " " for character in text)
    return UserAgent(" ".join(text.split())[:USER_AGENT_LENGTH].rstrip()) or None


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID_7 = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}")
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HOUR_AND_MINUTE = "([01][0-9]|2[0-3]):[0-5][0-9]"  # newer Pythons take 24:00, and any takes an offset of +01:99
_SECOND = r"[0-9]{2}(\.[0-9]{1,9})?"
_DAY = re.compile(_DATE)
_INSTANT = re.compile(f"{_DATE}[Tt]{_HOUR_AND_MINUTE}:{_SECOND}([Zz]|[+-]{_HOUR_AND_MINUTE})")
_LOCAL_TIME = re.compile(rf"{_DATE}[Tt ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]+)?)?")
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")
