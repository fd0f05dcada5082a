"""Hints that something may have changed, within this process and between those that share the database.

A hint is sent after a commit, never inside the transaction: NOTIFY in there makes all commits of the
server wait for each other. The first goes out at once, those of the next moment are gathered into one.
Hints may come twice or get lost, and carry no data. Whoever is hinted reads the feed by revision; and all
revisions are looked at now and then, so that a lost hint costs seconds, not data.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import ARRAY, Text, any_, bindparam, func, select

from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.tables import users
from todo.application.watches import Watches
from todo.domain.errors import UnavailableError
from todo.domain.values import UserId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from todo.adapters.postgres.connection import Connection
    from todo.adapters.postgres.database import Database
    from todo.application.watches import Watch

CHANNEL = "todo_changes"
GATHERING = 0.05
"""Seconds between two hints of this process."""
LOOK_WHEN_LISTENING = 5.0
"""Seconds between looks at the revisions, while hints from other processes come in."""
LOOK_WHEN_DEAF = 1.0
"""The same while they do not: the connection is lost, or there is a pooler, through which LISTEN does not work."""

LARGEST_HINT = 7_900
"""Bytes of one hint; PostgreSQL takes a few more. The ids of owners are ASCII."""

_SEND = Statement(select(func.pg_notify(bindparam("channel", type_=Text), bindparam("owners", type_=Text))))
_LOOK = Statement(
    select(users.c.id, users.c.revision).where(
        users.c.id == any_(bindparam("owners", type_=ARRAY(Text))), users.c.disabled_at.is_(None)
    )
)

log = structlog.get_logger("todo.postgres")


class Signals:
    """Wakes watches. Where a pooler stands in between, by looking only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches = Watches()
        self._revisions: dict[UserId, int] = {}
        self._to_send: set[UserId] = set()
        self._sending: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def watch(self, owner: UserId) -> Iterator[Watch]:
        """A watch on this owner, as long as the block lasts."""
        with self._watches.watch(owner) as watch:
            if self._looking is None and not self._watches.is_closed:
                self._looking = asyncio.get_running_loop().create_task(self._look_around())
            yield watch

    def announce(self, owner: UserId) -> None:
        """Something of this owner's was committed."""
        self._watches.wake(owner)
        if self._database.can_listen:
            self._to_send.add(owner)
            if self._sending is None:
                self._sending = asyncio.get_running_loop().create_task(self._send())

    def close(self) -> None:
        """End every watch. What is still committed is still announced, to other processes."""
        self._watches.close()
        if self._looking:
            self._looking.cancel()

    async def _send(self) -> None:
        try:
            while self._to_send:
                owners = sorted(self._to_send)
                self._to_send.clear()
                for hint in hints(owners):
                    await self._database.fetch(_SEND, {"channel": CHANNEL, "owners": hint})
                await asyncio.sleep(GATHERING)
        except UnavailableError:
            log.info("hint_not_sent")
        finally:
            self._sending = None

    async def _look_around(self) -> None:
        ears = None
        try:
            while self._watches.owners:
                if ears is None or ears.is_closed():
                    ears = await self._listen()
                await self._look()
                await asyncio.sleep(LOOK_WHEN_LISTENING if ears else LOOK_WHEN_DEAF)
        finally:
            self._looking = None
            self._revisions = {}
            if ears:
                ears.terminate()

    async def _listen(self) -> Connection | None:
        try:
            return await self._database.listen(CHANNEL, self._hear) if self._database.can_listen else None
        except UnavailableError:
            return None

    def _hear(self, owners: str) -> None:
        for owner in owners.split("\n"):
            self._watches.wake(UserId(owner))

    async def _look(self) -> None:
        try:
            rows = await self._database.fetch(_LOOK, {"owners": self._watches.owners})
        except UnavailableError:
            return
        revisions = {UserId(row["id"]): row["revision"] for row in rows}
        for owner in self._watches.owners:
            if owner not in self._revisions or revisions.get(owner) != self._revisions[owner]:
                self._watches.wake(owner)
        self._revisions = revisions


def hints(owners: Iterable[UserId]) -> Iterator[str]:
    """The owners, one a line, in as few hints as they fit into."""
    left = "\n".join(owners)
    while len(left) > LARGEST_HINT:
        end = left.rindex("\n", 0, LARGEST_HINT + 1)
        yield left[:end]
        left = left[end + 1 :]
    yield left
