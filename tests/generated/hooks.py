"""What a request needs to be a good one, and no schema can say."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import schemathesis

if TYPE_CHECKING:
    from collections.abc import Iterator


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:  # noqa: ARG001
    """Text may hold no control characters, and a title must not be blank: a pattern would say so in nobody's words."""
    return not is_meant_well(case) or all(is_plain(text) for text in texts([case.body, case.query]))


def is_meant_well(case: Any) -> bool:
    return bool(case.meta and case.meta.generation.mode.is_positive)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts(one)


def is_plain(text: str) -> bool:
    return text == "" or (
        bool(text.strip()) and all(unicodedata.category(one) not in {"Cc", "Cs", "Zl", "Zp"} for one in text)
    )


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:  # noqa: ARG001  # the names are schemathesis'
    """Leave what is meant to be wrong as it is."""
    if not is_meant_well(case):
        return
    # one key is for one request: the next with the same is refused
    for name in [name for name in case.headers or {} if name.lower() == "idempotency-key"]:
        case.headers[name] = uuid4().hex
    # a cursor is good only if the service made it
    if case.query:
        case.query.pop("cursor", None)
        # which time zones there are, is written elsewhere
        if case.query.get("tz"):
            case.query["tz"] = "Pacific/Apia"
    # an operation may name its task twice, if it is the same name
    if isinstance(case.body, dict):
        for operation in case.body.get("operations", ()):
            if operation.get("id") and (operation.get("task") or {}).get("id"):
                operation["task"]["id"] = operation["id"]
