"""Days in time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from todo.application.zones import DueRange, Moment, day_of, parse_zone
from todo.domain.errors import InvalidError

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("zone", "day", "begins", "next_begins"),
    [
        ("UTC", date(2026, 11, 21), "2026-11-21T00:00Z", "2026-11-22T00:00Z"),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("Asia/Kathmandu", date(2026, 1, 1), "2025-12-31T18:15Z", "2026-01-01T18:15Z"),
        ("Pacific/Kiritimati", date(2026, 1, 1), "2025-12-31T10:00Z", "2026-01-01T10:00Z"),
        # clocks that went from midnight to one
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00Z", "2018-11-05T02:00Z"),
        # clocks that went from one to midnight
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00Z", "2026-11-02T05:00Z"),
        # a day that was left out
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00Z", "2011-12-30T10:00Z"),
    ],
)
def test_a_day_goes_from_its_first_moment_to_its_last(zone: str, day: date, begins: str, next_begins: str) -> None:
    due = DueRange.between(day, day, ZoneInfo(zone))
    assert (due.first_day, due.last_day) == (day, day)
    assert due.first_instant == datetime.fromisoformat(begins)
    assert due.last_instant == datetime.fromisoformat(next_begins) - TICK


def test_an_instant_stands_for_itself_and_for_the_day_that_it_is_in() -> None:
    instant = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    due = DueRange.between(instant, instant, ZoneInfo("Europe/Berlin"))
    assert due == DueRange(date(2026, 11, 22), date(2026, 11, 22), instant, instant)


def test_a_side_without_bound_is_open() -> None:
    assert DueRange.between(None, None, UTC) == DueRange(date.min, date.max, FIRST, LAST)
    assert DueRange.between(date(2026, 1, 1), None, UTC).last_instant == LAST
    assert DueRange.between(None, date(2026, 1, 1), UTC).first_day == date.min


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_at_the_ends_of_the_calendar_every_bound_is_one(zone: str) -> None:
    for bound in (date.min, date.max, FIRST, LAST):
        DueRange.between(bound, bound, ZoneInfo(zone))
    assert DueRange.between(date.min, date.max, ZoneInfo(zone)) == DueRange()


def test_what_day_it_is_depends_on_where() -> None:
    evening = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert Moment(evening).today == date(2026, 12, 31)
    assert Moment(evening, ZoneInfo("Europe/Berlin")).today == date(2027, 1, 1)
    assert day_of(LAST, ZoneInfo("Pacific/Kiritimati")) == date.max


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12"])
def test_zones_go_by_their_iana_names(name: str) -> None:
    assert parse_zone(name) == ZoneInfo(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Berln", "Did you mean Europe/Berlin?"),
        ("europe/paris", "Did you mean Europe/Paris?"),
        ("+02:00", ""),
        ("/etc/localtime", ""),
        ("../UTC", ""),
        ("America", ""),
        ("Factory", ""),
        ("\x00", ""),
        ("x" * 100_000, ""),
    ],
)
def test_other_names_are_refused_with_the_nearest_one(name: str, hint: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_zone(name)
    assert hint in str(refused.value)
