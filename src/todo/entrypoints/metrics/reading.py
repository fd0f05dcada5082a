"""Reads the numbers of this process off its parts."""

from __future__ import annotations

import platform
from collections import Counter
from typing import TYPE_CHECKING, Final

from prometheus_client import ProcessCollector

from todo import __version__
from todo.entrypoints.metrics import families as of
from todo.entrypoints.metrics.numbers import Numbers
from todo.entrypoints.metrics.tally import Durations

if TYPE_CHECKING:
    from todo.entrypoints.container import Container
    from todo.entrypoints.metrics.families import Family
    from todo.entrypoints.metrics.tally import Tally

_BAD_REQUEST: Final = 400

_OUTCOMES: Final = {
    of.LOG_INS: ("ok", "refused", "limited"),
    of.SIGN_UPS: ("ok", "refused", "limited"),
    of.REFRESHES: ("ok", "refused", "limited", "reused"),
}
_BY_CODE: Final = {
    "wrong_credentials": (of.LOG_INS, "refused"),
    "account_disabled": (of.LOG_INS, "refused"),
    "invalid_refresh_token": (of.REFRESHES, "refused"),
    "refresh_token_reused": (of.REFRESHES, "reused"),
}
_BY_GRANT: Final = {
    ("/api/auth/token", "password"): (of.LOG_INS, "ok"),
    ("/api/auth/token", "refresh_token"): (of.REFRESHES, "ok"),
}
_BY_STATUS: Final = {
    ("/api/auth/login", 200): (of.LOG_INS, "ok"),
    ("/api/auth/login", 429): (of.LOG_INS, "limited"),
    ("/api/auth/token", 429): (of.LOG_INS, "limited"),
    ("/api/auth/refresh", 200): (of.REFRESHES, "ok"),
    ("/api/auth/refresh", 429): (of.REFRESHES, "limited"),
    ("/api/auth/register", 201): (of.SIGN_UPS, "ok"),
    ("/api/auth/register", 409): (of.SIGN_UPS, "refused"),
    ("/api/auth/register", 422): (of.SIGN_UPS, "refused"),
    ("/api/auth/register", 429): (of.SIGN_UPS, "limited"),
}
_OF_PROCESS: Final = {family.name: family for family in of.FAMILIES if family.name.startswith("process_")}


def numbers_of(container: Container) -> Numbers:
    """All that the parts in this container have to tell. Nothing of it waits, or asks the database."""
    numbers = Numbers()
    tally = container.tally()
    _put_requests(numbers, tally)
    numbers.put(of.IN_PROGRESS, tally.in_progress)
    numbers.put(of.STREAMS, tally.open_streams)
    numbers.put(of.KEY_FETCHES, tally.key_fetches, "ok")
    numbers.put(of.KEY_FETCHES, tally.failed_key_fetches, "failed")
    if container.settings().database_url:
        _put_pool(numbers, container, tally)
    purge = container.trash_purge()
    numbers.put(of.PURGED, purge.purged)
    numbers.put(of.PURGE_LAG, purge.lag.total_seconds())
    numbers.put(of.WORKERS, 1)
    numbers.put(of.BUILD, 1, __version__, platform.python_version())
    for metric in _process.collect():
        for sample in metric.samples:
            if family := _OF_PROCESS.get(sample.name):
                numbers.put(family, sample.value)
    return numbers


def _put_requests(numbers: Numbers, tally: Tally) -> None:
    answered: Counter[tuple[str, str, int]] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    happened: Counter[tuple[Family, str]] = Counter()
    durations: dict[tuple[str, str], Durations] = {}
    for (method, route, status, outcome), some in tally.requests.items():
        count = sum(some.counts)
        answered[method, route, status] += count
        if outcome and status >= _BAD_REQUEST:
            refused[route, outcome] += count
        if happening := _happening(route, status, outcome):
            happened[happening] += count
        durations.setdefault((method, route), Durations()).add_all(some)
    for (method, route, status), count in answered.items():
        numbers.put(of.REQUESTS, count, method, route, str(status))
    for (route, code), count in refused.items():
        numbers.put(of.REFUSALS, count, route, code)
    for family, outcomes in _OUTCOMES.items():
        for outcome in outcomes:
            numbers.put(family, happened[family, outcome], outcome)
    for (method, route), all_of_them in durations.items():
        numbers.put_durations(of.DURATIONS, all_of_them, method, route)


def _happening(route: str, status: int, outcome: str) -> tuple[Family, str] | None:
    """What the request was in the life of an account."""
    return _BY_CODE.get(outcome) or _BY_GRANT.get((route, outcome)) or _BY_STATUS.get((route, status))


def _put_pool(numbers: Numbers, container: Container, tally: Tally) -> None:
    use = container.database().use
    numbers.put(of.CONNECTIONS, use.idle, "idle")
    numbers.put(of.CONNECTIONS, use.in_use, "in_use")
    numbers.put(of.POOL_SIZE, use.size)
    numbers.put(of.POOL_WAITING, use.waiting)
    numbers.put(of.POOL_REFUSED, use.refused)
    numbers.put(of.CONNECT_FAILURES, use.failed)
    numbers.put_durations(of.POOL_WAITS, tally.pool_waits)


_process: Final = ProcessCollector(registry=None)
