"""What is not HTTP, or HTTP that two readers could read in two ways: refused, and the connection ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.wire import request

if TYPE_CHECKING:
    from tests.hostile.wire import Host

HOST = b"Host: todo.test\r\n"
LINE = b"GET /livez HTTP/1.1\r\n"
POST = b"POST /api/auth/login HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = (400, "malformed_request")

NO_HTTP = {
    "a TLS hello": bytes.fromhex("16030100a10100009d0303") + b"\x01" * 150,
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/1.2": b"GET /livez HTTP/1.2\r\n" + HOST + b"\r\n",
    "HTTP/2.0": b"GET /livez HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/9.9": b"GET /livez HTTP/9.9\r\n" + HOST + b"\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "zeros": b"\x00" * 4096,
    "every byte": bytes(range(256)) * 16,
    "a method in lower case": b"get /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method of a thousand letters": b"G" * 1000 + b" /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a proxy's request": b"CONNECT todo.test:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "lines that end in LF": b"GET /livez HTTP/1.1\nHost: todo.test\n\n",
    "a CR inside a field": LINE + b"Host: todo.test\rX: y\r\n\r\n",
    "a NUL in the path": b"GET /li\x00vez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL in a field": LINE + HOST + b"X: a\x00b\r\n\r\n",
    "a control character in a field": LINE + HOST + b"X: a\x0bb\r\n\r\n",
    "a space before the colon": LINE + HOST + b"X : a\r\n\r\n",
    "a field without a name": LINE + HOST + b": a\r\n\r\n",
    "a field without a colon": LINE + HOST + b"nothing\r\n\r\n",
    "a field on two lines": LINE + HOST + b"X: a\r\n b\r\n\r\n",
    "a field before the first": LINE + b" X: a\r\n" + HOST + b"\r\n",
    "a tab in the line": b"GET\t/livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "UTF-8 in the path": "GET /ü HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    "half of UTF-8 in the path": b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "a path that is none": b"GET livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a query alone": b"GET ?a HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"GET /livez#here HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address without a path": b"GET http://todo.test HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": LINE + b"\r\n",
    "two hosts": LINE + HOST + HOST + b"\r\n",
    "a host with a path": LINE + b"Host: todo.test/a?b\r\n\r\n",
    "a host with a space": LINE + b"Host: todo test\r\n\r\n",
    "two people at once": LINE + HOST + b"Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
    "a host with a name before it": LINE + b"Host: a@todo.test\r\n\r\n",
}

SMUGGLED = b"GET /readyz HTTP/1.1\r\n" + HOST + b"\r\n"
"""What a proxy would take for part of a body, or a server for a second request."""

AMBIGUOUS = {
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "one length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n{}",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a hexadecimal length": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "a length with a space in it": POST + b"Content-Length: 0 2\r\n\r\n{}",
    "an empty length": POST + b"Content-Length:\r\n\r\n{}",
    "a length past all bounds": POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "a length and chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "a coding that is not chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding before chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding after chunked": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity, then chunked": POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, then another": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n",
    "chunked behind a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked with a space in its name": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunks of HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk whose size is no number": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "a chunk whose size is negative": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "a chunk whose size is past all bounds": CHUNKED + b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "a chunk that is longer than its size": CHUNKED + b"2\r\n{}xx0\r\n\r\n",
    "a chunk whose extension ends in LF": CHUNKED + b"2;\n{}\r\n0\r\n\r\n",
    "a length behind the chunks": CHUNKED + b"2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP)
async def test_what_is_not_http_is_told_so(host: Host, sent: bytes) -> None:
    async with host.wire() as wire:
        await wire.send(sent)
        (answer,) = await wire.answers()
    assert answer.code == MALFORMED
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("sent", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_what_can_be_read_in_two_ways_is_not_read(host: Host, sent: bytes) -> None:
    async with host.wire() as wire:
        await wire.send(sent + SMUGGLED)
        (answer,) = await wire.answers()
    assert answer.code == MALFORMED


async def test_nothing_behind_a_last_request_is_answered(host: Host) -> None:
    for rest in (SMUGGLED, b"\x00garbage"):
        async with host.wire() as wire:
            await wire.send(request("GET", "/livez", "Connection: close") + rest)
            assert [answer.status for answer in await wire.answers()] == [200]


async def test_answers_that_are_due_come_before_the_end(host: Host) -> None:
    async with host.wire() as wire:
        await wire.send(request("GET", "/livez") * 3 + b"\x00garbage")
        answers = await wire.answers()
    assert [answer.status for answer in answers] == [200] * 3
    assert answers[-1].headers.get("connection") == "close"


async def test_garbage_after_an_answer_is_refused(host: Host) -> None:
    async with host.wire() as wire:
        await wire.send(request("GET", "/livez"))
        first = await wire.answer()
        await wire.send(b"\x00garbage")
        (second,) = await wire.answers()
    assert first
    assert first.status == 200
    assert second.code == MALFORMED


async def test_requests_sent_ahead_are_answered_in_order(host: Host) -> None:
    async with host.wire() as wire:
        await wire.send(b"".join(request("GET", path) for path in ("/livez", "/nowhere") * 40))
        statuses = []
        for _ in range(80):
            answer = await wire.answer()
            assert answer
            statuses.append(answer.status)
    assert statuses == [200, 404] * 40


async def test_no_more_are_sent_ahead_than_anybody_needs(host: Host) -> None:
    async with host.wire() as wire:
        await wire.send(request("GET", "/livez") * 5_000)
        answers = await wire.answers()
    assert len(answers) < 5_000
    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0"])
async def test_who_asks_for_another_protocol_is_answered_in_this_one(host: Host, protocol: str) -> None:
    """Java's client asks for HTTP/2 with its first request, whatever that is, and so does `curl --http2`."""
    wish = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAMAAABkAAQ")
    guess = b'{"email": "nobody@example.com", "password": "a wrong guess"}'
    async with host.wire() as wire:
        sent = request("POST", "/api/auth/login", *wish, body=guess) + request("GET", "/livez", *wish)
        await wire.send(sent[:200], sent[200:], request("GET", "/nowhere"))
        first, second, third = [await wire.answer() for _ in range(3)]
    assert first
    assert first.code == (401, "wrong_credentials")
    assert second
    assert second.status == 200
    assert third
    assert third.code == (404, "unknown_route")


async def test_who_is_refused_before_the_body_may_leave_it_out(host: Host) -> None:
    async with host.wire() as wire:
        await wire.send(request("POST", "/api/auth/login", "Expect: 100-continue", "Content-Length: 99999999"))
        answer = await wire.answer()
        assert answer
        assert answer.headers["connection"] == "close"
        assert await wire.is_closed()
    assert answer.code == (413, "too_large")


@pytest.mark.parametrize("method", ["FOO", "GETT", "X-Y", "G" * 40])
async def test_methods_that_exist_nowhere_are_not_known(host: Host, method: str) -> None:
    assert (await host.exchange(request(method, "/livez"))).code == (501, "unknown_method")


@pytest.mark.parametrize("method", ["TRACE", "QUERY", "PROPFIND", "PURGE", "SUBSCRIBE", "M-SEARCH"])
async def test_methods_that_exist_elsewhere_are_not_allowed(host: Host, method: str) -> None:
    answer = await host.exchange(request(method, "/livez"))
    assert answer.code == (405, "method_not_allowed")
    assert "get" in answer.headers["allow"]


async def test_http_1_0_needs_no_host(host: Host) -> None:
    async with host.wire() as wire:
        await wire.send(b"GET /livez HTTP/1.0\r\n\r\n")
        assert [answer.status for answer in await wire.answers()] == [200]
