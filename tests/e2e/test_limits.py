"""Limits on abuse, of the command as it is installed: on by default, and the same whichever process answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.test_command import serving
from todo.application.limits import LOG_INS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_workers_count_together_and_believe_no_stranger(tmp_path: Path) -> None:
    """The server under the application would believe a peer on this machine, if it were not told otherwise."""
    guess = {"email": "ada@example.com", "password": "a wrong guess"}
    with serving(tmp_path / "data", TODO_WORKERS="2") as service:
        answers = [
            httpx.post(
                f"{service.address}/api/auth/login",
                json=guess,
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
                timeout=30,
            )
            for number in range(LOG_INS.amount + 2)
        ]
    assert [answer.status_code for answer in answers] == [401] * LOG_INS.amount + [429] * 2
    assert 0 < int(answers[-1].headers["Retry-After"]) <= LOG_INS.seconds
