"""A backup's file: only for its owner, complete or not there, and never in place of another by accident."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from todo.entrypoints.cli_backup import target_file
from todo.entrypoints.cli_setup import CommandError

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str, *, replace: bool = False) -> None:
    with target_file(str(path), replace=replace) as draft:
        assert draft
        draft.write_text(text)
        assert not path.exists() or path.read_text() != text


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(CommandError, match="is no file"), target_file(str(path), replace=True):
            pass
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_file_that_exists_is_replaced_only_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(CommandError, match="exists: choose another name, or replace it with --force"):
        write(path, "new")
    assert path.read_text() == "old"
    write(path, "new", replace=True)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)


def test_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(CommandError, match="exists by now"), target_file(str(path), replace=False):
        path.write_text("theirs")
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(TypeError):
        write(path, 0, replace=True)  # type: ignore[arg-type]  # once the draft is there
    assert (list(tmp_path.iterdir()), path.read_text()) == ([path], "old")


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"file cannot be written: No such file or directory\."):
        write(tmp_path / "nowhere" / "file", "new")
    with pytest.raises(CommandError, match=r"x cannot be written: File name too long\."):
        write(tmp_path / ("x" * 256), "new")
