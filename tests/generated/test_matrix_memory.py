"""The isolation matrix on the store in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import StoppedClock
from tests.containers import memory_container
from tests.generated.matrix import Matrix, settings
from tests.http.service import Service, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.entrypoints.container import Container


@pytest.fixture(scope="module")
def container() -> Container:
    return memory_container(StoppedClock(), **settings())


@pytest.fixture(scope="module")
async def service(container: Container) -> AsyncIterator[Service]:
    async with running(container) as service:
        yield service


class TestMatrix(Matrix): ...
