"""The log, as a process of its own writes it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from todo.domain.values import UserId
from todo.entrypoints.pseudonyms import Pseudonyms

PROGRAM = """
import logging, structlog
from todo.entrypoints.logs import REQUEST_ID, configure_logging
configure_logging("info")
REQUEST_ID.set("r-1")
log = structlog.get_logger("todo.test")
"""


def lines(program: str) -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", PROGRAM + program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_an_event_is_a_line_that_says_when_where_and_for_which_request() -> None:
    (line,) = lines('log.info("request", status=200)')
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
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


FAILING = """
def open_it(key): raise ValueError(key)
try: open_it("hunter2")
except ValueError as error:
    log.exception("fault")
    log.error("fault", exc_info=error)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\\n", exc_info=error)
    logging.getLogger("asyncio").error("Task exception was never retrieved\\nfuture: %r", error, exc_info=error)
"""


def test_of_an_exception_the_places_are_told_and_not_the_words() -> None:
    found = lines(FAILING)
    assert [line["event"] for line in found] == [
        "fault", "fault", "Exception in ASGI application", "Task exception was never retrieved",
    ]  # fmt: skip
    for line in found:
        assert (line["level"], line["error"]) == ("error", "ValueError")
        assert [place.rpartition(" ")[2] for place in line["at"]] == ["<module>", "open_it"]
        assert "hunter2" not in str(line)


def test_a_secret_that_is_logged_by_mistake_is_not_shown() -> None:
    (line,) = lines('log.info("x", password="hunter2", token="hunter2")')
    assert "hunter2" not in str(line)


def test_no_value_is_too_odd_to_be_logged() -> None:
    odd, half = lines('log.info("x", thing=object()); log.info("x", text="\\ud800")')
    assert odd["thing"].startswith("<object object")
    assert half["text"] == "\ud800"


ADA = Pseudonyms("a secret").of(UserId("ada"))
GATHERED = """
import asyncio
from todo.entrypoints.pseudonyms import Pseudonyms
from todo.entrypoints.request_log import RequestLog, request_log
async def main():
    pseudonyms = Pseudonyms("a secret")
    gathering, plain = request_log(pseudonyms), RequestLog(pseudonyms)
    gathering.add("GET", "/api/tasks", 200, 0.01234567, "ada")
    gathering.add("POST", "/api/tasks", 422, 1.5, None)
    %s
    plain.add("GET", "/api/tasks", 200, 0.01234567, "ada")
    gathering.close()
asyncio.run(main())
"""


def test_requests_are_logged_alike_whether_gathered_or_not() -> None:
    first, second, plain = lines(GATHERED % "gathering.close()")
    assert list(first) == list(plain)
    assert first["timestamp"] < second["timestamp"] < plain["timestamp"]
    del first["timestamp"], plain["timestamp"]
    assert first == plain
    assert (first["milliseconds"], first["user"], first["request_id"]) == (12.35, ADA, "r-1")
    assert (second["status"], second["user"]) == (422, None)


def test_gathered_requests_are_written_soon_by_themselves() -> None:
    wait = "while gathering._waiting: await asyncio.sleep(0.01)"
    written = lines(GATHERED % wait)
    assert [line["status"] for line in written] == [200, 422, 200]


def test_requests_below_the_level_are_not_written() -> None:
    assert lines('configure_logging("warning")\n' + GATHERED % "pass") == []
