"""How a session goes on, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_session, a_user_id
from todo.domain.errors import InvalidRefreshTokenError, RefreshTokenReusedError

if TYPE_CHECKING:
    from todo.domain.session import Session

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)

BEGUN = a_session(a_user_id())


class TestRefreshing:
    def test_moves_to_the_next_generation(self) -> None:
        moved = BEGUN.refreshed(0, NOON + DAY)
        assert (moved.generation, moved.last_used_at, moved.created_at) == (1, NOON + DAY, NOON)
        assert BEGUN.generation == 0

    @pytest.mark.parametrize("later", [timedelta(), SECOND, 10 * SECOND - MOMENT])
    def test_again_within_ten_seconds_changes_nothing(self, later: timedelta) -> None:
        moved = BEGUN.refreshed(0, NOON)
        assert moved.refreshed(0, NOON + later) is moved

    @pytest.mark.parametrize("later", [10 * SECOND, DAY, -DAY])
    def test_again_later_is_theft(self, later: timedelta) -> None:
        with pytest.raises(RefreshTokenReusedError):
            BEGUN.refreshed(0, NOON).refreshed(0, NOON + later)

    def test_with_an_older_token_is_theft_at_once(self) -> None:
        twice = BEGUN.refreshed(0, NOON).refreshed(1, NOON)
        with pytest.raises(RefreshTokenReusedError):
            twice.refreshed(0, NOON)

    def test_with_a_token_from_the_future_is_refused(self) -> None:
        with pytest.raises(InvalidRefreshTokenError):
            BEGUN.refreshed(1, NOON)

    def test_the_grace_is_counted_from_the_move_and_not_from_the_repeat(self) -> None:
        moved = BEGUN.refreshed(0, NOON).refreshed(0, NOON + 9 * SECOND)
        with pytest.raises(RefreshTokenReusedError):
            moved.refreshed(0, NOON + 11 * SECOND)


class TestEnding:
    def test_after_seven_days_without_use(self) -> None:
        assert BEGUN.refreshed(0, NOON + 7 * DAY - MOMENT).generation == 1
        with pytest.raises(InvalidRefreshTokenError):
            BEGUN.refreshed(0, NOON + 7 * DAY)

    def test_each_use_begins_the_seven_days_anew(self) -> None:
        assert BEGUN.refreshed(0, NOON + 6 * DAY).refreshed(1, NOON + 12 * DAY).is_live(NOON + 18 * DAY)

    def test_after_thirty_days_however_it_is_used(self) -> None:
        session = BEGUN
        for days in range(5, 30, 5):
            session = session.refreshed(session.generation, NOON + days * DAY)
        assert session.ends_at == NOON + 30 * DAY
        assert session.is_live(NOON + 30 * DAY - MOMENT)
        assert not session.is_live(NOON + 30 * DAY)

    @pytest.mark.parametrize("generation", [0, 1, 2])
    def test_when_it_is_revoked_for_every_token(self, generation: int) -> None:
        revoked = BEGUN.refreshed(0, NOON).revoked(NOON + SECOND)
        assert revoked.ends_at == NOON + SECOND
        with pytest.raises(InvalidRefreshTokenError):
            revoked.refreshed(generation, NOON + SECOND)

    def test_revoked_it_stays_even_for_a_clock_that_is_behind(self) -> None:
        assert not BEGUN.revoked(NOON + SECOND).is_live(NOON)

    @pytest.mark.parametrize(("ended", "now"), [(replace(BEGUN, revoked_at=NOON), NOON + DAY), (BEGUN, NOON + 7 * DAY)])
    def test_what_has_ended_cannot_be_revoked(self, ended: Session, now: datetime) -> None:
        assert ended.revoked(now) is ended
