"""The keys of an issuer, fetched from a real server on this machine: when, how often, and what if it is away."""

from __future__ import annotations

import asyncio
import gzip
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.issuing import Signer, as_json, key_server
from todo.adapters.jose.jwks import KeySet
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.issuing import KeyServer

OLD, NEW = Signer("EdDSA", "old"), Signer("ES256", "new")
LONG_ENOUGH = 20


class Seconds:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    async with key_server(OLD) as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=None) as http:  # noqa: S113  # the key set has its own
        yield http


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
async def keys(server: KeyServer, http: httpx.AsyncClient, seconds: Seconds) -> AsyncIterator[KeySet]:
    keys = KeySet(server.url, http, now=seconds)
    yield keys
    await keys.close()


async def fetched(server: KeyServer, count: int) -> None:
    """Return when the server has been asked this often."""
    async with asyncio.timeout(LONG_ENOUGH):
        while server.fetches < count:
            await server.asked.get()


class TestFetching:
    async def test_keys_are_fetched_once_for_all_who_ask_at_once(self, keys: KeySet, server: KeyServer) -> None:
        server.may_answer.clear()
        asking = [asyncio.create_task(keys.find("old", "EdDSA")) for _ in range(50)]
        await fetched(server, 1)
        server.may_answer.set()
        assert all(await asyncio.gather(*asking))
        assert await keys.find("old", "EdDSA")
        assert server.fetches == 1

    async def test_who_hangs_up_does_not_stop_it_for_the_others(self, keys: KeySet, server: KeyServer) -> None:
        server.may_answer.clear()
        first = asyncio.create_task(keys.find("old", "EdDSA"))
        await fetched(server, 1)
        second = asyncio.create_task(keys.find("old", "EdDSA"))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        server.may_answer.set()
        assert await second
        assert server.fetches == 1

    async def test_keys_are_fresh_for_five_minutes_and_then_fetched_behind_the_scenes(
        self, keys: KeySet, server: KeyServer, seconds: Seconds
    ) -> None:
        assert await keys.find("old", "EdDSA")
        seconds.now += 299
        assert await keys.find("old", "EdDSA")
        assert server.fetches == 1
        seconds.now += 1
        server.may_answer.clear()
        assert await keys.find("old", "EdDSA")  # without waiting for the answer
        await fetched(server, 2)
        server.may_answer.set()

    async def test_a_key_that_was_withdrawn_is_gone_after_that(
        self, keys: KeySet, server: KeyServer, seconds: Seconds
    ) -> None:
        assert await keys.find("old", "EdDSA")
        server.publish(NEW)
        seconds.now += 300
        assert await keys.find("new", "ES256")
        assert await keys.find("old", "EdDSA") is None

    async def test_each_is_told_of_and_whether_it_succeeded(
        self, server: KeyServer, http: httpx.AsyncClient, seconds: Seconds
    ) -> None:
        told: list[bool] = []
        keys = KeySet(server.url, http, now=seconds, fetched=told.append)
        server.status = "500 Internal Server Error"
        with pytest.raises(UnavailableError):
            await keys.find("old", "EdDSA")
        assert told == [False]
        server.status = "200 OK"
        seconds.now += 5
        assert await keys.find("old", "EdDSA")
        assert told == [False, True]


class TestUnknownKeys:
    async def test_a_flood_of_them_is_one_fetch_in_five_seconds(
        self, keys: KeySet, server: KeyServer, seconds: Seconds
    ) -> None:
        assert await keys.find("old", "EdDSA")
        seconds.now += 5
        for round_ in range(5):
            found = await asyncio.gather(*(keys.find(f"{round_}-{number}", "EdDSA") for number in range(200)))
            assert not any(found)
            seconds.now += 0.9
        assert server.fetches == 2
        seconds.now += 5
        assert not any([await keys.find(f"more-{number}", "EdDSA") for number in range(200)])
        assert server.fetches == 3

    async def test_nobody_waits_for_the_next_fetch_after_one_in_vain(
        self, keys: KeySet, server: KeyServer, seconds: Seconds
    ) -> None:
        assert await keys.find("old", "EdDSA")
        seconds.now += 5
        assert await keys.find("unknown", "EdDSA") is None
        seconds.now += 2
        assert await keys.find("another", "EdDSA") is None
        assert server.fetches == 2

    async def test_a_key_of_another_algorithm_is_no_reason_to_fetch(
        self, keys: KeySet, server: KeyServer, seconds: Seconds
    ) -> None:
        assert await keys.find("old", "EdDSA")
        seconds.now += 60
        assert await keys.find("old", "ES256") is None
        assert server.fetches == 1

    async def test_a_new_key_is_found_at_once(self, keys: KeySet, server: KeyServer, seconds: Seconds) -> None:
        assert await keys.find("old", "EdDSA")
        seconds.now += 5
        server.publish(NEW, OLD)
        assert await keys.find("new", "ES256")
        assert await keys.find("old", "EdDSA")
        assert server.fetches == 2

    async def test_a_new_key_right_after_a_fetch_is_found_when_the_next_is_allowed(
        self, server: KeyServer, http: httpx.AsyncClient
    ) -> None:
        keys = KeySet(server.url, http, interval=0.3)
        assert await keys.find("old", "EdDSA")
        server.publish(NEW, OLD)
        assert all(await asyncio.gather(*(keys.find("new", "ES256") for _ in range(20))))
        assert server.fetches == 2
        await keys.close()

    async def test_nobody_waits_longer_than_clients_do(self, keys: KeySet, server: KeyServer, seconds: Seconds) -> None:
        assert await keys.find("old", "EdDSA")
        server.publish(NEW, OLD)
        seconds.now += 0.9
        async with asyncio.timeout(1):
            assert await keys.find("new", "ES256") is None
        assert server.fetches == 1
        seconds.now += 4.1
        assert await keys.find("new", "ES256")


