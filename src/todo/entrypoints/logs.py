"""The log: one line of JSON for each event on standard error, or coloured text if a person is looking.

Times are UTC as RFC 3339 writes them. Each line that was caused by a request has its id.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec
import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from structlog.typing import EventDict, Processor

_QUIET: Final = ("alembic", "asyncio", "httpx", "uvicorn")
"""Libraries that are heard from `warning` on: what they do at `info` is said by us already, or of no use."""

_SECRET: Final = frozenset({"authorization", "cookie", "database_url", "password", "secret", "token"})
"""Fields whose values are never shown. Nothing of ours logs them; this is for the day when something does."""


REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The id of the request that is being answered."""

_configured: dict[str, int] = {}
"""The number of the least level of which lines of JSON are written; nothing, if a person reads along."""


def configure_logging(level: str) -> None:
    """Send everything of `level` and above to standard error: our own events, and those of the libraries."""
    number = logging.getLevelNamesMapping()[level.upper()]
    _configured.clear()
    if sys.stderr.isatty():
        show = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        chain: list[Processor] = [_describe, show, _encode]
    else:
        chain = [_describe, _without_words, _to_json]
        _configured["json"] = number
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda name="": _Lines(name, sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LibraryFormatter(chain))
    logging.basicConfig(handlers=[handler], level=number, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def writes_json(level: str) -> bool:
    """Whether events of this level are written, as lines of JSON."""
    return _configured.get("json", logging.CRITICAL + 1) <= logging.getLevelNamesMapping()[level.upper()]


def timestamp() -> str:
    """This moment, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def places(error: BaseException) -> list[str]:
    """Where it was raised, outermost first, without the messages: they can quote what a user wrote."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]


class _Lines(structlog.BytesLogger):
    """Writes finished lines, past the machinery of `logging`, which costs four times as much."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        super().__init__(file)
        self.name = name


class _LibraryFormatter(logging.Formatter):
    """Takes what libraries say through the same chain as our own events."""

    def __init__(self, chain: Sequence[Processor]) -> None:
        super().__init__()
        self._chain = chain

    def format(self, record: logging.LogRecord) -> str:
        line: Any = {"event": record.getMessage()}
        if record.exc_info:
            # asyncio goes on with what it knows of a task: its exception, too, and what that says
            line = {"event": line["event"].partition("\n")[0], "exc_info": record.exc_info}
        for process in self._chain:
            line = process(record, record.levelname.lower(), line)
        return str(line, "utf-8")


def _describe(logger: Any, level: str, event: EventDict) -> EventDict:
    """Put first what every line has."""
    for name in _SECRET & event.keys():
        event[name] = "(not shown)"
    if request_id := REQUEST_ID.get():
        event["request_id"] = request_id
    return {"timestamp": timestamp(), "level": level, "logger": logger.name, "event": event.pop("event"), **event}


def _without_words(_: Any, __: str, event: EventDict) -> EventDict:
    """An exception as its kind and its places."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event.update(error=type(error).__name__, at=places(error))
    return event


def _to_json(_: Any, __: str, event: EventDict) -> bytes:
    try:
        return _encoder.encode(event)
    except (TypeError, ValueError):  # half of a surrogate pair, or a key that is no text
        return json.dumps(event, default=repr, skipkeys=True).encode()


def _encode(_: Any, __: str, text: Any) -> bytes:
    return str(text).encode(errors="replace")


_encoder: Final = msgspec.json.Encoder(enc_hook=repr)
