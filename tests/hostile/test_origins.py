"""Refusals that come before the application: a page that may read the others may read these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers import memory_container
from tests.hostile.wire import Host, request
from tests.streams import serving
from todo.entrypoints import connections
from todo.entrypoints.http.heads import LARGEST_HEAD, LONGEST_ADDRESS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ORIGIN = "https://app.example.com"
PAGE = f"Origin: {ORIGIN}"
REFUSED = {
    (400, "malformed_request"): request("GET", "/livez", PAGE, "Host: twice.test"),
    (414, "uri_too_long"): request("GET", f"/livez?{'a' * LONGEST_ADDRESS}", PAGE),
    (431, "head_too_large"): request("GET", "/livez", PAGE, f"Cookie: {'a' * LARGEST_HEAD}"),
    (408, "request_timeout"): request("POST", "/api/auth/login", PAGE, "Content-Length: 9") + b"{",
}


@pytest.fixture
async def host(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    monkeypatch.setattr(connections, "REQUEST_WITHIN", 1.0)
    async with serving(memory_container(cors_origins=(ORIGIN,))) as server:
        yield Host(server.url)


@pytest.mark.parametrize(("code", "sent"), REFUSED.items(), ids=[code for _, code in REFUSED])
async def test_a_page_that_is_allowed_can_read_why(host: Host, code: tuple[int, str], sent: bytes) -> None:
    by_the_application = await host.exchange(request("GET", "/nowhere", PAGE))
    answer = await host.exchange(sent)
    assert answer.code == code
    names = [name for name in by_the_application.headers if name.startswith("access-control-") or name == "vary"]
    assert len(names) == 4
    assert all(answer.headers[name] == by_the_application.headers[name] for name in names)


@pytest.mark.parametrize("code", REFUSED)
async def test_no_other_page_can(host: Host, code: tuple[int, str]) -> None:
    for other in (b"Origin: https://evil.example", b"X-Origin: " + ORIGIN.encode()):
        answer = await host.exchange(REFUSED[code].replace(PAGE.encode(), other))
        assert answer.code == code
        assert "access-control-allow-origin" not in answer.headers


async def test_a_page_of_the_request_before_is_another(host: Host) -> None:
    async with host.wire() as wire:
        await wire.send(request("GET", "/livez", PAGE))
        assert await wire.answer()
        await wire.send(b"\x00garbage")
        (answer,) = await wire.answers()
    assert answer.code == (400, "malformed_request")
    assert "access-control-allow-origin" not in answer.headers
