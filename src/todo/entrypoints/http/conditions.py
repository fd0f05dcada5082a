"""Entity tags and the conditions made with them (RFC 9110, sections 8.8.3 and 13.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.requests import Request

from todo.domain.values import Revision
from todo.entrypoints.http.headers import header_lines

if TYPE_CHECKING:
    from todo.entrypoints.http.headers import HeaderField

_REVISION = re.compile(r'"(0|[1-9][0-9]{0,17})"')


def etag(revision: Revision) -> HeaderField:
    """The ETag of a task at this revision."""
    return b"etag", b'"%d"' % revision


async def if_match(request: Request) -> frozenset[Revision] | None:
    """The revisions that the caller is willing to write over; None for any.

    A weak tag, or one that we never made, matches none (section 13.1.1 asks for strong comparison). Who sends
    `If-None-Match` with a write wants nothing to be written over, and so is willing to write over none.
    """
    if header_lines(request, b"if-none-match"):
        return frozenset()
    tags = _tags(header_lines(request, b"if-match"))
    if not tags or tags == ["*"]:
        return None
    return frozenset(Revision(int(found[1])) for tag in tags if (found := _REVISION.fullmatch(tag)))


def is_not_modified(request: Request, tag: HeaderField) -> bool:
    """Whether the caller has the state with this ETag already, as `If-None-Match` says; compared weakly."""
    fields = header_lines(request, b"if-none-match")
    if not fields:
        return False
    tags, ours = _tags(fields), tag[1].decode()
    return tags == ["*"] or ours.removeprefix("W/") in {known.removeprefix("W/") for known in tags}


def _tags(fields: list[str]) -> list[str]:
    """The members of a list in one or more header lines. None of our own tags holds a comma."""
    return [tag.strip() for field in fields for tag in field.split(",")]
