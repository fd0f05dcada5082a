"""The service and the people who use it, as tests meet them."""

from __future__ import annotations

import importlib
import json
import pkgutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypedDict

import httpx
import pytest

from tests.builders import an_email
from tests.http.promises import check_answer
from todo.entrypoints.http.app import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping
    from typing import Unpack

    from fastapi import FastAPI

    from todo.entrypoints.container import Container

ORIGIN = "https://app.example.com"
"""A web origin that the service is told to trust."""

PASSWORD = "correct horse battery"
JSON = "application/json"


class Options(TypedDict, total=False):
    """What a request may carry besides its path."""

    body: Any
    content: bytes | AsyncIterable[bytes]
    headers: Mapping[str, str] | list[tuple[str, str]]


class Service:
    """The application, asked in process. What all answers promise is checked on each of them."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://todo.test")

    async def request(self, method: str, path: str, **options: Unpack[Options]) -> httpx.Response:
        """`body` is sent as JSON, with every character that is not ASCII escaped: so it can be any text at all."""
        headers = httpx.Headers(options.get("headers"))
        content = options.get("content")
        if "body" in options:
            content = json.dumps(options["body"]).encode()
            headers.setdefault("Content-Type", JSON)
        response = await self._http.request(method, path, content=content, headers=headers)
        check_answer(self.app.openapi(), response)
        return response

    async def get(self, path: str, **options: Unpack[Options]) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Unpack[Options]) -> httpx.Response:
        return await self.request("POST", path, **options)

    async def sign_up(self, **fields: Any) -> Person:
        """A person with an account that nobody else uses."""
        body = {"email": an_email(), "password": PASSWORD, **fields}
        answer = await self.post("/api/auth/register", body=body)
        assert answer.status_code == 201, answer.text
        return Person(self, answer.json(), body["password"])


class Person:
    """Somebody who is logged in."""

    def __init__(self, service: Service, signed_in: dict[str, Any], password: str) -> None:
        self.service = service
        self.id: str = signed_in["user"]["id"]
        self.email: str = signed_in["user"]["email"]
        self.token: str = signed_in["access_token"]
        self.password = password
        self.home = "/api/tasks"

    async def request(self, method: str, path: str, **options: Unpack[Options]) -> httpx.Response:
        headers = httpx.Headers(options.get("headers"))
        headers["Authorization"] = f"Bearer {self.token}"
        sent: Options = {**options, "headers": headers.multi_items()}
        return await self.service.request(method, path, **sent)

    async def get(self, path: str, **options: Unpack[Options]) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Unpack[Options]) -> httpx.Response:
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Unpack[Options]) -> httpx.Response:
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Unpack[Options]) -> httpx.Response:
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Unpack[Options]) -> httpx.Response:
        return await self.request("DELETE", path, **options)

    async def add(self, **fields: Any) -> dict[str, Any]:
        """A task of theirs, as the service shows it."""
        answer = await self.post(self.home, body={"title": "Buy milk", **fields})
        assert answer.status_code == 201, answer.text
        return as_object(answer)

    async def at(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """The task as it now is."""
        answer = await self.get(self.path(task))
        assert answer.status_code == 200, answer.text
        return as_object(answer)

    def path(self, task: Mapping[str, Any], action: str = "") -> str:
        """Where the task is, through the door that they use."""
        return f"{self.home}/{task['id']}{action}"


class HttpTests:
    """What every suite has. A subclass per store brings the fixture `service`."""

    @pytest.fixture
    async def ada(self, service: Service) -> Person:
        return await service.sign_up(name="Ada")

    @pytest.fixture
    async def bob(self, service: Service) -> Person:
        return await service.sign_up(name="Bob")

    @pytest.fixture(params=["first door", "second door"])
    def through_both(self, request: pytest.FixtureRequest, ada: Person) -> Person:
        """Ada, once through each of the two doors."""
        if request.param == "second door":
            ada.home = f"/api/{ada.id}/tasks"
        return ada


def suites() -> set[type[HttpTests]]:
    """Every suite that there is: what no module runs, no test shows."""
    package = importlib.import_module("tests.http")
    modules = [importlib.import_module(f"tests.http.{found.name}") for found in pkgutil.iter_modules(package.__path__)]
    return {
        suite
        for module in modules
        for suite in vars(module).values()
        if isinstance(suite, type)
        and issubclass(suite, HttpTests)
        and any(name.startswith("test_") for name in vars(suite))
    }


@asynccontextmanager
async def running(container: Container) -> AsyncIterator[Service]:
    """The service on these parts, started and in the end stopped."""
    app = create_app(container)
    async with app.router.lifespan_context(app):
        yield Service(app)


def as_object(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object that the answer holds."""
    value = answer.json()
    assert isinstance(value, dict)
    return value


def flaws(answer: httpx.Response) -> dict[str, str]:
    """The code of the flaw of each field, of an answer that says the request is invalid."""
    assert answer.status_code == 422, (answer.status_code, answer.text)
    return {flaw["field"]: flaw["code"] for flaw in answer.json()["details"]}


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["code"]
