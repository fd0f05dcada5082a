"""What the service answers when what it stands on fails, and what it answers without touching it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest
from dependency_injector import providers
from structlog.testing import capture_logs

from tests.containers import memory_container
from tests.http.routes import operations, with_example
from tests.http.service import ORIGIN, Options, Person, Service, code, running
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.application.ports import Store

CAUSE = "connection to 10.0.0.1 failed: password=hunter2"


class Broken:
    """Fails whatever is asked of it."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> NoReturn:
        raise self._error


class BrokenFeed(Broken):
    """Changes of tasks, out of reach. The service ends it when it stops."""

    def close(self) -> None: ...


class BrokenStore(Broken):
    """A store, out of reach. The service closes it when it stops."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.feed = BrokenFeed(error)

    async def close(self) -> None: ...


@asynccontextmanager
async def broken(error: Exception) -> AsyncIterator[Person]:
    """Somebody who is logged in to a service whose store fails in this way."""
    async with running(memory_container()) as service:
        ada = await service.sign_up()
    container = memory_container(cors_origins=(ORIGIN,))
    store: providers.Provider[Store] = providers.Object(BrokenStore(error))
    container.store.override(store)
    async with running(container) as service:
        ada.service = service
        yield ada


async def every_answer(ada: Person, user_id: str) -> AsyncIterator[tuple[str, tuple[int, str]]]:
    """How each operation that needs a token is answered."""
    for operation in operations(ada.service):
        if operation.described.get("security"):
            options: Options = {**with_example(ada.service, operation), "headers": {"Origin": ORIGIN}}
            answer = await ada.request(operation.method, operation.path(user_id=user_id), **options)
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert CAUSE not in answer.text
            yield operation.template, code(answer)


async def test_a_fault_is_told_without_its_cause() -> None:
    async with broken(RuntimeError(CAUSE)) as ada:
        assert {found async for _, found in every_answer(ada, ada.id)} == {(500, "internal")}


async def test_a_fault_is_logged_with_its_place_and_without_what_users_wrote() -> None:
    async with broken(RuntimeError(CAUSE)) as ada:
        with capture_logs() as lines:
            await ada.get(ada.home)
    [fault] = [line for line in lines if line["event"] == "fault"]
    assert fault["error"] == "RuntimeError"
    assert any("__getattr__" in place for place in fault["at"])
    assert CAUSE not in str(lines)


async def test_what_is_unavailable_says_when_to_try_again() -> None:
    async with broken(UnavailableError()) as ada:
        assert {found async for _, found in every_answer(ada, ada.id)} == {(503, "unavailable")}
        assert (await ada.get(ada.home)).headers["Retry-After"].isdecimal()


async def test_the_second_door_is_shut_before_the_store_is_touched() -> None:
    async with broken(RuntimeError(CAUSE)) as ada:
        found = {answer async for path, answer in every_answer(ada, "someone-else") if "{user_id}" in path}
        assert found == {(403, "not_your_user")}


async def test_a_bad_token_is_refused_before_the_store_is_touched() -> None:
    async with broken(RuntimeError(CAUSE)) as ada:
        ada.token = "a.b.c"
        assert {found async for _, found in every_answer(ada, ada.id)} == {(401, "invalid_token")}


async def test_the_process_lives_though_it_cannot_serve() -> None:
    async with broken(UnavailableError()) as ada:
        assert (await ada.get("/livez")).json() == {"status": "ok"}
        assert code(await ada.get("/readyz")) == (503, "unavailable")


async def test_it_can_serve_while_its_store_is_open() -> None:
    container = memory_container()
    async with running(container) as service:
        assert (await service.get("/readyz")).json() == {"status": "ok"}
        await container.store().close()
        assert code(await service.get("/readyz")) == (503, "unavailable")


async def test_who_is_told_to_stop_serves_on_and_says_that_it_will_not_for_long() -> None:
    container = memory_container()
    async with running(container) as service:
        ada = await service.sign_up()
        container.readiness().withdraw()
        assert code(await service.get("/readyz")) == (503, "unavailable")
        assert (await ada.get("/api/tasks")).status_code == 200


@pytest.mark.parametrize("origin", [ORIGIN, "null", "*"])
async def test_without_trusted_origins_no_page_may_read(origin: str) -> None:
    async with running(memory_container()) as service:
        answer = await Service(service.app).get("/livez", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
