"""Each way of docs/better-auth.md: its own lines, in a frontend with the real Better Auth, against the real service."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
import uvicorn

from tests.containers import memory_container
from tests.issuing import ALGORITHMS
from todo.entrypoints.http.app import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.entrypoints.container import Container

HERE: Final = Path(__file__).parent
GUIDE: Final = HERE.parent.parent / "docs" / "better-auth.md"
LONG_ENOUGH: Final = 60
BY_DEFAULT: Final = "EdDSA"
"""The algorithm of Better Auth's keys if it is told of no other."""
OTHERS: Final = [pytest.param(name, marks=pytest.mark.slow) for name in ALGORITHMS if name != BY_DEFAULT]

DATABASE: Final = """
import { memoryAdapter } from "better-auth/adapters/memory"
export const tables = { user: [], session: [], account: [], verification: [], jwks: [] }
export const database = memoryAdapter(tables)
"""


def files_of(way: int) -> dict[str, str]:
    """The files that one way of the guide shows, by their names."""
    chapter = re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)[way]
    assert chapter.startswith(f"{way}. ")
    return dict(re.findall(r"```ts\n// (\S+)\n(.*?)```", chapter, flags=re.DOTALL))


def settings_of(way: int, **values: str) -> dict[str, str]:
    """The variables of this service that the way names first, with these values."""
    chapter = re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)[way]
    block = re.search(r"```sh\n(.*?)```", chapter, flags=re.DOTALL)
    assert block
    names = [line.partition("=")[0] for line in block[1].splitlines()]
    return {name: values[name] for name in names}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Server(uvicorn.Server):
    """Tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_ready.set()


@asynccontextmanager
async def serving(container: Container) -> AsyncIterator[str]:
    """The service, reached over a socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(uvicorn.Config(create_app(container), lifespan="on", log_config=None, ws="none"))
    run = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(LONG_ENOUGH):
            await server.is_ready.wait()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await run


async def try_it(packages: Path, way: int, files: dict[str, str]) -> dict[str, Any]:
    """What a person lived through in this frontend."""
    url, secret = f"http://127.0.0.1:{free_port()}", secrets.token_urlsafe(32)
    environ = settings_of(way, BETTER_AUTH_URL=url, BETTER_AUTH_SECRET=secret, TODO_CORS_ORIGINS=url)
    container = memory_container(
        cors_origins=(environ["TODO_CORS_ORIGINS"],),
        better_auth_url=environ.get("BETTER_AUTH_URL"),
        better_auth_secret=environ.get("BETTER_AUTH_SECRET"),
    )
    home = packages / "frontends" / uuid4().hex
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    # beside node_modules, where its imports are looked for
    program = shutil.copy(HERE / "trial.mjs", packages)
    try:
        async with serving(container) as service:
            process = await asyncio.create_subprocess_exec(
                "node",
                program,
                env={
                    "PATH": os.environ["PATH"],
                    "FRONTEND": str(home),
                    "WAY": str(way),
                    "BETTER_AUTH_URL": url,
                    "BETTER_AUTH_SECRET": secret,
                    "NEXT_PUBLIC_TODO_URL": service,
                },
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(LONG_ENOUGH):
                    told, complaints = await process.communicate()
            except TimeoutError:
                process.kill()
                await process.wait()
                raise
    finally:
        shutil.rmtree(home)
    assert process.returncode == 0, complaints.decode()
    happened: dict[str, Any] = json.loads(told.decode().splitlines()[-1])
    return happened


def check_tasks(happened: dict[str, Any]) -> None:
    """A task was made, completed and listed."""
    (made_status, made), (done_status, done) = happened["made"], happened["done"]
    (listed_status, listed) = happened["listed"]
    assert (made_status, done_status, listed_status) == (201, 200, 200)
    assert (made["title"], done["completed"]) == ("Buy milk", True)
    assert [task["id"] for task in listed["tasks"]] == [made["id"]]
    assert happened["signed_out"] == 401


def check_people(happened: dict[str, Any]) -> None:
    """People of Better Auth are users here, under the ids that they have there, and each for themselves."""
    assert happened["made"][1]["user_id"] == happened["user"]
    assert (happened["own_path"], happened["other_path"]) == (200, 403)
    assert happened["other"] != happened["user"]
    assert happened["other_listed"][0] == 200
    assert happened["other_listed"][1]["tasks"] == []


@pytest.mark.parametrize("algorithm", [BY_DEFAULT, *OTHERS])
async def test_the_first_way_public_keys(npm_packages: Path, algorithm: str) -> None:
    files = files_of(1)
    assert set(files) == {"lib/auth.ts", "app/api/auth/[...all]/route.ts", "lib/todo.ts"}
    if algorithm != BY_DEFAULT:
        said = 'jwt({ jwks: { keyPairConfig: { alg: "ES256" } } })'
        assert said in GUIDE.read_text()
        assert "jwt()" in files["lib/auth.ts"]
        files["lib/auth.ts"] = files["lib/auth.ts"].replace("jwt()", said.replace("ES256", algorithm))
    happened = await try_it(npm_packages, 1, files | {"lib/database.ts": DATABASE})
    check_tasks(happened)
    check_people(happened)
    assert (happened["rotated"], happened["after_rotation"]) == (True, 200)
    assert happened["algorithms"] == [algorithm, algorithm]


async def test_the_second_way_a_shared_secret(npm_packages: Path) -> None:
    files = files_of(1) | files_of(2)
    asking = re.compile(r'  const answer = await fetch\("/api/\S+"\)\n')
    changed = re.search(r"but for one line:\n\n```ts\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    assert changed
    files["lib/todo.ts"], count = asking.subn(lambda _: changed[1], files["lib/todo.ts"])
    assert count == 1
    happened = await try_it(npm_packages, 2, files | {"lib/database.ts": DATABASE})
    check_tasks(happened)
    check_people(happened)


async def test_the_third_way_accounts_of_this_service(npm_packages: Path) -> None:
    happened = await try_it(npm_packages, 3, files_of(3))
    check_tasks(happened)
    status, listed = happened["listed_again"]
    assert (status, len(listed["tasks"])) == (200, 1)
