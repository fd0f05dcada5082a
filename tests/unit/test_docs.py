"""The page of documentation: all of it comes from the service, and its policy lets nothing else in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.containers import memory_container
from tests.http.service import code, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.service import Service


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[Service]:
    async with running(memory_container()) as service:
        yield service


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
async def test_the_page_is_there(service: Service, path: str) -> None:
    answer = await service.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


async def test_all_that_it_loads_is_ours(service: Service) -> None:
    page = (await service.get("/docs")).text
    wanted = re.findall(r'(?:src|href)="([^"]*)"', page)
    types = {}
    for address in wanted:
        assert re.match(r"/[^/]", address)
        answer = await service.get(address)
        assert answer.status_code == 200
        types[address.partition("?")[0]] = answer.headers["Content-Type"].partition(";")[0]
    assert types == {
        "/docs/favicon-32x32.png": "image/png",
        "/docs/swagger-ui.css": "text/css",
        "/docs/swagger-ui-bundle.js": "text/javascript",
        "/docs/start.js": "text/javascript",
        "/openapi.json": "application/json",
    }


async def test_its_policy_is_strict(service: Service) -> None:
    answer = await service.get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert not any("http" in sources or "*" in sources for sources in policy.values())
    assert not re.search(r"<style|style=|<script>|\son\w+=", answer.text)


async def test_it_reads_the_document_and_tells_nobody(service: Service) -> None:
    start = (await service.get("/docs/start.js")).text
    assert '"/openapi.json"' in start
    assert "validatorUrl: null" in start


async def test_its_files_may_be_kept_because_their_address_names_the_version(service: Service) -> None:
    page = (await service.get("/docs")).text
    for address in re.findall(r'"(/docs/[\w.-]+\?[\d.]+)"', page):
        assert "immutable" in (await service.get(address)).headers["Cache-Control"]


@pytest.mark.parametrize("name", ["nothing", "__init__.py", "..%2Fmain.py", "swagger-ui-bundle.js.map"])
async def test_no_other_file_is_served(service: Service, name: str) -> None:
    assert code(await service.get(f"/docs/{name}")) == (404, "unknown_route")
