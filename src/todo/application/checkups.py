"""What a check of the service's surroundings finds: for people a sentence, for programs a code that stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]
"""A warning is worth a look; with a problem, the service does not do what it promises."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. The sentence holds no secret; if something is wrong, it says what to do."""

    code: str
    level: Level
    sentence: str


def fine(code: str, sentence: str) -> Finding:
    """All is well here."""
    return Finding(code, "ok", sentence)


def warning(code: str, sentence: str) -> Finding:
    """Worth a look."""
    return Finding(code, "warning", sentence)


def problem(code: str, sentence: str) -> Finding:
    """Something has to be done."""
    return Finding(code, "problem", sentence)


def skew(code: str, seconds: float, whose: str) -> Finding:
    """What it means that somebody's clock is ahead of ours by so many seconds, or behind if they are negative."""
    if abs(seconds) <= LITTLE_SKEW:
        return fine(code, f"The clock of {whose} agrees with that of this machine.")
    level: Level = "problem" if abs(seconds) > MUCH_SKEW else "warning"
    which = "ahead of" if seconds > 0 else "behind"
    sentence = (
        f"The clock of {whose} is {abs(seconds):.0f} seconds {which} that of this machine: have both follow a time"
        " server (NTP), or tokens are refused and times of tasks jump."
    )
    return Finding(f"{code}_skewed", level, sentence)


LITTLE_SKEW = 2.0
"""Seconds by which clocks may differ, and answers be late …"""
MUCH_SKEW = 60.0
"""… and by which they must not."""
