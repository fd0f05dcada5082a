"""Argon2 keeps the promises, at the price that OWASP asks for, and in no one's way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import argon2
import pytest

from tests.builders import CHEAP_PASSWORDS
from tests.contracts.passwords import GOOD, PasswordHasherContract
from todo.adapters.argon2 import HASHES_AT_ONCE, Argon2Passwords
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from todo.application.ports import PasswordHasher


class TestArgon2(PasswordHasherContract):
    @pytest.fixture
    def passwords(self) -> PasswordHasher:
        return CHEAP_PASSWORDS


async def test_a_hash_costs_at_least_what_owasp_asks_for() -> None:
    parameters = argon2.extract_parameters(await Argon2Passwords().hash(GOOD))
    assert parameters.type is argon2.Type.ID
    assert parameters.memory_cost >= 19 * 1024  # KiB
    assert parameters.time_cost >= 2
    assert parameters.salt_len >= 16


async def test_who_is_unknown_is_looked_at_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []

    class Watched(argon2.PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  # argon2's name
            looked_at.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(argon2, "PasswordHasher", Watched)
    passwords = Argon2Passwords(argon2.profiles.CHEAPEST)
    await passwords.matches(GOOD, await passwords.hash(GOOD))
    await passwords.matches(GOOD, None)
    known, unknown = map(argon2.extract_parameters, looked_at)
    assert known == unknown


async def test_nobody_waits_for_a_hash() -> None:
    slow = Argon2Passwords(
        argon2.Parameters(argon2.Type.ID, 19, 16, 32, time_cost=8, memory_cost=16 * 1024, parallelism=1)
    )
    hashing = asyncio.gather(*(slow.hash(GOOD) for _ in range(2 * HASHES_AT_ONCE)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 2 * HASHES_AT_ONCE
    await hashing


SLOW = argon2.Parameters(argon2.Type.ID, 19, 16, 32, time_cost=8, memory_cost=16 * 1024, parallelism=1)


async def test_a_hash_made_in_another_way_is_to_be_made_anew() -> None:
    assert CHEAP_PASSWORDS.needs_rehash(await Argon2Passwords(SLOW).hash(GOOD))


@pytest.mark.parametrize("no_hash", ["", "$argon2id$", "plain text"])
async def test_what_is_no_hash_matches_nothing(no_hash: str) -> None:
    assert not await CHEAP_PASSWORDS.matches(GOOD, no_hash or "x")


async def test_more_than_can_wait_are_sent_away() -> None:
    passwords = Argon2Passwords(SLOW, waiting=3)
    places = HASHES_AT_ONCE + 3
    outcomes = await asyncio.gather(*(passwords.hash(GOOD) for _ in range(places + 2)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str] * places + [UnavailableError] * 2
    assert await passwords.matches(GOOD, await passwords.hash(GOOD))


async def test_who_gives_up_waiting_leaves_the_queue() -> None:
    passwords = Argon2Passwords(SLOW, waiting=3)
    places = HASHES_AT_ONCE + 3
    for _ in range(5):
        given_up = [asyncio.create_task(passwords.hash(GOOD)) for _ in range(places)]
        await asyncio.sleep(0)
        for task in given_up:
            task.cancel()
        assert all(
            isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*given_up, return_exceptions=True)
        )
        # those that a thread had begun still run: they are waited for, in the places that are left
        assert await asyncio.gather(*(passwords.hash(GOOD) for _ in range(3)))
