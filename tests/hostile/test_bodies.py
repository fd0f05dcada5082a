"""Bodies that explode when they are read: refused, soon, while others are served."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.hostile.wire import request

if TYPE_CHECKING:
    from tests.hostile.conftest import Target

MEBIBYTE = 1024 * 1024
SOON = 20.0
"""Seconds, on a machine that has other things to do. What is looked for took minutes."""


def filled(before: bytes, part: bytes, after: bytes = b"", *, between: bytes = b"") -> bytes:
    """As much as a body may hold."""
    count = (MEBIBYTE - len(before) - len(after)) // (len(part) + len(between))
    return before + between.join([part] * count) + after


def many_names() -> bytes:
    return b"{%b}" % b",".join(b'"%x":0' % number for number in range(95_000))


BOMBS = {
    "nesting of lists": filled(b"", b"["),
    "nesting of lists that end": filled(b"", b"[")[: MEBIBYTE // 2] + b"]" * (MEBIBYTE // 2),
    "nesting of objects": filled(b"", b'{"title":'),
    "nesting in a field that is passed over": filled(b'{"title":"a","user_id":', b"["),
    "a hundred thousand fields": many_names(),
    "a hundred thousand operations": filled(b'{"operations":[', b"{}", b"]}", between=b","),
    "a hundred thousand tags": filled(b'{"title":"a","tags":[', b'"a"', b"]}", between=b","),
    "a million digits": filled(b'{"title":', b"9", b"}"),
    "a million digits for a number": filled(b'{"operations":[{"op":"reopen","if_revision":', b"9", b"}]}"),
    "an exponent of a million digits": filled(b'{"title":1e', b"9", b"}"),
    "a million marks on a letter": filled(b'{"title":"a', "\u0301\u0323".encode(), b'"}'),
    "as many in escapes": filled(b'{"title":"a', b"\\u0301\\u0323", b'"}'),
    "marks in a description": filled(b'{"title":"a","description":"', "\u0301\u0323".encode(), b'"}'),
    "marks in a tag": filled(b'{"title":"a","tags":["', "\u0301\u0323".encode(), b'"]}'),
    "marks in a password": filled(b'{"email":"a@example.com","password":"', "\u0301\u0323".encode(), b'"}'),
    "marks in a name": filled(b'{"name":"', "\u0301\u0323".encode(), b'"}'),
    "syllables to be joined": filled(b'{"title":"', "\u1100\u1161\u11a8".encode(), b'"}'),
    "ligatures that are long when folded": filled(b'{"title":"', "\ufdfa".encode(), b'"}'),
    "one long name": filled(b'{"', b"t", b'":1}'),
    "a long address": filled(b'{"email":"', b"a.", b'@example.com","password":"correct horse"}'),
    "a long id": filled(b'{"title":"a","id":"', b"0", b'"}'),
    "a long due": filled(b'{"title":"a","due":"', b"0", b'"}'),
    "half pairs": filled(b'{"title":"', b"\\ud800", b'"}'),
    "UTF-16": '{"title": "a"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"title": "a"}',
    "overlong UTF-8": b'{"title": "\xc0\x80"}',
    "half of UTF-8": filled(b'{"title": "', b"\xe2\x82", b'"}'),
    "NaN": b'{"title": NaN}',
    "Infinity": b'{"title": -Infinity}',
}
ROUTES = [
    ("POST", "/api/tasks"),
    ("POST", "/api/tasks/batch"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/register"),
    ("PATCH", "/api/auth/me"),
]


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
async def test_what_explodes_is_refused_soon(target: Target, body: bytes) -> None:
    begun = time.monotonic()
    for method, path in ROUTES:
        answer = await target.host.exchange(request(method, path, target.authorization, body=body))
        assert answer.status in {400, 401, 413, 422}, (path, answer)
        assert answer.problem["code"] in {"malformed_json", "invalid", "too_large", "wrong_credentials"}
        assert len(answer.body) < 8_000, "the answer is no bomb either"
    assert time.monotonic() - begun < SOON


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_body_is_too_large_whether_it_says_so_or_not(target: Target, method: str, path: str) -> None:
    said = request(method, path, target.authorization, body=b"[" + b" " * MEBIBYTE)
    unsaid = [request(method, path, target.authorization, "Transfer-Encoding: chunked")]
    unsaid += [b"10000\r\n" + b" " * 0x10000 + b"\r\n"] * 17
    for sent in ([said], unsaid):
        assert (await target.host.exchange(*sent)).code == (413, "too_large")


async def test_a_body_without_end_is_not_waited_for(target: Target) -> None:
    """The answer comes when there is too much of it; what then still comes is thrown away."""
    async with target.host.wire() as wire:
        await wire.send(request("POST", "/api/tasks", target.authorization, "Content-Length: 9999999999999"))
        answer = await wire.answer()
        await wire.send(*[b" " * MEBIBYTE] * 64)
    assert answer
    assert answer.code == (413, "too_large")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_nothing_is_unpacked(target: Target, coding: str) -> None:
    bomb = gzip.compress(b'{"title": "' + b"a" * 64 * MEBIBYTE + b'"}')
    sent = request("POST", "/api/tasks", target.authorization, f"Content-Encoding: {coding}", body=bomb)
    assert (await target.host.exchange(sent)).code == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media_type",
    ["multipart/form-data; boundary=x", "application/xml", "application/x-www-form-urlencoded", "a" * 9_000],
)
async def test_other_types_are_not_read(target: Target, media_type: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nBuy milk\r\n--x--\r\n'
    lines = [target.authorization, f"Content-Type: {media_type}", f"Content-Length: {len(body)}"]
    answer = await target.host.exchange(request("POST", "/api/tasks", *lines), body)
    assert answer.code == (415, "unsupported_media_type")


async def test_of_a_name_that_is_there_twice_the_last_counts(target: Target) -> None:
    sent = request("POST", "/api/tasks", target.authorization, body=b'{"title": "first", "title": "last"}')
    answer = await target.host.exchange(sent)
    assert (answer.status, json.loads(answer.body)["title"]) == (201, "last")


async def test_a_form_of_a_thousand_fields_is_refused(target: Target) -> None:
    form = b"&".join(b"a%d=1" % number for number in range(100_000))
    fields = ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
    answer = await target.host.exchange(request("POST", "/api/auth/token", *fields), form)
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")


async def test_others_are_served_meanwhile(target: Target) -> None:
    worst = [BOMBS[name] for name in ("a hundred thousand fields", "a million marks on a letter")] * 8

    async def attack(body: bytes) -> int:
        return (await target.host.exchange(request("POST", "/api/tasks", target.authorization, body=body))).status

    attacks = [asyncio.create_task(attack(body)) for body in worst]
    served = 0
    while not all(one.done() for one in attacks):
        assert await target.host.is_alive()
        served += 1
    assert served
    assert {await one for one in attacks} == {422}
