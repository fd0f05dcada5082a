"""The keys that an issuer publishes at an address, kept at hand (RFC 7517, section 5)."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

import httpx
import structlog

from todo.adapters.jose.keys import keys_in
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jose.backends.base import Key

PATIENCE = 3.0
"""Seconds for one fetch, in all."""
LARGEST = 65_536
"""Bytes of a key set."""
LONGEST_WAIT = 4.0
"""Seconds that a request waits until the keys may be fetched again. Many clients give up after five."""

log = structlog.get_logger("todo.jose")


class KeySet:
    """The keys of one issuer. All times are in seconds.

    Keys are used as they are while `fresh`, then fetched anew in the background, and used up to the age of
    `usable` while the issuer is away. Fetches begin at least `interval` apart, one at a time, whoever
    asks for what: no flood of tokens becomes a flood of fetches. `fetched` hears of each whether it succeeded.
    """

    def __init__(
        self,
        url: str,
        http: httpx.AsyncClient,
        *,
        fresh: float = 300.0,
        usable: float = 86_400.0,
        interval: float = 5.0,
        now: Callable[[], float] = time.monotonic,
        fetched: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._url = url
        self._http = http
        self._fresh = fresh
        self._usable = usable
        self._interval = interval
        self._now = now
        self._fetched = fetched
        self._keys: dict[str, dict[str, Key]] = {}
        self._fetched_at = -math.inf
        self._tried_at = -math.inf
        self._sought_in_vain = False
        self._flight: asyncio.Task[None] | None = None

    async def find(self, key_id: str, algorithm: str) -> Key | None:
        """The key; None if the issuer has none such. `UnavailableError` if that cannot be told until the next fetch.

        A key that is not known is looked for once. If the keys have just been fetched, that waits for the
        next moment at which they may be, unless the last search was in vain: then the answer is None at once.
        """
        asked_at = self._now()
        age = asked_at - self._fetched_at
        if age >= self._usable:
            await self._fetch()
            if self._now() - self._fetched_at >= self._usable:
                raise UnavailableError(retry_after=max(1, math.ceil(self._until_next())))
        elif age >= self._fresh:
            self._begin()
        if key_id not in self._keys and self._tried_at < asked_at and await self._fetch(self._longest_wait()):
            self._sought_in_vain = key_id not in self._keys
        return self._keys.get(key_id, {}).get(algorithm)

    async def close(self) -> None:
        """Give up a fetch that is under way."""
        if self._flight:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    async def _fetch(self, longest_wait: float = 0.0) -> bool:
        """Fetch the keys, or wait for whoever is fetching them; False if it is too soon to fetch.

        Who hangs up does not stop it for the others.
        """
        flight = self._begin(longest_wait)
        if flight:
            await asyncio.shield(flight)
        return flight is not None

    def _longest_wait(self) -> float:
        return 0.0 if self._sought_in_vain else LONGEST_WAIT

    def _begin(self, longest_wait: float = 0.0) -> asyncio.Task[None] | None:
        """The fetch that is under way, or else a new one, unless it would have to wait longer than this."""
        if self._flight and not self._flight.done():
            return self._flight
        wait = self._until_next()
        if wait > longest_wait:
            return None
        self._flight = asyncio.create_task(self._refresh(wait))
        return self._flight

    def _until_next(self) -> float:
        """Seconds until the keys may be fetched again."""
        return max(0.0, self._tried_at + self._interval - self._now())

    async def _refresh(self, wait: float) -> None:
        await asyncio.sleep(wait)
        self._tried_at = self._now()
        try:
            async with asyncio.timeout(PATIENCE):
                self._keys = keys_in(await self._document())
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            log.warning("keys_not_fetched", url=self._url, error=type(error).__name__)
            self._fetched(False)
        else:
            self._fetched_at = self._now()
            self._fetched(True)

    async def _document(self) -> bytes:
        # unpacked, a small answer may be a large one
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with self._http.stream("GET", self._url, headers=headers, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK or "content-encoding" in response.headers:
                raise ValueError(response.status_code)
            document = bytearray()
            async for chunk in response.aiter_raw():
                document += chunk
                if len(document) > LARGEST:
                    raise ValueError("too large")
        return bytes(document)
