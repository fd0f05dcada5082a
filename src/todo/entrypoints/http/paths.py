"""Where one task is, among the other things that lie beside it."""

from __future__ import annotations

from typing import Final

from starlette.convertors import StringConvertor, register_url_convertor

NEIGHBOURS: Final = ("batch", "changes", "events", "stats")


class _TaskConvertor(StringConvertor):
    """Anything but a neighbour: so that a method which a neighbour does not know is a 405, and not a task unknown."""

    regex = f"(?!(?:{'|'.join(NEIGHBOURS)})$)[^/]+"


register_url_convertor("task", _TaskConvertor())

TASK: Final = "/{task_id:task}"
