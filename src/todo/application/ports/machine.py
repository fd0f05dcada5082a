"""The machine: time and ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """This moment, in UTC."""


class NewId(Protocol):
    """Where ids come from."""

    def __call__(self) -> UUID:
        """A UUID of version 7 (RFC 9562, section 5.7) that nobody has had before."""
