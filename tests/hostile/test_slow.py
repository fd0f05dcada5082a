"""Clients that take their time, on purpose: bounded, and never at the expense of the others."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.containers import memory_container
from tests.hostile.wire import Host, Wire, request
from tests.streams import Client, serving
from todo.entrypoints import connections, stall
from todo.entrypoints.connections import REQUEST_WITHIN, Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.hostile.conftest import Target

TIMEOUT = (408, "request_timeout")
HURRY = 1.0
"""Seconds that a request may take, where a test cannot wait for thirty."""


@pytest.fixture
async def hurried(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    """The service in this process, with less patience."""
    monkeypatch.setattr(connections, "REQUEST_WITHIN", HURRY)
    async with serving(memory_container()) as server:
        yield Host(server.url)


BEGUN = (
    b"G",
    b"GET /livez HTTP/1.1\r\nHost: todo.test\r\n",
    request("GET", "/livez")[:-2],
    request("POST", "/api/auth/login", "Content-Type: application/json", "Content-Length: 9") + b"{",
    request("POST", "/api/auth/login", "Content-Type: application/json", "Transfer-Encoding: chunked") + b"ff\r\n{",
    request("POST", "/api/auth/login", "Content-Type: application/json", "Transfer-Encoding: chunked")
    + b"ffffffffffffff\r\n{",
)


async def test_what_does_not_go_on_is_given_up(hurried: Host) -> None:
    async def answered(begun: bytes) -> tuple[tuple[int, str], str]:
        async with hurried.wire() as wire:
            await wire.send(begun)
            (answer,) = await wire.answers()
        return answer.code, answer.headers["connection"]

    answers = await asyncio.gather(*map(answered, BEGUN))
    assert dict(zip(BEGUN, answers, strict=True)) == dict.fromkeys(BEGUN, (TIMEOUT, "close"))


async def _trickle(wire: Wire, byte: bytes) -> None:
    while True:
        await wire.send(byte)
        await asyncio.sleep(HURRY / 10)


BYTE_BY_BYTE = {
    b"GET /livez HTTP/1.1\r\nHost: todo.test\r\nX: ": b"a",
    b"GET /livez HTTP/1.1\r\nHost: todo.test\r\n": b"X: a\r\n",
    request("POST", "/api/auth/login", "Content-Type: application/json", "Content-Length: 99999"): b" ",
}


async def test_a_byte_now_and_then_does_not_help(hurried: Host) -> None:
    async def answered(begun: bytes) -> tuple[int, str]:
        async with hurried.wire() as wire:
            await wire.send(begun)
            trickling = asyncio.create_task(_trickle(wire, BYTE_BY_BYTE[begun]))
            answer = await wire.answer()
            trickling.cancel()
        assert answer
        return answer.code

    codes = await asyncio.gather(*map(answered, BYTE_BY_BYTE))
    assert dict(zip(BYTE_BY_BYTE, codes, strict=True)) == dict.fromkeys(BYTE_BY_BYTE, TIMEOUT)


@pytest.mark.parametrize("byte", [b"", b"\r\n"])
async def test_who_connects_and_asks_for_nothing_is_left(hurried: Host, byte: bytes) -> None:
    async with hurried.wire() as wire:
        trickling = asyncio.create_task(_trickle(wire, byte))
        assert await wire.is_closed()
        trickling.cancel()


async def test_after_an_answer_the_next_request_has_its_own_time(hurried: Host) -> None:
    async with hurried.wire() as wire:
        for _ in range(3):
            await wire.send(request("GET", "/livez"))
            answer = await wire.answer()
            assert answer
            assert answer.status == 200
            await asyncio.sleep(HURRY * 0.6)
        await wire.send(b"GET /livez")
        (answer,) = await wire.answers()
    assert answer.code == TIMEOUT


async def test_an_answer_that_takes_its_time_is_not_cut(hurried: Host) -> None:
    """A stream goes on for as long as both sides like."""
    async with serving(memory_container()) as server:
        ada: Client = await server.sign_up()
        async with ada.stream() as stream:
            await asyncio.sleep(HURRY * 2)
            task = await ada.add()
            assert await stream.changes(1) == [task]
        await server.hang_up()
    assert await hurried.is_alive()


async def test_a_body_of_an_answered_request_is_not_waited_for_either(hurried: Host) -> None:
    async with hurried.wire() as wire:
        await wire.send(request("POST", "/api/tasks", "Content-Type: application/json", "Content-Length: 9"))
        answers = await wire.answers()
    assert [answer.code for answer in answers] == [(401, "invalid_token")]


async def test_who_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stall, "STALLED_AFTER", HURRY)
    async with serving(memory_container()) as server:
        ada = await server.sign_up()
        for _ in range(10):
            operations = [{"op": "create", "task": {"title": "A", "description": "a" * 9_900}}] * 100
            await ada.ask("POST", "/api/tasks/batch", {"operations": operations})
        host = Host(server.url)
        async with host.wire() as wire:
            sent = request("GET", "/api/tasks", f"Authorization: Bearer {ada.token}")
            await wire.send(sent * 4)  # ten megabytes each: more than the two kernels hold for us
            async with asyncio.timeout(60):
                # the other one is ada's own
                while len(server._server.server_state.connections) > 1:  # noqa: ASYNC110 - the server sets no event
                    await asyncio.sleep(0.05)
        await server.hang_up()


@pytest.fixture
async def kept() -> AsyncIterator[tuple[Wire, Connection]]:
    """Both ends of a connection that has had an answer, and is open for more."""
    async with serving(memory_container()) as server, Host(server.url).wire() as wire:
        await wire.send(request("GET", "/livez"))
        assert await wire.answer()
        (connection,) = server._server.server_state.connections
        assert isinstance(connection, Connection)
        yield wire, connection


async def test_who_reads_again_is_served_on(kept: tuple[Wire, Connection]) -> None:
    wire, connection = kept
    connection.pause_writing()
    await wire.send(request("GET", "/livez"))
    connection.resume_writing()
    answer = await wire.answer()
    assert answer
    assert answer.status == 200


async def test_who_rests_too_long_is_hung_up_on(kept: tuple[Wire, Connection]) -> None:
    wire, connection = kept
    connection.timeout_keep_alive = 1
    await wire.send(request("GET", "/livez"))
    begun = time.monotonic()
    assert [answer.status for answer in await wire.answers()] == [200]
    assert time.monotonic() - begun >= 1


async def test_who_has_begun_to_ask_is_not_taken_for_idle(kept: tuple[Wire, Connection]) -> None:
    wire, connection = kept
    connection.timeout_keep_alive = 1
    asked = request("GET", "/livez")
    await wire.send(asked)
    assert await wire.answer()
    await wire.send(asked[:1])
    await asyncio.sleep(1.5)
    await wire.send(asked[1:])
    answer = await wire.answer()
    assert answer
    assert answer.status == 200


async def test_there_are_only_so_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 5)
    async with serving(memory_container()) as server:
        host = Host(server.url)
        wires = [host.wire() for _ in range(5)]
        for wire in wires:
            await wire.__aenter__()
        answer = await host.exchange(b"")
        assert answer.code == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        await wires.pop().__aexit__(None, None, None)
        async with asyncio.timeout(60):
            while (await host.exchange(request("GET", "/livez"))).status != 200:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        for wire in wires:
            await wire.__aexit__(None, None, None)


@pytest.mark.prove
async def test_a_thousand_that_never_finish_hold_up_nobody(target: Target) -> None:
    """With the patience that the service really has."""

    async def never_finish(begun: bytes) -> tuple[int, str]:
        async with target.host.wire() as wire:
            await wire.send(begun)
            answer = await wire.answer()
        assert answer
        return answer.code

    starts = (b"GET /livez HTTP/1.1\r\n", request("POST", "/api/tasks", target.authorization, "Content-Length: 9"))
    begun = time.monotonic()
    slow = [asyncio.create_task(never_finish(starts[number % 2])) for number in range(900)]
    served = 0
    while not all(one.done() for one in slow):
        assert await target.host.is_alive()
        served += 1
        await asyncio.sleep(0.2)
    assert {await one for one in slow} <= {TIMEOUT, (415, "unsupported_media_type")}
    assert REQUEST_WITHIN - 5 < time.monotonic() - begun < 4 * REQUEST_WITHIN
    assert served > 10
