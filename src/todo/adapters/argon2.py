"""Passwords hashed with Argon2id (RFC 9106)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import argon2

if TYPE_CHECKING:
    from todo.domain.values import Password

HASHES_AT_ONCE = 2
"""Each takes 64 MiB and some 50 ms of a core."""


class Argon2Passwords:
    """Hashes in threads of its own, two at a time, so that no other request waits for one."""

    def __init__(self, parameters: argon2.Parameters | None = None) -> None:
        self._hasher = argon2.PasswordHasher.from_parameters(parameters) if parameters else argon2.PasswordHasher()
        self._decoy = self._hasher.hash("the password of nobody")
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, "argon2")

    async def hash(self, password: Password) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def matches(self, password: Password, hashed: str | None) -> bool:
        is_match = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._verify, hashed or self._decoy, password
        )
        return is_match and hashed is not None

    def _verify(self, hashed: str, password: Password) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except argon2.exceptions.VerificationError:
            return False
