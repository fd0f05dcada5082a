"""Counting, and putting together what several processes have counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.containers import memory_container
from tests.sight.scrape import Scrape
from todo.entrypoints.metrics import families as of
from todo.entrypoints.metrics.exposition import exposition
from todo.entrypoints.metrics.numbers import Numbers, together
from todo.entrypoints.metrics.tally import BOUNDS, Durations, Tally
from todo.entrypoints.metrics.team import DIRECTORY, SILENCE, Member

if TYPE_CHECKING:
    from pathlib import Path


def durations(*seconds: float) -> Durations:
    some = Durations()
    for one in seconds:
        some.add(one)
    return some


def shown(*parts: Numbers) -> Scrape:
    return Scrape(exposition(together(parts), "")[0].decode())


def test_a_duration_is_in_the_class_that_ends_with_it() -> None:
    some = durations(0.0, BOUNDS[0], BOUNDS[0] + 1e-9, BOUNDS[-1], 1e9)
    assert some.counts[:2] == [2, 1]
    assert some.counts[-2:] == [1, 1]
    assert sum(some.counts) == 5


def test_buckets_are_shown_as_prometheus_wants_them_each_with_all_below_it() -> None:
    numbers = Numbers()
    numbers.put_durations(of.POOL_WAITS, durations(0.0005, 0.003, 0.003, 60.0))
    scrape = shown(numbers)
    assert scrape.value("todo_pool_wait_seconds_bucket", le="0.001") == 1
    assert scrape.value("todo_pool_wait_seconds_bucket", le="0.005") == 3
    assert scrape.value("todo_pool_wait_seconds_bucket", le="10.0") == 3
    assert scrape.value("todo_pool_wait_seconds_bucket", le="+Inf") == 4
    assert scrape.value("todo_pool_wait_seconds_count") == 4
    assert scrape.value("todo_pool_wait_seconds_sum") == pytest.approx(60.0065)


def test_methods_that_clients_make_up_are_one() -> None:
    tally = Tally()
    for number in range(100):
        tally.answered(f"BREW{number}", "/livez", 405, "method_not_allowed", 0.001)
    assert list(tally.requests) == [("OTHER", "/livez", 405, "method_not_allowed")]
    assert sum(tally.requests["OTHER", "/livez", 405, "method_not_allowed"].counts) == 100


def test_what_was_counted_is_added_up() -> None:
    parts = [Numbers(), Numbers()]
    for part, number in zip(parts, (3, 4), strict=True):
        part.put(of.REQUESTS, number, "GET", "/livez", "200")
        part.put_durations(of.DURATIONS, durations(0.002, 0.2), "GET", "/livez")
    parts[0].put(of.REQUESTS, 1, "GET", "/readyz", "503")
    scrape = shown(*parts)
    assert scrape.value("todo_http_requests_total", route="/livez") == 7
    assert scrape.value("todo_http_requests_total", route="/readyz") == 1
    assert scrape.value("todo_http_request_duration_seconds_count") == 4
    assert scrape.value("todo_http_request_duration_seconds_sum") == pytest.approx(0.404)
    assert scrape.value("todo_http_request_duration_seconds_bucket", le="0.0025") == 2


def test_what_cannot_be_added_up_is_not() -> None:
    parts = [Numbers(), Numbers()]
    for part, seconds in zip(parts, (70.0, 4000.0), strict=True):
        part.put(of.PURGE_LAG, seconds)
        part.put(of.BUILD, 1, "0.1.0", "3.11")
        part.put(of.WORKERS, 1)
    scrape = shown(*parts)
    assert scrape.value("todo_trash_purge_lag_seconds") == 70, "one of them has done it"
    assert scrape.value("todo_build_info") == 1
    assert scrape.value("todo_workers") == 2


def test_what_a_process_counted_outlives_it_and_its_gauges_do_not() -> None:
    gone, there = Numbers(is_alive=False), Numbers()
    for part in (gone, there):
        part.put(of.LOG_INS, 5, "ok")
        part.put(of.STREAMS, 2)
        part.put(of.WORKERS, 1)
        part.put_durations(of.POOL_WAITS, durations(0.1))
    scrape = shown(gone, there)
    assert scrape.value("todo_log_ins_total") == 10
    assert scrape.value("todo_pool_wait_seconds_count") == 2
    assert scrape.value("todo_streams_open") == 2
    assert scrape.value("todo_workers") == 1


class TestReporting:
    """Each process leaves its numbers in a directory."""

    @pytest.fixture
    def directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv(DIRECTORY, str(tmp_path))
        return tmp_path

    @pytest.fixture
    def members(self, directory: Path) -> list[Member]:
        assert not list(directory.iterdir())
        containers = [memory_container() for _ in range(3)]
        for number, container in enumerate(containers, 1):
            container.tally().answered("GET", "/livez", 200, "", 0.001 * number)
        return [Member(container) for container in containers]

    def test_any_answers_for_all(self, members: list[Member]) -> None:
        for member in members:
            member.report()
        for member in members:
            scrape = shown(member.numbers_of_all())
            assert scrape.value("todo_http_requests_total") == 3
            assert scrape.value("todo_workers") == 3

    def test_its_own_are_as_they_are_now(self, members: list[Member]) -> None:
        assert shown(members[0].numbers_of_all()).value("todo_http_requests_total") == 1
        members[0].report()
        members[0].container.tally().answered("GET", "/livez", 200, "", 0.001)
        assert shown(members[0].numbers_of_all()).value("todo_http_requests_total") == 2

    def test_what_one_has_told_the_others_tell_too(self, members: list[Member]) -> None:
        members[0].report()
        members[1].report()
        members[0].container.tally().answered("GET", "/livez", 200, "", 0.001)
        told = [shown(member.numbers_of_all()).value("todo_http_requests_total") for member in members[:2]]
        assert told == [3, 3]

    def test_who_leaves_takes_the_gauges_along(self, members: list[Member]) -> None:
        members[1].report()
        members[1].leave()
        scrape = shown(members[0].numbers_of_all())
        assert (scrape.value("todo_http_requests_total"), scrape.value("todo_workers")) == (2, 1)

    def test_who_is_silent_has_gone(self, members: list[Member], directory: Path) -> None:
        members[1].report()
        (file,) = directory.glob("*.json")
        long_ago = time.time() - SILENCE - 1
        os.utime(file, (long_ago, long_ago))
        scrape = shown(members[0].numbers_of_all())
        assert (scrape.value("todo_http_requests_total"), scrape.value("todo_workers")) == (2, 1)

    def test_who_was_killed_has_gone_at_once(self, members: list[Member], directory: Path) -> None:
        members[1].report()
        (file,) = directory.glob("*.json")
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            ended.wait()
        file.rename(directory / f"{ended.pid}-1.json")
        scrape = shown(members[0].numbers_of_all())
        assert (scrape.value("todo_http_requests_total"), scrape.value("todo_workers")) == (2, 1)

    def test_a_report_is_there_as_a_whole(self, members: list[Member], directory: Path) -> None:
        for _ in range(3):
            members[0].report()
        (file,) = directory.iterdir()
        assert json.loads(file.read_bytes())["is_alive"] is True

    def test_a_directory_that_has_gone_is_told_once(self, members: list[Member], directory: Path) -> None:
        directory.rmdir()
        with capture_logs() as lines:
            members[0].report()
            members[0].report()
        assert [line["event"] for line in lines] == ["numbers_not_reported"]
        assert shown(members[0].numbers_of_all()).value("todo_http_requests_total") == 1

    def test_who_is_alone_reports_to_nobody(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.delenv(DIRECTORY, raising=False)
        monkeypatch.chdir(tmp_path)
        member = Member(memory_container())
        member.report()
        member.leave()
        assert not list(tmp_path.iterdir())
        assert shown(member.numbers_of_all()).value("todo_workers") == 1
