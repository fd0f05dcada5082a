"""The command line, as far as it goes without a database. Each command runs as a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("alembic", "asyncpg", "fastapi", "pydantic", "sqlalchemy", "structlog", "uvicorn")


def run(*arguments: str, at: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `todo` in a directory, with nothing set but `environ`."""
    return subprocess.run(
        [sys.executable, "-c", "import sys; from todo.entrypoints.cli import main; sys.exit(main())", *arguments],
        cwd=at,
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refusal(*arguments: str, at: Path, **environ: str) -> str:
    """The one sentence that a command refuses with."""
    done = run(*arguments, at=at, **environ)
    assert done.returncode == 1
    assert done.stderr.startswith("todo: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_help_names_the_commands(tmp_path: Path) -> None:
    done = run("--help", at=tmp_path)
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("serve", "migrate", "openapi"))


def test_help_waits_for_no_library() -> None:
    program = "import sys, todo.entrypoints.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in done.stdout.split()} & set(HEAVY)


def test_version(tmp_path: Path) -> None:
    assert run("--version", at=tmp_path).stdout.startswith("todo ")


def test_the_description_of_the_api_needs_nothing(tmp_path: Path) -> None:
    done = run("openapi", at=tmp_path, TODO_PORT="wrong")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["info"]["title"] == "todo"
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    assert "TODO_PORT must be" in refusal("serve", at=tmp_path, TODO_PORT="http")
    assert "TODO_PORT must be" in refusal("serve", "--port", "http", at=tmp_path)
    assert "is TODO_PORT meant?" in refusal("migrate", at=tmp_path, TODO_PROT="1")


def test_serving_another_database_needs_a_secret(tmp_path: Path) -> None:
    sentence = refusal("serve", "--port", "0", at=tmp_path, DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/x")
    assert "TODO_JWT_SECRET must be set" in sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["TODO_DATABASE_URL", "DATABASE_URL"])
def test_a_bad_database_url_is_one_sentence_that_names_its_variable(tmp_path: Path, name: str) -> None:
    for command in ("migrate", "serve"):  # which would need a secret, too
        sentence = refusal(command, at=tmp_path, **{name: "mysql://me:hunter2@db/x"})
        assert sentence.startswith(f"todo: {name}: The database URL ")
        assert "hunter2" not in sentence


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} is taken" in refusal("serve", "--port", str(port), at=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    data, secret = str(tmp_path / ("x" * 256)), "kF3v9Qm2xT7pLw0aYc5nHs8dRb1eZg4u"
    for command in (["serve", "--port=0"], ["users", "list"], ["backup", "file"]):
        sentence = refusal(*command, at=tmp_path, TODO_DATA_DIR=data, TODO_JWT_SECRET=secret)
        assert "TODO_DATA_DIR: " in sentence
        assert "cannot be used: File name too long." in sentence
    found = json.loads(run("doctor", "--json", at=tmp_path, TODO_DATA_DIR=data).stdout)["findings"]
    assert [finding["code"] for finding in found] == ["settings", "data_dir_unwritable"]
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_is_a_file_or_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for command in (["serve", "--port=0"], ["users", "list"]):
        for given in ({}, {"TODO_JWT_SECRET": "kF3v9Qm2xT7pLw0aYc5nHs8dRb1eZg4u"}):
            sentence = refusal(*command, at=tmp_path, TODO_DATA_DIR="file", **given)
            assert "TODO_DATA_DIR: " in sentence
            assert "is no directory" in sentence
    for data in ("file/below", "/proc/x"):
        assert "TODO_DATA_DIR: " in refusal("serve", "--port=0", at=tmp_path, TODO_DATA_DIR=data)


def test_an_address_of_another_machine_is_one_sentence(tmp_path: Path) -> None:
    assert "TODO_HOST: '192.0.2.1'" in refusal("serve", at=tmp_path, TODO_HOST="192.0.2.1", TODO_PORT="0")
    assert "TODO_HOST: 'nowhere.invalid'" in refusal("serve", at=tmp_path, TODO_HOST="nowhere.invalid")
