"""Tricks with addresses: what is not exactly a route of ours is a 404, and no file is ever looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.wire import request

if TYPE_CHECKING:
    from tests.hostile.conftest import Target
    from tests.hostile.wire import Host

NOWHERE = [
    "/../../etc/passwd",
    "/docs/../../../etc/passwd",
    "/docs/%2e%2e/%2e%2e/etc/passwd",
    "/docs/..%2f..%2fetc%2fpasswd",
    "/docs/..%5c..%5cwindows",
    "/docs/%00",
    "/docs/swagger-ui.css%00.html",
    "/%2e/livez",
    "/./livez",
    "/api/../livez",
    "/api/%2e%2e/livez",
    "//livez",
    "///api/tasks",
    "/%2Flivez",
    "/livez//",
    "/livez;a=b",
    "/livez%20",
    "/livez%00",
    "/livez%0a",
    "/metrics%0a",
    "/openapi.json%0a",
    "/api/tasks%0a",
    "/%256civez",
    "/%zz",
    "/%",
    "/%c0%af%c0%af",
    "/%e0%80%af",
    "/%ff%fe",
    "/LIVEZ",
    "/api%5ctasks",
    "/api/tasks%0d%0aSet-Cookie:%20a=b",
    "/" + "a/" * 5_000,
    "/" + "%2e%2e%2f" * 1_500,
    "*",
]

NO_TASKS = ["%00", "..", "%2e%2e", "..%2f..", "%c0%ae", "0199e1b2-7c3d-7000-8000-00000000000g", "1" * 5_000, "%F0%9F"]


@pytest.mark.parametrize("path", NOWHERE, ids=lambda path: path[:30])
async def test_what_is_no_route_is_nowhere(host: Host, path: str) -> None:
    answer = await host.exchange(request("GET", path))
    assert answer.code == (404, "unknown_route")
    assert b"root:" not in answer.body
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", NO_TASKS, ids=lambda name: name[:30])
async def test_what_is_no_id_is_no_task(target: Target, name: str) -> None:
    for method in ("GET", "DELETE"):
        answer = await target.host.exchange(request(method, f"/api/tasks/{name}", target.authorization))
        assert answer.status == 404


async def test_an_encoded_slash_is_a_slash(target: Target) -> None:
    """It leads where the slash leads, to the same rights: whoever guards paths in front must decode them as well."""
    assert (await target.host.exchange(request("GET", "/api%2Ftasks"))).code == (401, "invalid_token")
    assert (await target.host.exchange(request("GET", "/api%2Ftasks", target.authorization))).status == 200


async def test_the_whole_address_will_do(host: Host) -> None:
    answer = await host.exchange(request("GET", "http://elsewhere.example/livez"))
    assert answer.status == 200


async def test_an_address_is_as_long_as_anybody_needs(host: Host) -> None:
    fits = "/" + "a" * (16 * 1024 - 1)
    assert (await host.exchange(request("GET", fits))).code == (404, "unknown_route")
    for length in (1, 10_000, 1_000_000):
        async with host.wire() as wire:
            await wire.send(request("GET", fits + "a" * length))
            (answer,) = await wire.answers()
        assert answer.status in {414, 431}
        assert answer.problem["code"] in {"uri_too_long", "head_too_large"}


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"p{number}=1" for number in range(2_000)),
        "&" * 10_000,
        "q=" + "a" * 15_000,
        "q=" + "%CC%81%CC%A3" * 1_300,
        "tag=" + "%CC%81%CC%A3" * 1_300,
        "cursor=" + "A" * 15_000,
        "limit=" + "9" * 15_000,
        "tz=" + "../" * 5_000,
        "due_after=" + "0" * 15_000,
        "a" * 15_000,
        "%00=%00",
        "q=%ff",
        "q=%ed%a0%80",
    ],
    ids=lambda query: query[:20],
)
async def test_queries_that_nobody_means_are_refused(target: Target, query: str) -> None:
    for path in ("/api/tasks", "/api/trash", "/api/tasks/changes", "/api/tasks/stats"):
        answer = await target.host.exchange(request("GET", f"{path}?{query}", target.authorization))
        assert answer.code in {(422, "invalid"), (422, "cursor_mismatch")}
