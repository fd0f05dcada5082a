"""The OpenAPI document is whole and well-formed. Whether answers keep to it is checked with each of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.containers import memory_container
from tests.http.promises import resolved
from tests.http.routes import operations, with_example
from tests.http.service import as_object, running
from todo.entrypoints.http.problems import EXPLANATIONS, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.service import Service


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[Service]:
    async with running(memory_container()) as service:
        yield service


@pytest.fixture
def document(service: Service) -> dict[str, Any]:
    return service.app.openapi()


async def test_it_is_served(service: Service, document: dict[str, Any]) -> None:
    for path in ("/openapi.json", "/openapi.json/"):
        assert as_object(await service.get(path)) == json.loads(json.dumps(document))
    assert document["openapi"].startswith("3.1.")


def test_every_reference_leads_somewhere_and_every_component_is_used(
    service: Service, document: dict[str, Any]
) -> None:
    used = set(re.findall(r'"#/components/(\w+/[\w-]+)"', json.dumps(document)))
    schemes = [one for operation in operations(service) for one in operation.described.get("security", ())]
    used |= {f"securitySchemes/{name}" for scheme in schemes for name in scheme}
    there = {f"{kind}/{name}" for kind, parts in document["components"].items() for name in parts}
    assert used == there


def test_every_operation_has_an_id_of_its_own(service: Service) -> None:
    ids = Counter(operation.described["operationId"] for operation in operations(service))
    assert set(ids.values()) == {1}
    assert all(re.fullmatch("[a-z_]+", one) for one in ids)


def test_every_operation_is_told_in_words(service: Service, document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for operation in operations(service):
        assert operation.described["summary"].endswith("."), operation
        assert set(operation.described["tags"]) <= tags


def test_every_path_parameter_is_described(service: Service, document: dict[str, Any]) -> None:
    for operation in operations(service):
        described = [resolved(document, one) for one in operation.described["parameters"]]
        in_path = [one["name"] for one in described if one["in"] == "path" and one["required"]]
        assert sorted(in_path) == sorted(re.findall(r"\{(\w+)\}", operation.template))
        assert len({(one["in"], one["name"]) for one in described}) == len(described)


def test_every_write_of_a_task_that_is_there_can_have_a_condition(service: Service, document: dict[str, Any]) -> None:
    for operation in operations(service):
        if "/tasks/{task_id}" in operation.template:
            names = {resolved(document, one)["name"] for one in operation.described["parameters"]}
            assert ("If-Match" in names) == ("412" in operation.described["responses"]) == (operation.method != "GET")
            assert ("If-None-Match" in names) == ("304" in operation.described["responses"])


def test_every_answer_is_described_with_its_headers(service: Service, document: dict[str, Any]) -> None:
    for operation in operations(service):
        statuses = operation.described["responses"]
        assert any(status.startswith("2") for status in statuses)
        assert "500" in statuses
        for status, described in statuses.items():
            answer = resolved(document, described)
            assert answer["description"].strip()
            assert "X-Request-ID" in answer["headers"]
            assert ("content" in answer) == (status not in {"204", "304"}), operation


def test_fields_have_no_titles_that_only_repeat_their_names(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            assert "title" not in described, (name, field)


def test_the_examples_of_refusals_are_real(document: dict[str, Any]) -> None:
    for answer in document["components"]["responses"].values():
        content = answer["content"]["application/problem+json"]
        codes = content["schema"]["properties"]["code"]["enum"]
        assert list(content["examples"]) == codes
        for code in codes:
            problem = msgspec.convert(content["examples"][code]["value"], Problem, strict=False)
            assert (problem.code, problem.status) == (code, EXPLANATIONS[code].status)


async def test_the_examples_of_requests_work(service: Service) -> None:
    ada = await service.sign_up()
    for operation in operations(service):
        example = with_example(service, operation)
        if "{task_id}" in operation.template and example:
            task = await ada.add()
            path = operation.path(user_id=ada.id, task_id=task["id"])
            assert (await ada.request(operation.method, path, **example)).status_code == 200
    assert (await ada.add(**with_example(service, _named(service, "create_task"))["body"]))["title"] == "Buy milk"


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json"])
def test_a_change_may_be_sent_under_either_name(service: Service, media_type: str) -> None:
    assert media_type in _named(service, "change_task").described["requestBody"]["content"]


def _named(service: Service, name: str) -> Any:
    return next(one for one in operations(service) if one.described["operationId"] == name)
