"""What can be wrong with a database URL, said without any part of it that could hold a password."""

from __future__ import annotations


class DatabaseUrlError(ValueError):
    """The database URL cannot be used. One sentence, without the password."""

    def __init__(self, flaw: str) -> None:
        super().__init__(f"The database URL {flaw}")


def whole_number(name: str, text: str, highest: int) -> int:
    """The number that a parameter holds, from 0 to `highest`."""
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= highest):
        raise DatabaseUrlError(f"has a {name} that is not a whole number from 0 to {highest}.")
    return int(text)


def one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    """The word that a parameter holds."""
    if text not in allowed:
        raise DatabaseUrlError(f"has a {name} that is none of {', '.join(allowed)}.")
    return text
