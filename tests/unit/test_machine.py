"""The time and the ids of this machine, and the clock that tests set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.builders import StoppedClock
from tests.contracts.machine import ClockContract, NewIdContract
from todo.adapters import clock as machine
from todo.adapters.clock import SystemClock

if TYPE_CHECKING:
    from todo.application.ports import Clock, NewId


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return SystemClock()

    def test_it_tells_the_time_of_this_moment(self, clock: Clock) -> None:
        before = datetime.now(UTC)
        assert before <= clock.now() <= datetime.now(UTC)


class TestStoppedClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return StoppedClock()


class TestNewId(NewIdContract):
    @pytest.fixture
    def new_id(self) -> NewId:
        return machine.new_id
