"""Schemathesis asks the running service whatever its own description allows, and much that it does not allow."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.containers import postgres_container
from tests.streams import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from tests.streams import Server

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class ShortStreams:
    """Ends a stream of events behind its first part, as a proxy would that lets none live long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_stream = is_over = False

        async def send_first(message: Any) -> None:
            nonlocal is_stream, is_over
            if is_over:
                return
            if message["type"] == "http.response.start":
                is_stream = any(value.startswith(b"text/event-stream") for _, value in message["headers"])
            elif is_stream:
                is_over, message = True, {**message, "more_body": False}
            await send(message)

        await self._app(scope, receive, send_first)


@pytest.fixture(scope="module")
async def server(database_url: str) -> AsyncIterator[Server]:
    async with serving(postgres_container(database_url), ShortStreams) as server:
        yield server


async def schemathesis(server: Server, directory: Path, *options: str) -> None:
    """Run it from outside, and show what it says if it finds anything."""
    person = await server.sign_up()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TODO_TEST_ADDRESS": server.url,
        "TODO_TEST_USER": person.id,
        "TODO_TEST_TOKEN": person.token,
    }
    config = ("--config-file", str(HERE / "schemathesis.toml"))
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("st")),
        *config,
        "run",
        "--no-color",
        *options,
        f"{server.url}/openapi.json",
        cwd=directory,
        env=environment,
        stdout=PIPE,
        stderr=STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    print(*options, *re.findall(r"\d+ generated", said.decode()))  # noqa: T201  # what was tried, and how often


async def test_every_answer_is_as_the_description_says(server: Server, tmp_path: Path) -> None:
    few = ("--phases", "examples,fuzzing,stateful", "--max-examples", "3", "--generation-deterministic")
    await schemathesis(server, tmp_path, *few)


@pytest.mark.prove
async def test_every_answer_is_as_the_description_says_for_long(server: Server, tmp_path: Path) -> None:
    # an access token lasts fifteen minutes, so each round is a run of its own
    await schemathesis(server, tmp_path, "--phases", "examples,coverage")
    for _ in range(4):
        seed = str(int.from_bytes(os.urandom(4)))
        await schemathesis(server, tmp_path, "--phases", "fuzzing,stateful", "--max-examples", "50", "--seed", seed)
