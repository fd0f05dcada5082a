"""What is measured: every metric with its name, its labels and its meaning.

`docs/observability.md` tells the same, and a test holds the two together.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple


class Family(NamedTuple):
    """A metric. Where several processes have one, `merged` says what they have together.

    A `Durations` in seconds is a histogram; all other values are numbers. Those of a counter never fall: they
    outlive the process that counted. Those of a gauge end with it.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    merged: Literal["sum", "min", "max"] = "sum"


REQUESTS: Final = Family(
    "todo_http_requests_total",
    "counter",
    "Requests that were answered. Status 499: the client left before.",
    ("method", "route", "status"),
)
DURATIONS: Final = Family(
    "todo_http_request_duration_seconds", "histogram", "Time until an answer began.", ("method", "route")
)
IN_PROGRESS: Final = Family(
    "todo_http_requests_in_progress", "gauge", "Requests under way; streams count as long as they are open."
)
REFUSALS: Final = Family(
    "todo_http_refusals_total",
    "counter",
    "Answers that are problem documents, by their code: too_many_requests, invalid_token, unavailable and others.",
    ("route", "code"),
)
STREAMS: Final = Family("todo_streams_open", "gauge", "Streams of changes that are open.")
LOG_INS: Final = Family(
    "todo_log_ins_total", "counter", "Attempts to log in with a password: ok, refused, limited.", ("outcome",)
)
SIGN_UPS: Final = Family(
    "todo_sign_ups_total", "counter", "Attempts to open an account: ok, refused, limited.", ("outcome",)
)
REFRESHES: Final = Family(
    "todo_refreshes_total",
    "counter",
    "Uses of refresh tokens: ok, refused, limited, and reused, which is how a stolen one shows.",
    ("outcome",),
)
KEY_FETCHES: Final = Family(
    "todo_jwks_fetches_total", "counter", "Fetches of the keys of other issuers: ok, failed.", ("outcome",)
)
CONNECTIONS: Final = Family(
    "todo_pool_connections", "gauge", "Open connections to PostgreSQL: idle, in_use.", ("state",)
)
POOL_SIZE: Final = Family("todo_pool_size", "gauge", "How many connections to PostgreSQL there may be.")
POOL_WAITING: Final = Family("todo_pool_waiting", "gauge", "Requests that wait for a connection.")
POOL_WAITS: Final = Family(
    "todo_pool_wait_seconds", "histogram", "How long those waited for a connection who had to, in vain or not."
)
POOL_REFUSED: Final = Family(
    "todo_pool_refused_total",
    "counter",
    "Requests that got no connection: all were in use for too long, or by too many.",
)
CONNECT_FAILURES: Final = Family(
    "todo_database_connect_failures_total", "counter", "Attempts to connect to PostgreSQL that failed."
)
PURGED: Final = Family("todo_trash_purged_tasks_total", "counter", "Tasks that were removed from the trash for good.")
PURGE_LAG: Final = Family(
    "todo_trash_purge_lag_seconds",
    "gauge",
    "How long at most a task lies in the trash that is due: since the last round through all of it began.",
    merged="min",
)
WORKERS: Final = Family("todo_workers", "gauge", "Processes that serve requests.")
BUILD: Final = Family("todo_build_info", "gauge", "Always 1.", ("version", "python"), merged="max")
CPU: Final = Family("process_cpu_seconds_total", "counter", "CPU time spent, user and system, in seconds.")
MEMORY: Final = Family("process_resident_memory_bytes", "gauge", "Memory in use, in bytes.")
OPEN_FILES: Final = Family("process_open_fds", "gauge", "Open files and sockets.")
MOST_FILES: Final = Family("process_max_fds", "gauge", "How many of them one process may have.", merged="min")
STARTED: Final = Family(
    "process_start_time_seconds", "gauge", "When the first process was started, in seconds since 1970.", merged="min"
)

FAMILIES: Final = (
    REQUESTS,
    DURATIONS,
    IN_PROGRESS,
    REFUSALS,
    STREAMS,
    LOG_INS,
    SIGN_UPS,
    REFRESHES,
    KEY_FETCHES,
    CONNECTIONS,
    POOL_SIZE,
    POOL_WAITING,
    POOL_WAITS,
    POOL_REFUSED,
    CONNECT_FAILURES,
    PURGED,
    PURGE_LAG,
    WORKERS,
    BUILD,
    CPU,
    MEMORY,
    OPEN_FILES,
    MOST_FILES,
    STARTED,
)
