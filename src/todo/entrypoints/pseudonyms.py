"""Names for users in the log."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from todo.domain.values import UserId


class Pseudonyms:
    """The same user has the same name in all processes; nobody without the secret can tell whose it is."""

    def __init__(self, secret: str) -> None:
        self._begun = blake2b(digest_size=8, key=blake2b(secret.encode(), person=b"todo log").digest())

    def of(self, user: UserId) -> str:
        """16 hexadecimal digits."""
        name = self._begun.copy()  # has taken in the key already, which is half of the work
        name.update(user.encode())
        return name.hexdigest()
