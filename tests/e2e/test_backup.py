"""A machine burns down, and another one goes on from a file."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import httpx
import pytest

from tests.e2e.test_command import TODO, serving
from tests.e2e.test_lifecycle import wait_for

SECRET = "kF3v9Qm2xT7pLw0aYc5nHs8dRb1eZg4u"

ENDLESS = """\
#!/bin/sh
[ "$1" != --version ] || {{ echo "pg_dump (PostgreSQL) 18.0"; exit; }}
echo $$ > '{begun}.part' && mv '{begun}.part' '{begun}'
exec sleep 60
"""


def todo(
    directory: Path, *arguments: str, text: bytes | None = None, at: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("TODO_", "DATABASE_"))}
    return subprocess.run(
        [TODO, *arguments],
        cwd=at,
        env=ours | {"TODO_DATA_DIR": str(directory)},
        input=text,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_what_comes_through_a_pipe_is_called_standard_input(tmp_path: Path) -> None:
    done = todo(tmp_path / "data", "restore", "-", text=b"no backup")
    assert done.returncode == 1
    assert done.stderr.startswith(b"todo: standard input is not a backup, or not a whole one: ")
    assert tempfile.gettempdir().encode() not in done.stderr


@pytest.mark.slow
def test_a_service_goes_on_from_a_file_on_an_empty_machine(tmp_path: Path) -> None:
    here, there, file = tmp_path / "here", tmp_path / "there", tmp_path / "file"
    with serving(here, TODO_JWT_SECRET=SECRET) as service, service.signed_up() as client:
        task = client.post("/api/tasks", json={"title": "Keep me"}).raise_for_status().json()
        seen = client.get("/api/tasks/changes").raise_for_status().json()
        token = client.headers["Authorization"]
        done = todo(here, "backup", str(file))  # while it serves
        assert done.returncode == 0, done.stderr
        piped = todo(here, "backup", "-").stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "here", "here.log"]
    done = todo(there, "restore", str(file))
    assert done.returncode == 0, done.stderr
    assert todo(there, "restore", "--force", "-", text=piped).returncode == 0
    with serving(there, TODO_JWT_SECRET=SECRET) as service:
        with httpx.Client(base_url=service.address, headers={"Authorization": token}, timeout=30) as client:
            assert client.get(f"/api/tasks/{task['id']}").raise_for_status().json() == task
            new = client.post("/api/tasks", json={"title": "Go on"}).raise_for_status().json()
            of_before = client.get("/api/tasks/changes", params={"since": seen["cursor"]})
            anew = client.get("/api/tasks/changes").raise_for_status().json()
        assert new["revision"] > task["revision"]
        assert (of_before.status_code, of_before.json()["code"]) == (410, "cursor_expired")
        assert anew["changes"] == [task, new]
        assert anew["cursor"] == str(new["revision"])


def test_a_name_is_never_an_option_of_the_programs(tmp_path: Path) -> None:
    (tmp_path / "--help").write_text("no backup")
    done = todo(tmp_path / "data", "restore", "--", "--help", at=tmp_path)
    assert (done.returncode, b"--help is not a backup" in done.stderr) == (1, True), done.stderr


@pytest.mark.slow
def test_told_to_stop_it_leaves_nothing_behind(tmp_path: Path) -> None:
    data, programs, begun = tmp_path / "data", tmp_path / "programs", tmp_path / "begun"
    assert todo(data, "migrate").returncode == 0
    programs.mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        (programs / name).write_text(ENDLESS.format(begun=begun))
        (programs / name).chmod(0o755)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("TODO_", "DATABASE_"))}
    with subprocess.Popen(
        [TODO, "backup", str(tmp_path / "file")],
        env=ours | {"TODO_DATA_DIR": str(data), "PATH": f"{programs}{os.pathsep}{ours['PATH']}"},
    ) as backup:
        wait_for(begun.exists)
        backup.terminate()
        assert backup.wait(timeout=60) == 130
    wait_for(lambda: not Path("/proc", begun.read_text().strip()).exists())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["begun", "data", "programs"]
    assert not (data / "postgres" / "postmaster.pid").exists()


def test_what_is_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    for arguments, sentence in (
        (("backup", str(tmp_path / "file")), b"There is no database in"),
        (("restore", str(tmp_path / "none")), b"cannot be read: No such file or directory."),
    ):
        done = todo(tmp_path / "data", *arguments)
        assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
        assert sentence in done.stderr
    assert not (tmp_path / "data").exists()
