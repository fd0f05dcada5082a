"""What `Clock` and `NewId` promise. A subclass brings the fixture `clock` or `new_id`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from todo.application.ports import Clock, NewId


class ClockContract:
    def test_time_is_told_in_utc(self, clock: Clock) -> None:
        assert clock.now().tzinfo is UTC

    def test_time_does_not_run_backwards(self, clock: Clock) -> None:
        moments = [clock.now() for _ in range(100)]
        assert moments == sorted(moments)


class NewIdContract:
    def test_an_id_is_a_uuid_of_version_7(self, new_id: NewId) -> None:
        made = new_id()
        assert type(made) is type(uuid4())
        assert (made.version, made.variant) == (7, "specified in RFC 4122")

    def test_no_id_is_made_twice(self, new_id: NewId) -> None:
        assert len({new_id() for _ in range(10_000)}) == 10_000

    def test_ids_sort_by_time(self, new_id: NewId) -> None:
        made: list[UUID] = [new_id() for _ in range(1_000)]
        assert made == sorted(made)

    def test_an_id_tells_when_it_was_made(self, new_id: NewId) -> None:
        before = datetime.now(UTC)
        milliseconds = new_id().int >> 80
        assert abs(milliseconds - before.timestamp() * 1000) < 60_000
