"""Places in a list, sealed: a client can carry a cursor, and neither read nor make one."""

from __future__ import annotations

import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

from todo.application.queries import Position
from todo.domain.errors import CursorMismatchError
from todo.domain.values import TaskId

_PLACE = struct.Struct(">q16s")
_SEAL_SIZE = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Cursors:
    """Makes and reads cursors with a secret of the service's own (HMAC-SHA256, shortened to 16 bytes)."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"todo cursors", hashlib.sha256)

    def seal(self, position: Position) -> str:
        """The cursor that leads to this position."""
        place = _PLACE.pack((position.created_at - _EPOCH) // _MICROSECOND, position.id.bytes)
        return urlsafe_b64encode(place + self._seal(place)).decode()

    def open(self, cursor: str) -> Position:
        """Where this cursor leads. `CursorMismatchError` if it is none of ours."""
        try:
            sealed = urlsafe_b64decode(cursor.encode("ascii"))
        except ValueError as error:
            raise CursorMismatchError from error
        place, seal = sealed[:-_SEAL_SIZE], sealed[-_SEAL_SIZE:]
        if not hmac.compare_digest(seal, self._seal(place)):
            raise CursorMismatchError
        microseconds, task_id = _PLACE.unpack(place)
        return Position(_EPOCH + microseconds * _MICROSECOND, TaskId(UUID(bytes=task_id)))

    def _seal(self, place: bytes) -> bytes:
        return hmac.digest(self._key, place, hashlib.sha256)[:_SEAL_SIZE]
