"""What processes cost: processor time and memory, with everything they have started (Linux)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """The process and all that came from it. Any of them may end in the meantime."""
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        with suppress(FileNotFoundError):
            for thread in list(Path(f"/proc/{one}/task").iterdir()):
                with suppress(OSError):
                    left += [int(child) for child in (thread / "children").read_text().split()]
    return found


def processor_seconds(pid: int) -> float:
    """Processor time that the family has used so far."""
    return sum(_seconds(one) for one in family(pid))


def memory(pid: int) -> int:
    """Bytes of memory that the family has in use. What several of them share counts for each."""
    total = 0
    for one in family(pid):
        with suppress(OSError):
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * _PAGE
    return total


def machine() -> tuple[float, float]:
    """Processor seconds that the whole machine has spent at work so far, and those others took from it."""
    parts = [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(parts) - parts[3] - parts[4] - parts[7]) / _TICK, parts[7] / _TICK


def _seconds(pid: int) -> float:
    try:
        # to the nanosecond where the kernel counts so, and per thread
        return (
            sum(int((thread / "schedstat").read_text().split()[0]) for thread in Path(f"/proc/{pid}/task").iterdir())
            / 1e9
        )
    except FileNotFoundError:
        pass
    except OSError:
        return 0.0
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK
    return 0.0
