"""A machine burns down, and another one goes on from a file."""

from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import httpx

from tests.e2e.test_command import TODO, serving

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "kF3v9Qm2xT7pLw0aYc5nHs8dRb1eZg4u"


def todo(directory: Path, *arguments: str, text: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("TODO_", "DATABASE_"))}
    return subprocess.run(
        [TODO, *arguments],
        env=ours | {"TODO_DATA_DIR": str(directory)},
        input=text,
        capture_output=True,
        timeout=60,
        check=False,
    )


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
            rest = client.get("/api/tasks/changes", params={"since": seen["cursor"]}).raise_for_status().json()
        assert new["revision"] == task["revision"] + 1
        assert [task["id"] for task in rest["changes"]] == [new["id"]]


def test_what_is_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    for arguments, sentence in (
        (("backup", str(tmp_path / "file")), b"There is no database in"),
        (("restore", str(tmp_path / "none")), b"cannot be read: No such file or directory."),
    ):
        done = todo(tmp_path / "data", *arguments)
        assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
        assert sentence in done.stderr
    assert not (tmp_path / "data").exists()
