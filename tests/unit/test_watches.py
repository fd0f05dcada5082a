from __future__ import annotations

import pytest

from todo.application.watches import Watches
from todo.domain.errors import UnavailableError
from todo.domain.values import UserId

ADA = UserId("ada")


async def test_what_happened_before_the_end_is_still_told() -> None:
    watches = Watches()
    with watches.watch(ADA) as watch:
        watches.wake(ADA)
        watches.close()
        assert await watch.wait(30)
        with pytest.raises(UnavailableError):
            await watch.wait(30)
        with pytest.raises(UnavailableError):
            await watch.wait(30)


async def test_a_watch_that_saw_nothing_ends_at_once() -> None:
    watches = Watches()
    with watches.watch(ADA) as before:
        watches.close()
        with pytest.raises(UnavailableError):
            await before.wait(30)
    with watches.watch(ADA) as after, pytest.raises(UnavailableError):
        await after.wait(30)


async def test_each_wake_is_told_once() -> None:
    watches = Watches()
    with watches.watch(ADA) as watch:
        watches.wake(ADA)
        watches.wake(ADA)
        assert await watch.wait(30)
        assert not await watch.wait(0.001)
