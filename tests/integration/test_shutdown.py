"""The installed command, told to stop while streams are open."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.builders import an_email
from tests.containers import SECRET
from tests.streams import SOON, Client

pytestmark = pytest.mark.slow

TODO = Path(sys.executable).with_name("todo")


@pytest.mark.parametrize("workers", [1, 2])
async def test_open_streams_do_not_hold_up_the_end(database_url: str, workers: int) -> None:
    settings = {"TODO_DATABASE_URL": database_url, "TODO_JWT_SECRET": SECRET, "TODO_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        TODO, "serve", "--workers", str(workers), stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **settings},
    )  # fmt: skip
    try:
        assert process.stdout
        url = ""
        async with asyncio.timeout(60):
            while "/api" not in url:
                url = (await process.stdout.readline()).decode()
        url = url.split()[1].removesuffix("/api")
        patient = httpx.AsyncHTTPTransport(retries=50)
        async with httpx.AsyncClient(base_url=url, trust_env=False, transport=patient) as http:
            body = {"email": an_email(), "password": "correct horse battery"}
            ada = Client(url, (await http.post("/api/auth/register", json=body, timeout=60)).json())
        async with ada.stream(since=0) as first, ada.stream(since=0) as second:
            task = await ada.add()
            assert await first.changes(1) == await second.changes(1) == [task]
            begun = time.monotonic()
            process.terminate()
            assert await first.news() is None
            assert await second.news() is None
        await ada.close()
        async with asyncio.timeout(SOON):
            await process.communicate()
        assert process.returncode == 0
        assert time.monotonic() - begun < 17  # cutting off what is under way would take nineteen
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
