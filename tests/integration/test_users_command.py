"""`todo users …`, as operators type it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.builders import an_email

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., subprocess.CompletedProcess[str]]

PASSWORD = "correct horse battery"


@pytest.fixture
def todo(database_url: str, tmp_path: Path) -> Command:
    def run(*arguments: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; from todo.entrypoints.cli import main; sys.exit(main())",
                "users",
                *arguments,
            ],
            cwd=tmp_path,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "TODO_DATABASE_URL": database_url,
            },
            input=f"{password}\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_an_account_is_made_and_listed(todo: Command) -> None:
    email = an_email()
    made = todo("create", email.upper(), "--name", "Ada")
    assert (made.returncode, made.stderr) == (0, "")
    listed = todo("list")
    assert (listed.returncode, listed.stderr) == (0, "")
    (line,) = [line for line in listed.stdout.splitlines() if line.startswith(made.stdout.strip())]
    assert line.split("\t")[1:3] == [email, "Ada"]


def test_what_is_in_the_way_is_one_sentence(todo: Command) -> None:
    done = todo("disable", "%@example.com")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("todo: There is no user '%@example.com'")
    assert done.stderr.count("\n") == 1
