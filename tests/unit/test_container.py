"""The composition root: everything in it can be built, and one container knows nothing of another."""

from __future__ import annotations

import pytest
from dependency_injector import errors, providers

from tests.builders import StoppedClock, a_session_id, a_user_id
from tests.containers import SECRET, memory_container
from todo.adapters.memory.store import MemoryStore
from todo.adapters.postgres.store import PostgresStore
from todo.entrypoints.container import Container
from todo.entrypoints.settings import Settings

SETTINGS = Settings(jwt_secret=SECRET, database_url="postgresql://todo@localhost/todo")


def a_container() -> Container:
    return Container(settings=providers.Object(SETTINGS))


@pytest.mark.parametrize("name", sorted(Container.providers))
async def test_every_part_can_be_built(name: str) -> None:
    container = a_container()
    part = container.providers[name]()
    assert part is not None
    assert part is container.providers[name](), "there is one of everything"


def test_without_settings_nothing_that_needs_them_is_built() -> None:
    with pytest.raises(errors.Error):
        Container().store()


def test_settings_are_settings() -> None:
    with pytest.raises(errors.Error):
        Container(settings=providers.Object("postgresql://")).settings()


async def test_the_store_is_postgresql_unless_a_test_says_otherwise() -> None:
    assert isinstance(a_container().store(), PostgresStore)
    assert isinstance(memory_container().store(), MemoryStore)


async def test_a_part_that_is_replaced_is_replaced_everywhere() -> None:
    clock = StoppedClock()
    container = memory_container(clock)
    assert container.clock() is clock
    assert (await container.token_verifier().verify(_token(container))).issued_at == clock.now()


async def test_two_containers_share_nothing() -> None:
    first, second = a_container(), a_container()
    for name in Container.providers:
        if name not in {"settings", "new_id"}:
            assert first.providers[name]() is not second.providers[name](), name


def _token(container: Container) -> str:
    return container.token_issuer().issue(a_user_id(), a_session_id()).text
