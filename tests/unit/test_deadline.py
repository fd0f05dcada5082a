"""A moment that is put off again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from todo.entrypoints.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer:
    """A timer of the loop below."""

    def __init__(self, loop: Loop, moment: float, ring: Callable[[], None]) -> None:
        self.moment, self.ring = moment, ring
        self._loop = loop

    def cancel(self) -> None:
        self._loop.timers.remove(self)


class Loop:
    """What a deadline needs of a loop, with a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []
        self.timers_made = 0

    def time(self) -> float:
        return self.now

    def call_at(self, moment: float, ring: Callable[[], None]) -> Timer:
        self.timers_made += 1
        self.timers.append(Timer(self, moment, ring))
        return self.timers[-1]

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while due := sorted((timer for timer in self.timers if timer.moment <= until), key=lambda each: each.moment):
            self.now = due[0].moment
            due[0].cancel()
            due[0].ring()
        self.now = until


def deadline() -> tuple[Deadline, Loop, list[float]]:
    loop: Any = Loop()
    passed: list[float] = []
    return Deadline(loop, lambda: passed.append(loop.now)), loop, passed


def test_it_comes_once_when_it_was_set_for() -> None:
    moment, loop, passed = deadline()
    moment.set(30)
    loop.wait(100)
    assert passed == [130]
    assert loop.timers == []


def test_it_comes_when_it_was_set_for_last_whether_later_or_earlier() -> None:
    moment, loop, passed = deadline()
    moment.set(30)
    loop.wait(20)
    moment.set(75)
    loop.wait(74)
    assert passed == []
    moment.set(5)
    loop.wait(100)
    assert passed == [199]


def test_it_does_not_come_when_it_is_lifted_and_comes_again_when_it_is_set_again() -> None:
    moment, loop, passed = deadline()
    moment.set(30)
    moment.lift()
    loop.wait(100)
    assert passed == []
    moment.set(7)
    loop.wait(100)
    assert passed == [207]


def test_it_leaves_no_timer_behind() -> None:
    moment, loop, passed = deadline()
    moment.set(30)
    moment.close()
    assert loop.timers == []
    loop.wait(100)
    assert passed == []


def test_putting_it_off_needs_no_timer() -> None:
    moment, loop, passed = deadline()
    for _ in range(1_000):
        moment.set(30)
        moment.lift()
        moment.set(75)
        loop.wait(0.05)
    assert loop.timers_made < 10
    assert passed == []


async def test_it_keeps_the_time_of_a_real_loop() -> None:
    loop = asyncio.get_running_loop()
    passed = asyncio.Event()
    begun = loop.time()
    moment = Deadline(loop, passed.set)
    moment.set(0.01)
    moment.set(0.05)
    await passed.wait()
    assert loop.time() - begun >= 0.05
