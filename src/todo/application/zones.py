"""Days in time zones: a day stands for its whole length, from its first moment to its last.

The first day of the calendar has no beginning, and the last has no end: some clocks show neither.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from todo.domain.errors import InvalidError

if TYPE_CHECKING:
    from datetime import tzinfo

    from todo.domain.values import Due

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_OF_THIS_MACHINE = {"Factory", "localtime"}


class Moment(NamedTuple):
    """A moment, and the time zone in whose days it is looked at."""

    now: datetime
    zone: tzinfo = UTC

    @property
    def today(self) -> date:
        """The day that it is."""
        return day_of(self.now, self.zone)


class DueRange(NamedTuple):
    """From when to when something is due, both included: on a day, or else at an instant."""

    first_day: date = date.min
    last_day: date = date.max
    first_instant: datetime = _FIRST
    last_instant: datetime = _LAST

    @classmethod
    def between(cls, after: Due | None, before: Due | None, zone: tzinfo) -> DueRange:
        """From one bound to the other; None leaves a side open.

        A day lies between if any part of it does, and a bound that is a day lies between as a whole.
        """
        first = (_first_of(after, zone), _day(after, zone)) if after else (_FIRST, date.min)
        last = (_last_of(before, zone), _day(before, zone)) if before else (_LAST, date.max)
        return cls(first[1], last[1], first[0], last[0])


def parse_zone(name: str) -> ZoneInfo:
    """A time zone by its name in the IANA database."""
    if name not in _zone_names():
        near = get_close_matches(name, _zone_names(), 1, 0.4)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InvalidError("unknown_value", f"must be the IANA name of a time zone, such as Europe/Berlin.{hint}")
    return ZoneInfo(name)


def day_of(instant: datetime, zone: tzinfo) -> date:
    """The day that it is in the zone at this instant."""
    try:
        return instant.astimezone(zone).date()
    except OverflowError:  # the zone's clocks show a year that the calendar does not have
        return instant.date()


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones() - _OF_THIS_MACHINE)


def _day(due: Due, zone: tzinfo) -> date:
    return day_of(due, zone) if isinstance(due, datetime) else due


def _first_of(due: Due, zone: tzinfo) -> datetime:
    if isinstance(due, datetime):
        return due
    return datetime.combine(due, time.min, zone).astimezone(UTC) if due > date.min else _FIRST


def _last_of(due: Due, zone: tzinfo) -> datetime:
    if isinstance(due, datetime):
        return due
    return _first_of(due + timedelta(days=1), zone) - _TICK if due < date.max else _LAST
