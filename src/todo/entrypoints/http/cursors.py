"""Places in a list, sealed: a client can carry a cursor, and neither change nor make one."""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from todo.application.queries import Position, Sort
from todo.domain.errors import CursorMismatchError
from todo.domain.values import TITLE_LENGTH, TaskId

if TYPE_CHECKING:
    from todo.application.queries import SortKey

_SEAL_SIZE = 18
_ID_SIZE = 16
_LONGEST = (_SEAL_SIZE + _ID_SIZE + 4 * TITLE_LENGTH) * 4 // 3 + 3
_FORM = re.compile("[A-Za-z0-9_-]+")
_MICROSECONDS = struct.Struct(">q")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Cursors:
    """Makes and reads cursors with a secret of the service's own (HMAC-SHA256, shortened to 18 bytes).

    `of_list` is what tells a list from all others: filters, order, and whether it is the trash. A cursor
    opens for the list that it was sealed for, and for no other.
    """

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"todo cursors", hashlib.sha256)

    def seal(self, position: Position, of_list: bytes) -> str:
        """The cursor that leads to this position."""
        place = position.id.bytes + _packed(position.key)
        return _text(self._seal(place, of_list) + place)

    def open(self, cursor: str, sort: Sort, of_list: bytes) -> Position:
        """Where this cursor leads in a list that is sorted so. `CursorMismatchError` if it is not of this list."""
        if len(cursor) > _LONGEST or not _FORM.fullmatch(cursor) or len(cursor) % 4 == 1:
            raise CursorMismatchError
        sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        seal, place = sealed[:_SEAL_SIZE], sealed[_SEAL_SIZE:]
        is_ours = hmac.compare_digest(seal, self._seal(place, of_list))
        # the last character has bits to spare: each cursor has one spelling
        if not is_ours or _text(sealed) != cursor:
            raise CursorMismatchError
        return Position(_unpacked(place[_ID_SIZE:], sort), TaskId(UUID(bytes=place[:_ID_SIZE])))

    def _seal(self, place: bytes, of_list: bytes) -> bytes:
        return hmac.digest(self._key, of_list + place, hashlib.sha256)[:_SEAL_SIZE]


def _text(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _packed(key: SortKey) -> bytes:
    match key:
        case None:
            return b""
        case datetime():
            return _MICROSECONDS.pack((key - _EPOCH) // _MICROSECOND)
        case int():
            return _MICROSECONDS.pack(key)
        case str():
            return key.encode()


def _unpacked(key: bytes, sort: Sort) -> SortKey:
    if sort is Sort.TITLE:
        return key.decode()
    if not key:
        return None
    (number,) = _MICROSECONDS.unpack(key)
    return int(number) if sort is Sort.PRIORITY else _EPOCH + number * _MICROSECOND
