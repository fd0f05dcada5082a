"""The services on the store in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers import memory_container

if TYPE_CHECKING:
    from tests.builders import StoppedClock
    from todo.application.accounts import AccountService
    from todo.application.operators import OperatorService
    from todo.application.ports import Store
    from todo.application.sessions import SessionService
    from todo.entrypoints.container import Container


@pytest.fixture
def services(clock: StoppedClock) -> Container:
    """All of the service, in memory, at a time that stands still."""
    return memory_container(clock)


@pytest.fixture
def accounts(services: Container) -> AccountService:
    return services.account_service()


@pytest.fixture
def sessions(services: Container) -> SessionService:
    return services.session_service()


@pytest.fixture
def operators(services: Container) -> OperatorService:
    return services.operator_service()


@pytest.fixture
def kept(services: Container) -> Store:
    """Where these services keep what they keep."""
    return services.store()
