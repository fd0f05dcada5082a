"""How many connections a process can have, each of which is an open file."""

from __future__ import annotations

import resource
from functools import cache
from typing import Final

MOST_CONNECTIONS: Final = 10_000
"""For each process, or as many as it may have files open."""
FILES_KEPT_BACK: Final = 128
"""For the database, the log and what else needs a file."""


@cache
def most_connections() -> int:
    """How many there may be at once. Lets the process open as many files as that takes, where the system allows it."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + FILES_KEPT_BACK
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    if now != resource.RLIM_INFINITY and now < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
        now = allowed
    return wanted - FILES_KEPT_BACK if now == resource.RLIM_INFINITY else min(now - FILES_KEPT_BACK, MOST_CONNECTIONS)
