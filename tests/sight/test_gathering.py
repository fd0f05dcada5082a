"""Where processes put their numbers together, and a server of its own that shows them."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.containers import memory_container
from tests.sight.scrape import Scrape
from todo.entrypoints.metrics.team import DIRECTORY, GatheringError, Member, numbers_gathered
from todo.entrypoints.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv(DIRECTORY, "")
    yield tmp_path
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_those_that_meet_are_shown_on_the_port() -> None:
    with numbers_gathered(Settings(metrics_port=0)) as port:
        for _ in range(2):
            Member(memory_container()).report()
        seen = Scrape.of(httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False))
        assert seen.value("todo_workers") == 2
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)


def test_without_a_port_of_their_own_they_only_meet() -> None:
    with numbers_gathered(Settings(workers=2)) as port:
        assert port is None
        Member(memory_container()).report()
        assert os.listdir(os.environ[DIRECTORY])  # noqa: PTH208


def test_a_machine_without_room_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere / "nowhere"))
    with (
        pytest.raises(GatheringError, match=r"^TMPDIR: there is no directory .*: No such file or directory\."),
        numbers_gathered(Settings(workers=2)),
    ):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "nowhere..invalid", "x" * 64])
def test_a_host_that_is_none_is_told_in_a_sentence(host: str) -> None:
    with (
        pytest.raises(
            GatheringError, match=f"^TODO_METRICS_HOST: '{host}' is not an address or name of this machine.$"
        ),
        numbers_gathered(Settings(metrics_port=0, metrics_host=host)),
    ):
        pass


@pytest.mark.parametrize(
    ("settings", "gathers", "shows"),
    [
        (Settings(), False, True),
        (Settings(workers=2), True, True),
        (Settings(metrics_port=0), True, False),
        (Settings(metrics="off", workers=2, metrics_port=0), False, False),
    ],
)
def test_settings_say_where_they_are_shown(settings: Settings, gathers: bool, shows: bool) -> None:
    assert (settings.gathers_numbers, settings.shows_metrics) == (gathers, shows)
