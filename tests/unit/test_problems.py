"""Every error has a status, a code and an explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers import memory_container
from tests.http.service import as_object, code, running
from todo.domain.errors import TodoError
from todo.entrypoints.http.problems import EXPLANATIONS, KINDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.http.service import Service


def all_errors(root: type[TodoError] = TodoError) -> Iterator[type[TodoError]]:
    for error in root.__subclasses__():
        if error.__module__.startswith("todo."):
            yield error
        yield from all_errors(error)


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[Service]:
    async with running(memory_container()) as service:
        yield service


@pytest.mark.parametrize("error", [*all_errors()], ids=lambda error: error.__name__)
def test_every_error_has_a_kind(error: type[TodoError]) -> None:
    assert 400 <= KINDS[error].status <= 503
    assert error.code.replace("_", "").isalpha()
    assert error.code.islower()
    assert error.sentence.endswith(".")


def test_what_shares_a_code_shares_all_else() -> None:
    for error, kind in KINDS.items():
        explained = EXPLANATIONS[error.code]
        assert (explained.status, explained.title) == kind


@pytest.mark.parametrize("error", [*all_errors()], ids=lambda error: error.__name__)
async def test_every_code_is_explained(service: Service, error: type[TodoError]) -> None:
    for path in (f"/problems/{error.code}", f"/problems/{error.code}/"):
        answer = await service.get(path)
        explanation = as_object(answer)
        assert (answer.status_code, explanation["code"]) == (200, error.code)
        assert explanation["status"] == KINDS[error].status
        assert explanation["explanation"].endswith(".")


@pytest.mark.parametrize("name", ["nothing", "Stale", "stale.json", "%00"])
async def test_other_codes_are_not(service: Service, name: str) -> None:
    assert code(await service.get(f"/problems/{name}")) == (404, "unknown_route")
