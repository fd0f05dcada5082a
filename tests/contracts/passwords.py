"""What `PasswordHasher` promises. A subclass brings the fixture `passwords`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from todo.domain.values import Password

if TYPE_CHECKING:
    from todo.application.ports import PasswordHasher

GOOD = Password("correct horse battery")
ODD = ["        ", "\0" * 8, "😀" * 128, "pa%s$1'\\\"", "line\nline\n", "קוד סודי"]


class PasswordHasherContract:
    async def test_a_password_matches_its_hash(self, passwords: PasswordHasher) -> None:
        assert await passwords.matches(GOOD, await passwords.hash(GOOD))

    @pytest.mark.parametrize("text", ODD, ids=ascii)
    async def test_any_password_matches_its_hash(self, passwords: PasswordHasher, text: str) -> None:
        assert await passwords.matches(Password(text), await passwords.hash(Password(text)))

    @pytest.mark.parametrize(
        "text", ["Correct horse battery", "correct horse battery ", "correct horse batter", "", *ODD]
    )
    async def test_another_password_does_not(self, passwords: PasswordHasher, text: str) -> None:
        assert not await passwords.matches(Password(text), await passwords.hash(GOOD))

    async def test_every_character_counts(self, passwords: PasswordHasher) -> None:
        hashed = await passwords.hash(Password("x" * 128))
        assert not await passwords.matches(Password("x" * 127 + "y"), hashed)
        assert not await passwords.matches(Password("x" * 64 + "\0" + "x" * 63), hashed)

    @pytest.mark.parametrize("text", [GOOD, "the password of nobody", "", *ODD])
    async def test_no_password_matches_no_hash(self, passwords: PasswordHasher, text: str) -> None:
        assert not await passwords.matches(Password(text), None)

    async def test_a_hash_is_salted_and_hides_the_password(self, passwords: PasswordHasher) -> None:
        first, second = await passwords.hash(GOOD), await passwords.hash(GOOD)
        assert first != second
        assert GOOD not in first

    async def test_a_fresh_hash_is_made_as_it_would_be_today(self, passwords: PasswordHasher) -> None:
        assert not passwords.needs_rehash(await passwords.hash(GOOD))

    async def test_many_at_once_do_not_mix(self, passwords: PasswordHasher) -> None:
        texts = [Password(f"password {number}") for number in range(7)]
        hashes = await asyncio.gather(*map(passwords.hash, texts))
        found = await asyncio.gather(*(passwords.matches(text, one) for text in texts for one in hashes))
        assert found == [text is other for text in texts for other in texts]

    async def test_a_hash_made_today_is_made_as_it_should_be(self, passwords: PasswordHasher) -> None:
        assert not passwords.needs_rehash(await passwords.hash(GOOD))
