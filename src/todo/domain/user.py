"""Who tasks belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from todo.domain.values import Email, Name, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with an account. One who signs in elsewhere has neither address nor password here.

    Whoever is disabled keeps everything, and is let in nowhere.
    """

    id: UserId
    email: Email | None = None
    name: Name | None = None
    password_hash: str | None = None
    created_at: datetime
    disabled_at: datetime | None = None
