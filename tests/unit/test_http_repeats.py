"""For how long a write may be repeated, on the store in memory and a clock that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers import memory_container
from tests.http.repeats import KEY, count, is_replayed, same
from tests.http.service import PASSWORD, Person, Service, code, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.builders import StoppedClock

BODY = {"title": "Buy milk"}


@pytest.fixture
async def service(clock: StoppedClock) -> AsyncIterator[Service]:
    async with running(memory_container(clock)) as service:
        yield service


async def fresh(service: Service, person: Person) -> Person:
    """The same person, with a token that has not run out."""
    answer = await service.post("/api/auth/login", body={"email": person.email, "password": PASSWORD})
    person.token = answer.json()["access_token"]
    return person


async def test_for_a_day_and_no_longer(service: Service, clock: StoppedClock) -> None:
    ada = await service.sign_up()
    first = await ada.post(ada.home, body=BODY, headers=KEY)
    clock.go_on(hours=24, seconds=-1)
    await fresh(service, ada)
    assert same(first, await ada.post(ada.home, body=BODY, headers=KEY))
    clock.go_on(seconds=1)
    second = await ada.post(ada.home, body=BODY, headers=KEY)
    assert (second.status_code, is_replayed(second)) == (201, False)
    assert second.json()["id"] != first.json()["id"]
    assert await count(ada) == 2
    assert same(second, await ada.post(ada.home, body=BODY, headers=KEY))


async def test_then_the_key_is_free_for_anything(service: Service, clock: StoppedClock) -> None:
    ada = await service.sign_up()
    await ada.post(ada.home, body=BODY, headers=KEY)
    assert code(await ada.post(ada.home, body={"title": "Another"}, headers=KEY)) == (422, "idempotency_mismatch")
    clock.go_on(hours=24)
    await fresh(service, ada)
    assert (await ada.post(ada.home, body={"title": "Another"}, headers=KEY)).status_code == 201
