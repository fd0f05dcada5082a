"""A log-in that lasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from todo.domain.errors import InvalidRefreshTokenError, RefreshTokenReusedError

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from todo.domain.values import SessionId, UserAgent, UserId

IDLE_LIFETIME = timedelta(days=7)
"""How long a session lives without being used."""
LIFETIME = timedelta(days=30)
"""How long it lives at most."""
GRACE = timedelta(seconds=10)
"""How long the refresh token that was used last may be used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A user logged in at one place, until they log out or stay away for 7 days, and for 30 days at most.

    Each refresh moves it to the next generation, and each generation has one refresh token. `last_used_at`
    is when it last moved; times are in UTC.
    """

    id: SessionId
    user: UserId
    user_agent: UserAgent | None = None
    created_at: datetime
    last_used_at: datetime
    generation: int = 0
    revoked_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """When it ends, or ended, if it is used no more."""
        end = min(self.last_used_at + IDLE_LIFETIME, self.created_at + LIFETIME)
        return min(end, self.revoked_at) if self.revoked_at else end

    def is_live(self, now: datetime) -> bool:
        """Whether its refresh token would be taken."""
        return self.revoked_at is None and now < self.ends_at

    def refreshed(self, generation: int, now: datetime) -> Self:
        """The session after the refresh token of this generation was shown.

        That of the generation before gets the same answer again for 10 seconds: two tabs may refresh at
        once, and an answer may be lost on its way. `RefreshTokenReusedError` for that token later, and for
        older ones: two have it, and one of them has stolen it. `InvalidRefreshTokenError` if the session has
        ended, or has not come that far. A clock that was put back does not make the ten seconds longer.
        """
        if not self.is_live(now) or generation > self.generation:
            raise InvalidRefreshTokenError
        if generation == self.generation:
            return replace(self, generation=generation + 1, last_used_at=now)
        if generation == self.generation - 1 and abs(now - self.last_used_at) < GRACE:
            return self
        raise RefreshTokenReusedError

    def revoked(self, now: datetime) -> Self:
        """The session, ended now; one that had ended stays as it is."""
        return replace(self, revoked_at=now) if self.is_live(now) else self
