"""Entity tags and the conditions made with them (RFC 9110, sections 8.8.3 and 13.1)."""

from __future__ import annotations

import re

from starlette.requests import Request

from todo.domain.values import Revision

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_REVISION = re.compile(r"[0-9]{1,18}")


def etag(revision: Revision) -> str:
    """The entity tag of a task at this revision."""
    return f'"{revision}"'


async def if_match(request: Request) -> frozenset[Revision] | None:
    """The revisions that the caller is willing to write over; None for any.

    A weak tag, or one that we never made, matches none (section 13.1.1 asks for strong comparison).
    """
    fields = request.headers.getlist("if-match")
    if not fields or fields == ["*"]:
        return None
    tags = _TAG.findall(", ".join(fields))
    return frozenset(Revision(int(tag)) for weak, tag in tags if not weak and _REVISION.fullmatch(tag))


def is_not_modified(request: Request, tag: str) -> bool:
    """Whether the caller has the current state already, as `If-None-Match` says; compared weakly."""
    fields = request.headers.getlist("if-none-match")
    if not fields:
        return False
    known = {f'"{name}"' for _, name in _TAG.findall(", ".join(fields))}
    return fields == ["*"] or tag.removeprefix("W/") in known
