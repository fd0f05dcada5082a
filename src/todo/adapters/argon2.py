"""Passwords hashed with Argon2id (RFC 9106)."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import argon2

from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from todo.domain.values import Password

HASHES_AT_ONCE = 2
"""Each takes 64 MiB and some 50 ms of a core."""
HASHES_WAITING = 50
"""As many may wait. The last of them waits for a second or two, as long as a person does."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Argon2Passwords:
    """Hashes in threads of its own, two at a time, so that no other request waits for one.

    A request that is given up while it waits leaves the queue; what a thread has begun, it ends.
    """

    def __init__(self, parameters: argon2.Parameters | None = None, *, waiting: int = HASHES_WAITING) -> None:
        self._hasher = argon2.PasswordHasher.from_parameters(parameters) if parameters else argon2.PasswordHasher()
        self._decoy = self._hasher.hash("the password of nobody")
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, "argon2")
        self._places = threading.BoundedSemaphore(HASHES_AT_ONCE + waiting)

    async def hash(self, password: Password) -> str:
        return await self._in_turn(self._hasher.hash, password)

    async def matches(self, password: Password, hashed: str | None) -> bool:
        is_match = await self._in_turn(self._verify, hashed or self._decoy, password)
        return is_match and hashed is not None

    def needs_rehash(self, hashed: str) -> bool:
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str, password: Password) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _in_turn(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not self._places.acquire(blocking=False):
            raise UnavailableError
        future = self._threads.submit(work, *args, **kwargs)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)
