"""What every answer promises, whatever was asked: held against each answer of each test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from todo.entrypoints.http.problems import EXPLANATIONS, Problem

if TYPE_CHECKING:
    import httpx

PROBLEM_JSON = "application/problem+json"
_WITHOUT_BODY = {204, 304}


def check_answer(document: dict[str, Any], answer: httpx.Response) -> None:
    """Fail unless the answer has what all answers have, and is one that the OpenAPI document announces."""
    assert len(answer.headers.get_list("X-Request-ID")) == 1
    assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert "*" not in answer.headers.get("Access-Control-Allow-Origin", "")
    assert not answer.has_redirect_location
    if answer.request.url.path.startswith("/api"):
        _check_caching(answer)
    if answer.request.method == "HEAD" or answer.status_code in _WITHOUT_BODY:
        assert answer.content == b""
    elif answer.status_code >= 400 and not _is_of_oauth(answer):
        _check_problem(answer)
    if operation := _operation(document, answer.request):
        _check_announced(document, operation, answer)


def _check_caching(answer: httpx.Response) -> None:
    if answer.status_code < 400 and "ETag" in answer.headers:
        assert answer.headers["Cache-Control"] == "private, no-cache"
    else:
        assert answer.headers["Cache-Control"] == "no-store"


def _check_problem(answer: httpx.Response) -> None:
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    problem = msgspec.json.decode(answer.content, type=Problem, strict=True)
    known = EXPLANATIONS[problem.code]
    assert problem.type == f"/problems/{problem.code}"
    assert (problem.status, problem.title) == (answer.status_code, known.title)
    assert answer.status_code == known.status
    assert problem.detail == problem.message
    assert problem.detail.strip()
    assert problem.request_id == answer.headers["X-Request-ID"]
    assert problem.instance == quote(answer.request.url.path.removesuffix("/") or "/")
    assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)
    assert ("Retry-After" in answer.headers) == (answer.status_code in {429, 503})
    assert ("Allow" in answer.headers) == (answer.status_code == 405)


def _check_announced(document: dict[str, Any], operation: dict[str, Any], answer: httpx.Response) -> None:
    announced = operation["responses"].get(str(answer.status_code))
    assert announced, f"{operation['operationId']} announces no {answer.status_code}"
    announced = resolved(document, announced)
    for name in ("ETag", "Link", "Location", "Retry-After", "WWW-Authenticate"):
        assert name in announced["headers"] or name not in answer.headers
    content = announced.get("content", {})
    if answer.content:
        media_type = answer.headers["Content-Type"]
        assert media_type in content
        if media_type == PROBLEM_JSON:
            assert answer.json()["code"] in content[media_type]["schema"]["properties"]["code"]["enum"]


def _operation(document: dict[str, Any], request: httpx.Request) -> dict[str, Any] | None:
    """The operation that the document has for this request, if any."""
    method = "get" if request.method == "HEAD" else request.method.lower()
    path = request.url.path.removesuffix("/")
    for template, operations in document["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            found: dict[str, Any] | None = operations.get(method)
            return found
    return None


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What the document says there, or what it refers to."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: dict[str, Any] = document["components"][kind][name]
    return found


def _is_of_oauth(answer: httpx.Response) -> bool:
    """The one route whose refusals have a form of their own (RFC 6749, section 5.2)."""
    return answer.request.url.path.removesuffix("/") == "/api/auth/token" and answer.status_code == 400
