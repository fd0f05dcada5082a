"""What is changed blindly, and which tests are there for it: each kept small, because all of it is run so often."""

from __future__ import annotations

from typing import Final

_SERVICES = (
    "tests/unit/test_task_service.py",
    "tests/unit/test_account_service.py",
    "tests/unit/test_session_service.py",
)
_ISOLATION = (
    "tests/integration/test_statements.py::test_every_statement_names_the_owner_for_each_table_that_has_one",
    "tests/integration/test_isolation.py",
)


def _http(*suites: str) -> tuple[str, ...]:
    return tuple(f"tests/unit/test_http.py::Test{suite}" for suite in suites)


def _store(*suites: str) -> tuple[str, ...]:
    return (*(f"tests/integration/test_postgres.py::Test{suite}" for suite in suites), *_ISOLATION)


_BODIES = _http("MalformedBodies", "EmptyBodies", "MediaTypes", "Sizes", "Types", "Batches", "Completing")
_LISTS = _http("Lists", "Pages", "Parameters", "RefusedParameters", "Filters", "Stats", "Feeding")
_CONNECTIONS = ("tests/hostile/test_malformed.py", "tests/hostile/test_floods.py", "tests/hostile/test_slow.py")
_TOKENS = ("tests/unit/test_tokens.py", "tests/integration/test_foreign_tokens.py")
_KEYS = ("tests/integration/test_key_sets.py", "tests/integration/test_foreign_tokens.py")

TARGETS: Final[dict[str, tuple[str, ...]]] = {
    "domain/session.py": ("tests/unit/test_session.py", "tests/unit/test_session_service.py"),
    "domain/task.py": ("tests/unit/test_task.py",),
    "domain/texts.py": ("tests/unit/test_texts.py", "tests/unit/test_values.py"),
    "domain/values.py": ("tests/unit/test_values.py", "tests/unit/test_folding.py", "tests/unit/test_texts.py"),
    "application/accounts.py": (
        "tests/unit/test_account_service.py",
        "tests/unit/test_http_limits.py",
        "tests/integration/test_foreign_people.py",
    ),
    "application/admission.py": ("tests/unit/test_admission.py", "tests/unit/test_account_service.py"),
    "application/changing.py": ("tests/unit/test_task_service.py",),
    "application/feed.py": ("tests/integration/test_streams.py", *_http("Feeding")),
    "application/limits.py": ("tests/unit/test_limits.py", "tests/unit/test_http_limits.py"),
    "application/operators.py": (*_SERVICES[1:], "tests/unit/test_cli_users.py"),
    "application/passwords.py": ("tests/unit/test_account_service.py",),
    "application/purging.py": ("tests/unit/test_purging.py",),
    "application/queries.py": ("tests/unit/test_memory.py::TestTaskLists", *_LISTS),
    "application/sessions.py": ("tests/unit/test_session_service.py", "tests/unit/test_http_limits.py"),
    "application/tasks.py": (
        *_SERVICES,
        "tests/unit/test_http_repeats.py",
        *_http("Batches", "Trash", "Repeating", "NotRepeating", "WritingIfUnchanged"),
    ),
    "application/watches.py": ("tests/unit/test_memory.py::TestTaskFeed", "tests/integration/test_streams.py"),
    "application/zones.py": ("tests/unit/test_zones.py", "tests/unit/test_memory.py::TestTaskLists"),
    "adapters/postgres/archive.py": _store("Archive"),
    "adapters/postgres/connection.py": (
        "tests/integration/test_connection.py",
        "tests/integration/test_faults.py",
        "tests/databases/test_waking.py",
        *_store("Store", "UnitOfWork"),
    ),
    "adapters/postgres/database.py": (
        *_store("Store", "UnitOfWork"),
        "tests/integration/test_faults.py",
        "tests/integration/test_connection.py",
        "tests/databases/test_waking.py",
    ),
    "adapters/postgres/feed.py": _store("TaskFeed"),
    "adapters/postgres/identities.py": _store("Identities", "Burial"),
    "adapters/postgres/pool.py": ("tests/unit/test_pool.py", "tests/sight/test_pool.py"),
    "adapters/postgres/rate_limiter.py": ("tests/integration/test_postgres_rate_limiter.py",),
    "adapters/postgres/receipts.py": _store("Receipts", "ForgettingReceipts"),
    "adapters/postgres/rows.py": _store("TaskRepository", "TaskReader", "TaskLists"),
    "adapters/postgres/sessions.py": _store("Sessions"),
    "adapters/postgres/statements.py": _store("TaskReader", "TaskRepository", "UnitOfWork", "Accounts"),
    "adapters/postgres/task_lists.py": _store("TaskLists"),
    "adapters/postgres/task_stats.py": _store("TaskLists", "TaskReader"),
    "adapters/postgres/task_writes.py": (
        *_store("Store", "TaskRepository", "UnitOfWork", "TrashPurge"),
        "tests/integration/test_races.py",
    ),
    "adapters/postgres/tasks.py": _store("TaskReader", "TaskRepository", "Trash", "TrashPurge"),
    "adapters/postgres/url.py": ("tests/unit/test_url.py",),
    "adapters/postgres/users.py": _store("Accounts"),
    "adapters/jose/gate.py": _TOKENS,
    "adapters/jose/jwks.py": _KEYS,
    "adapters/jose/keys.py": _KEYS,
    "adapters/jose/verifier.py": _TOKENS,
    "adapters/refresh_tokens.py": ("tests/unit/test_refresh_tokens.py",),
    "entrypoints/connections.py": _CONNECTIONS,
    "entrypoints/deadline.py": ("tests/unit/test_deadline.py",),
    "entrypoints/exchange.py": ("tests/unit/test_exchange.py",),
    "entrypoints/http/bodies.py": (*_BODIES, "tests/unit/test_openapi.py"),
    "entrypoints/http/clients.py": ("tests/unit/test_clients.py",),
    "entrypoints/http/conditions.py": _http("WritingIfUnchanged", "ReadingIfChanged", "UnchangedLists", "Trash"),
    "entrypoints/http/cursors.py": _http("TamperedCursors", "Pages", "CursorsOfOtherLists"),
    "entrypoints/http/dependencies.py": (
        *_http("Tokens", "Trash", "EveryRoute", "Sessions"),
        "tests/unit/test_http_faults.py",
        "tests/unit/test_http_limits.py",
    ),
    "entrypoints/http/heads.py": _CONNECTIONS,
    "entrypoints/http/idempotency.py": (*_http("Repeating", "NotRepeating"), "tests/unit/test_http_repeats.py"),
    "entrypoints/http/parameters.py": _LISTS,
    "entrypoints/stall.py": ("tests/hostile/test_slow.py",),
}
"""Each file, and the tests that have to notice."""