class TestAnIssuerThatIsAway:
    async def test_there_is_nothing_to_decide_with(self, keys: KeySet, server: KeyServer, seconds: Seconds) -> None:
        await server.stop()
        for _ in range(3):
            with pytest.raises(UnavailableError):
                await keys.find("old", "EdDSA")
        await server.start()
        with pytest.raises(UnavailableError):  # it was asked less than five seconds ago
            await keys.find("old", "EdDSA")
        seconds.now += 5
        assert await keys.find("old", "EdDSA")
        assert server.fetches == 1

    async def test_who_comes_again_when_told_to_is_answered(
        self, keys: KeySet, server: KeyServer, seconds: Seconds
    ) -> None:
        server.status = "500 Internal Server Error"
        told = []
        for later in (0, 0.5, 4.4):
            seconds.now += later
            with pytest.raises(UnavailableError) as refused:
                await keys.find("old", "EdDSA")
            told.append(refused.value.retry_after)
        assert told == [5, 5, 1]
        server.status = "200 OK"
        seconds.now += told[-1]
        assert await keys.find("old", "EdDSA")

    async def test_its_keys_are_used_for_a_day(self, keys: KeySet, server: KeyServer, seconds: Seconds) -> None:
        assert await keys.find("old", "EdDSA")
        await server.stop()
        for _ in range(23):
            seconds.now += 3600
            assert await keys.find("old", "EdDSA")
            assert await keys.find("unknown", "EdDSA") is None
        seconds.now += 3600
        with pytest.raises(UnavailableError):
            await keys.find("old", "EdDSA")
        await server.start()
        seconds.now += 5
        assert await keys.find("old", "EdDSA")

    @pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "404 Not Found", "500 Oh", "204 None"])
    async def test_no_other_answer_will_do_and_none_is_followed(
        self, keys: KeySet, server: KeyServer, status: str
    ) -> None:
        server.status = status
        server.headers = {"Location": server.url}
        with pytest.raises(UnavailableError):
            await keys.find("old", "EdDSA")
        assert server.fetches == 1

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"not JSON",
            b"[]",
            b"{}",
            b'{"keys":{}}',
            b'{"keys":null}',
            b"\xff\xfe",
            b"[" * 20_000,
            as_json({"keys": [OLD.jwk()], "more": "x" * 65_536}),
            as_json({"keys": [OLD.jwk(kid=str(number)) for number in range(65)]}),
        ],
        ids=["empty", "text", "list", "object", "keys object", "keys null", "bytes", "bomb", "too large", "too many"],
    )
    async def test_what_is_no_key_set_is_no_answer(self, keys: KeySet, server: KeyServer, body: bytes) -> None:
        server.publish_text(body)
        with pytest.raises(UnavailableError):
            await keys.find("old", "EdDSA")

    async def test_what_is_packed_is_not_unpacked(self, keys: KeySet, server: KeyServer) -> None:
        server.headers = {"Content-Encoding": "gzip"}
        server.publish_text(gzip.compress(as_json({"keys": [OLD.jwk()]})))
        with pytest.raises(UnavailableError):
            await keys.find("old", "EdDSA")

    async def test_one_that_never_answers_is_waited_for_three_seconds(self, keys: KeySet, server: KeyServer) -> None:
        server.may_answer.clear()
        async with asyncio.timeout(5):
            with pytest.raises(UnavailableError):
                await keys.find("old", "EdDSA")

    async def test_an_empty_key_set_is_an_answer(self, keys: KeySet, server: KeyServer) -> None:
        server.publish()
        assert await keys.find("old", "EdDSA") is None

    async def test_sixty_four_keys_are_not_too_many(self, keys: KeySet, server: KeyServer) -> None:
        server.publish(*(OLD.jwk(kid=str(number)) for number in range(64)))
        assert await keys.find("63", "EdDSA")


class TestRotation:
    async def test_requests_go_on_while_keys_change(self, server: KeyServer, http: httpx.AsyncClient) -> None:
        keys = KeySet(server.url, http, interval=0.05)
        signers = [OLD, *(Signer("EdDSA", f"rotated-{number}") for number in range(8))]
        for last, new in pairwise(signers):
            server.publish(last, new)
            asked = (keys.find(one.key_id, "EdDSA") for one in [last, new] * 20)
            assert all(await asyncio.gather(*asked))
        assert server.fetches == 8
        await keys.close()
