"""Entity tags and the conditions made with them (RFC 9110, sections 8.8.3 and 13.1)."""

from __future__ import annotations

import re

from starlette.requests import Request

from todo.domain.values import Revision
from todo.entrypoints.http.headers import header_lines

_REVISION = re.compile(r'"(0|[1-9][0-9]{0,17})"')


def etag(revision: Revision) -> str:
    """The entity tag of a task at this revision."""
    return f'"{revision}"'


async def if_match(request: Request) -> frozenset[Revision] | None:
    """The revisions that the caller is willing to write over; None for any.

    A weak tag, or one that we never made, matches none (section 13.1.1 asks for strong comparison).
    """
    tags = _tags(header_lines(request, b"if-match"))
    if not tags or tags == ["*"]:
        return None
    return frozenset(Revision(int(found[1])) for tag in tags if (found := _REVISION.fullmatch(tag)))


def is_not_modified(request: Request, tag: str) -> bool:
    """Whether the caller has the current state already, as `If-None-Match` says; compared weakly."""
    tags = _tags(header_lines(request, b"if-none-match"))
    return tags == ["*"] or tag.removeprefix("W/") in {known.removeprefix("W/") for known in tags}


def _tags(fields: list[str]) -> list[str]:
    """The members of a list in one or more header lines. None of our own tags holds a comma."""
    return [tag.strip() for field in fields for tag in field.split(",")]
