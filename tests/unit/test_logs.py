"""The log, as a process of its own writes it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

PROGRAM = """
import logging, structlog
from todo.entrypoints.logs import configure_logging
configure_logging("info")
structlog.contextvars.bind_contextvars(request_id="r-1")
log = structlog.get_logger("todo.test")
"""


def lines(program: str) -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", PROGRAM + program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_an_event_is_a_line_that_says_when_where_and_for_which_request() -> None:
    (line,) = lines('log.info("request", status=200)')
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "info",
        "logger": "todo.test",
        "event": "request",
        "status": 200,
        "request_id": "r-1",
    }


def test_libraries_speak_through_the_same_chain() -> None:
    (line,) = lines('logging.getLogger("some.library").warning("%d things", 2)')
    assert (
        line.items() >= {"level": "warning", "logger": "some.library", "event": "2 things", "request_id": "r-1"}.items()
    )


def test_what_is_below_the_level_is_not_written() -> None:
    said = 'log.debug("a"); logging.getLogger("x").debug("b"); logging.getLogger("uvicorn.error").info("c"); '
    assert [line["event"] for line in lines(said + 'log.warning("d")')] == ["d"]


def test_a_traceback_shows_no_values() -> None:
    (line,) = lines(
        'def open_it(key): raise ValueError("no")\ntry: open_it("hunter2" * 1)'
        '\nexcept ValueError: log.exception("fault")'
    )
    assert line["level"] == "error"
    assert "ValueError: no" in line["exception"]
    assert "hunter2hunter2" not in line["exception"]


def test_a_secret_that_is_logged_by_mistake_is_not_shown() -> None:
    (line,) = lines('log.info("x", password="hunter2", token="hunter2")')
    assert "hunter2" not in str(line)


def test_no_value_is_too_odd_to_be_logged() -> None:
    odd, half = lines('log.info("x", thing=object()); log.info("x", text="\\ud800")')
    assert odd["thing"].startswith("<object object")
    assert half["text"] == "\ud800"
