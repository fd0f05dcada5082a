"""How often something may be done."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class RateLimit(NamedTuple):
    """At most `amount` times in a window of so many seconds. The name tells limits apart."""

    name: str
    amount: int
    seconds: int


class Hits(NamedTuple):
    """How many there have been in a window, and in how many seconds it ends."""

    total: int
    seconds_left: float


class RateLimiter(Protocol):
    """Counts. Whether it is too much is for the caller to say."""

    async def hit(self, limit: RateLimit, key: str, times: int = 1) -> Hits:
        """Count so many more for this key, at least one, and tell how many there are in its window with them.

        The window of a key begins with its first hit; the first hit after its end begins another. Limits
        and keys do not count for each other, and hits at the same time are all counted. A clock that is put
        back makes no window longer than two.
        """

    async def close(self) -> None:
        """Let go of what it holds."""
