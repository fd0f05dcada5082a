"""`todo doctor` before set-ups that are really broken, each in its own way."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.integration.servers import PASSWORD, connected, elsewhere, new_database, new_login
from tests.integration.test_redis_rate_limiter import Server as RedisServer
from tests.issuing import Signer, key_server
from todo.adapters.postgres.checkup import examine, version
from todo.adapters.postgres.embedded import EmbeddedPostgres
from todo.adapters.postgres.isolation_probe import PROTECTED
from todo.adapters.postgres.migrate import migrate
from todo.adapters.postgres.schema_checkup import revision
from todo.application.checkups import Finding, skew
from todo.entrypoints import cli_doctor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TODO = Path(sys.executable).with_name("todo")
SECRET = "kF3v9Qm2xT7pLw0aYc5nHs8dRb1eZg4u"


@pytest.fixture
async def url(server_url: str) -> AsyncIterator[str]:
    """A database with today's schema, for one test to break."""
    async with new_database(server_url) as url:
        await migrate(url)
        yield url


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the doctor finds with these settings: level and sentence, by code."""

    async def examine(**settings: str) -> dict[str, tuple[str, str]]:
        for name in list(os.environ):
            if name.startswith(("TODO_", "DATABASE_URL", "BETTER_AUTH_")):
                monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        findings = [finding async for finding in cli_doctor._findings()]
        told = "\n".join(finding.sentence for finding in findings)
        assert PASSWORD not in told
        assert "hunter2" not in told
        assert SECRET not in told
        return {finding.code: (finding.level, finding.sentence) for finding in findings}

    return examine


def on(url: str, **settings: str) -> dict[str, str]:
    return {"TODO_DATABASE_URL": url, "TODO_JWT_SECRET": SECRET, **settings}


def problems(found: dict[str, tuple[str, str]]) -> set[str]:
    return {code for code, (level, _) in found.items() if level == "problem"}


async def test_a_sound_set_up_has_no_problem_and_nothing_is_left_behind(found: Any, url: str) -> None:
    there = await found(**on(url))
    assert problems(there) == set()
    assert {"settings", "database_reached", "database_latency", "database_version", "clock", "connections"} <= set(
        there
    )
    assert {"schema_current", "row_security", "pooler_as_declared"} <= set(there)
    async with connected(url) as admin:
        for table in ("users", *PROTECTED):
            assert await admin.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608


async def test_the_probe_knows_every_table_that_is_protected(url: str) -> None:
    async with connected(url) as admin:
        protected = await admin.fetch("SELECT relname::text FROM pg_class WHERE relrowsecurity ORDER BY relname")
    assert tuple(row["relname"] for row in protected) == PROTECTED


# What stands in the way to the database


async def test_no_server(found: Any) -> None:
    there = await found(**on("postgresql://me:hunter2@127.0.0.1:1/todo"))
    assert problems(there) == {"database_unreachable"}
    assert there["database_unreachable"][1] == (
        "The database at 127.0.0.1:1/todo cannot be used: nothing listens there. Start it, or mend host and port in"
        " the URL."
    )


async def test_a_host_that_is_not_there(found: Any) -> None:
    assert problems(await found(**on("postgresql://me:hunter2@nowhere.invalid/todo"))) == {"database_unreachable"}


async def test_a_login_that_is_not_there(found: Any, server_url: str) -> None:
    nobody = elsewhere(server_url, database="postgres", user="nobody_at_all")
    assert problems(await found(**on(nobody))) == {"database_login_refused"}


async def test_a_missing_database(found: Any, url: str) -> None:
    there = await found(**on(elsewhere(url, database="no_such_database")))
    assert problems(there) == {"database_missing"}
    assert "CREATE DATABASE" in there["database_missing"][1]


async def test_a_bad_url(found: Any) -> None:
    assert problems(await found(**on("mysql://me:hunter2@db/x"))) == {"database_url_wrong"}


async def test_a_server_without_the_encryption_that_is_asked_for(found: Any) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # which ask for TLS
        writer.write(b"N")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        there = await found(**on(f"postgresql://me:hunter2@127.0.0.1:{port}/todo?sslmode=require"))
    assert problems(there) == {"database_tls_failed"}
    assert there["database_tls_failed"][1] == (
        f"The database at 127.0.0.1:{port}/todo cannot be used: it offers no TLS, and the URL insists on it. Turn TLS"
        " on there (ssl = on), or, if the network is yours alone, insist no more (sslmode=prefer)."
    )


# What is wrong in the database


async def test_a_schema_that_is_missing(found: Any, server_url: str) -> None:
    async with new_database(server_url) as empty:
        there = await found(**on(empty))
    assert problems(there) == {"schema_missing"}
    assert "run `todo migrate`" in there["schema_missing"][1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "schema_ahead"),
        ("UPDATE alembic_version SET version_num = 'a1b2c3'", "schema_unknown"),
        ("INSERT INTO alembic_version VALUES ('0009')", "schema_unknown"),
        ("DELETE FROM alembic_version", "schema_missing"),
        ("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY", "row_security_off"),
        ("ALTER TABLE sessions NO FORCE ROW LEVEL SECURITY", "row_security_off"),
        ("CREATE POLICY everyone ON tasks USING (true)", "row_security_does_not_bind"),
        (
            "ALTER POLICY owner_only ON tasks USING (current_setting('todo.owner', true) <> '')",
            "row_security_does_not_bind",
        ),
        ("ALTER POLICY owner_only ON tasks USING (true)", "row_security_does_not_bind"),
        ("ALTER POLICY owner_only ON tasks USING (true)", "row_security_altered"),
        ("ALTER POLICY owner_only ON tasks WITH CHECK (true)", "row_security_altered"),
        ("ALTER POLICY owner_only ON receipts WITH CHECK (false)", "row_security_altered"),
        ("ALTER POLICY named ON sessions USING (false)", "row_security_altered"),
        ("CREATE POLICY gifts ON tasks FOR INSERT WITH CHECK (true)", "row_security_altered"),
        ("CREATE POLICY few ON tasks AS RESTRICTIVE USING (priority > 0)", "row_security_altered"),
        ("ALTER POLICY owner_only ON tasks TO pg_monitor", "row_security_incomplete"),
        ("DROP POLICY owner_only ON receipts", "row_security_incomplete"),
        ("DROP POLICY named ON sessions", "row_security_incomplete"),
        ("REVOKE UPDATE ON tasks FROM todo_app", "role_lacks_rights"),
        ("REVOKE SELECT ON alembic_version FROM todo_app", "role_lacks_rights"),
        ("REVOKE USAGE ON SCHEMA public FROM public, todo_app", "role_lacks_rights"),
        ("DROP TABLE alembic_version", "schema_incomplete"),
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "database_read_only"),
        ("ALTER DATABASE {name} CONNECTION LIMIT 5", "connections_short"),
    ],
)
async def test_a_database_that_somebody_changed(found: Any, url: str, change: str, code: str) -> None:
    async with connected(url) as admin:
        await admin.execute(change.format(name=urlsplit(url).path[1:]))
    assert code in problems(await found(**on(url)))


async def test_policies_for_others_are_no_concern_of_the_service(found: Any, url: str) -> None:
    async with connected(url) as admin:
        await admin.execute("CREATE POLICY monitored ON tasks FOR SELECT TO pg_monitor USING (true)")
    assert problems(await found(**on(url))) == set()


async def test_what_a_schema_lacks_is_named(found: Any, url: str) -> None:
    async with connected(url) as admin:
        await admin.execute("DROP TABLE receipts; ALTER TABLE tasks DROP COLUMN due_on")
    there = await found(**on(url))
    assert problems(there) == {"schema_incomplete"}
    assert there["schema_incomplete"][1].startswith("The schema lacks receipts, tasks.due_on: restore a backup, or ")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("SELECT", "may not read alembic_version: GRANT SELECT, INSERT, UPDATE, DELETE on all tables"),
        (
            "GRANT SELECT ON alembic_version TO {login}",
            "may not use identities, rate_limits, receipts, sessions, tasks",
        ),
        ("REVOKE USAGE ON SCHEMA public FROM public", 'its search_path ("$user", public): GRANT USAGE ON SCHEMA'),
        ("REVOKE CONNECT ON DATABASE {name} FROM public", "GRANT CONNECT ON DATABASE"),
    ],
)
async def test_a_login_without_rights(found: Any, server_url: str, url: str, change: str, says: str) -> None:
    name = urlsplit(url).path[1:]
    async with new_login(server_url, "") as login:
        async with connected(url) as admin:
            await admin.execute(change.format(login=login, name=name))
        there = await found(**on(elsewhere(url, database=name, user=login)))
        async with connected(url) as admin:
            await admin.execute(f"DROP OWNED BY {login}")
    assert problems(there) == {"role_lacks_rights"}
    sentence = there["role_lacks_rights"][1]
    assert says in sentence
    assert "\n" not in sentence


async def test_rows_that_everyone_sees_are_found_without_any_row(found: Any, url: str) -> None:
    async with connected(url) as admin:
        await admin.execute("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY")
    there = await found(**on(url))
    assert problems(there) == {"row_security_off", "row_security_does_not_bind"}
    assert "sees rows of everyone in tasks" in there["row_security_does_not_bind"][1]


async def test_a_role_that_no_policy_binds(found: Any, server_url: str) -> None:
    async with new_login(server_url, "BYPASSRLS") as login, new_database(server_url, login) as own:
        await migrate(own)
        async with connected(server_url) as admin:
            await admin.execute(f"REVOKE todo_app FROM {login}")
        there = await found(**on(own))
    assert problems(there) == {"role_unbound"}
    assert f'GRANT todo_app TO "{login}"' in there["role_unbound"][1]


async def test_an_ordinary_role_needs_no_stepping_down(found: Any, server_url: str) -> None:
    async with new_login(server_url, "") as login, new_database(server_url, login) as own:
        await migrate(own)
        there = await found(**on(own))
    assert problems(there) == set()
    assert there["row_security"][1] == f"Row-level security binds the role {login}."


async def test_more_processes_than_the_database_has_connections_for(found: Any, url: str) -> None:
    there = await found(**on(url, TODO_WORKERS="256"))
    assert problems(there) == {"connections_short"}
    assert "up to 2304 connections" in there["connections_short"][1]


async def test_a_clock_that_is_wrong(url: str) -> None:
    async def at(offset: float) -> list[Finding]:
        checkup = examine(url, pooler="auto", processes=1, now=lambda: time.time() + offset)
        return [finding async for finding in checkup if finding.code.startswith("clock")]

    (late,) = await at(-3600)
    assert (late.code, late.level) == ("clock_skewed", "problem")
    assert "3600 seconds ahead of that of this machine" in late.sentence
    (early,) = await at(20)
    assert (early.code, early.level) == ("clock_skewed", "warning")
    assert "20 seconds behind" in early.sentence


async def test_a_pooler_that_is_declared_and_not_there(found: Any, url: str) -> None:
    there = await found(**on(url, TODO_DATABASE_POOLER="transaction"))
    assert there["pooler_not_there"][0] == "warning"
    assert problems(there) == set()


# What is wrong with the settings


async def test_a_weak_secret_and_a_misspelt_setting_are_both_told(found: Any, url: str) -> None:
    there = await found(TODO_DATABASE_URL=url, TODO_JWT_SECRET="x" * 40, TODO_PROT="80", TODO_WORKERS="many")
    assert problems(there) == {"secret_weak", "setting_unknown", "setting_wrong"}
    assert "schema_current" in there  # the rest is looked at all the same


async def test_a_secret_that_is_missing(found: Any, url: str) -> None:
    there = await found(TODO_DATABASE_URL=url)
    assert problems(there) == {"secret_missing"}


async def test_an_address_that_is_no_text(found: Any) -> None:
    there = await found(TODO_JWT_SECRET=SECRET, DATABASE_URL=os.fsdecode(b"postgresql://\xff"))
    assert problems(there) == {"setting_wrong"}
    assert not {code for code in there if code.startswith(("database", "data_dir"))}


async def test_a_file_that_is_not_there(found: Any, tmp_path: Path) -> None:
    there = await found(TODO_JWT_SECRET=SECRET, TODO_DATABASE_URL_FILE=str(tmp_path / "url"))
    assert problems(there) == {"secret_file_unusable"}
    assert not {code for code in there if code.startswith(("database", "data_dir"))}


async def test_what_is_often_a_mistake_is_a_hint(found: Any, url: str) -> None:
    there = await found(
        **on(url, TODO_HOST="0.0.0.0", TODO_CORS_ORIGINS="http://app.example.com,http://localhost:3000"),  # noqa: S104
    )
    assert problems(there) == set()
    assert {"proxies_not_named", "origin_not_encrypted"} <= set(there)
    assert "origin_not_encrypted" not in await found(**on(url, TODO_CORS_ORIGINS="http://[::1]:3000"))
    assert {"limits_off"} <= set(await found(**on(url, TODO_RATE_LIMIT="off")))
    assert "proxies_not_named" not in await found(**on(url, TODO_HOST="0.0.0.0", TODO_TRUSTED_PROXIES="10.0.0.1"))  # noqa: S104


# What is around


def issuer(url: str) -> dict[str, str]:
    return {"TODO_ISSUERS": json.dumps([{"issuer": "https://app", "audience": "https://app", "jwks_url": url}])}


async def test_keys_that_can_be_used(found: Any, url: str) -> None:
    async with key_server(Signer("EdDSA")) as keys:
        there = await found(**on(url, **issuer(keys.url)))
    assert there["keys"] == ("ok", "https://app publishes keys for EdDSA.")


async def test_keys_that_cannot_be_fetched(found: Any, url: str) -> None:
    assert problems(await found(**on(url, **issuer("http://127.0.0.1:1/jwks")))) == {"keys_unreachable"}


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct", "kid": "1", "k": "eA"}]}']
)
async def test_keys_that_are_none(found: Any, url: str, body: bytes) -> None:
    async with key_server() as keys:
        keys.publish_text(body)
        assert problems(await found(**on(url, **issuer(keys.url)))) == {"keys_unusable"}


async def test_an_issuer_whose_clock_is_wrong(found: Any, url: str) -> None:
    async with key_server(Signer("EdDSA")) as keys:
        keys.headers["Date"] = "Mon, 01 Jan 2024 00:00:00 GMT"
        there = await found(**on(url, **issuer(keys.url)))
    assert problems(there) == {"issuer_clock_skewed"}
    assert there["issuer_clock_skewed"][1].startswith("The clock of https://app is ")


async def test_a_counter_that_answers(found: Any, url: str) -> None:
    server = RedisServer(("127.0.0.1", 0))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        there = await found(**on(url, TODO_RATE_LIMIT_STORAGE=f"redis://127.0.0.1:{server.server_address[1]}/0"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert there["limits"][0] == "ok"


async def test_a_counter_that_is_away(found: Any, url: str) -> None:
    there = await found(**on(url, TODO_RATE_LIMIT_STORAGE="redis://:hunter2@127.0.0.1:1/0"))
    assert problems(there) == {"limits_unreachable"}
    off = await found(**on(url, TODO_RATE_LIMIT_STORAGE="redis://:hunter2@127.0.0.1:1/0", TODO_RATE_LIMIT="off"))
    assert problems(off) == set()


# The embedded server


async def test_a_data_directory_that_is_no_directory(found: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert problems(await found(TODO_DATA_DIR=str(tmp_path / "file"))) == {"data_dir_unwritable"}
    assert problems(await found(TODO_DATA_DIR=str(tmp_path / "file" / "below"))) == {"data_dir_unwritable"}


async def test_a_file_system_that_only_reads(found: Any) -> None:
    assert problems(await found(TODO_DATA_DIR="/proc/todo")) == {"data_dir_unwritable"}


async def test_a_directory_that_is_new_stays_untouched(found: Any, tmp_path: Path) -> None:
    there = await found(TODO_DATA_DIR=str(tmp_path / "data"))
    assert problems(there) == set()
    assert "embedded_new" in there
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_data_of_another_version(found: Any, tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    assert problems(await found(TODO_DATA_DIR=str(tmp_path))) == {"embedded_other_version"}


def test_the_embedded_server_is_looked_at_whether_it_runs_or_not(tmp_path: Path) -> None:
    def doctor(*options: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.defpath, "TODO_DATA_DIR": str(tmp_path)}
        command = [str(TODO), "doctor", *options]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    with EmbeddedPostgres(tmp_path, durable=False):
        running = doctor()
    assert running.returncode == 1
    assert "The embedded PostgreSQL runs." in running.stdout
    assert "PROBLEM The database has no schema yet: run `todo migrate`, or `todo serve` once." in running.stdout
    assert running.stdout.endswith("\n\n1 problem, no warnings.\n")
    stopped = doctor("--json")
    assert (stopped.returncode, stopped.stderr) == (1, "")
    told = json.loads(stopped.stdout)
    assert told["ok"] is False
    levels = {finding["code"]: finding["level"] for finding in told["findings"]}
    assert (levels["embedded"], levels["schema_missing"]) == ("ok", "problem")
    assert "was started for a moment" in stopped.stdout
    assert not (tmp_path / "jwt_secret").exists()


# What cannot be broken here


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (140_012, "database_too_old"),
        (150_000, "database_version"),
        (180_001, "database_version"),
        (190_000, "database_untested"),
    ],
)
def test_versions(number: int, code: str) -> None:
    assert version(number).code == code


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (None, "schema_missing"),
        ([], "schema_missing"),
        (["0001"], "schema_behind"),
        (["0002"], "schema_current"),
        (["0003"], "schema_ahead"),
        (["0002", "0003"], "schema_unknown"),
        (["x"], "schema_unknown"),
        (["0000"], "schema_unknown"),
    ],
)
def test_revisions(found: list[str] | None, code: str) -> None:
    assert revision(found, ["0001", "0002"]).code == code


def test_clocks_may_differ_by_as_much_as_an_answer_takes() -> None:
    assert skew("clock", 1.9, "x").level == "ok"
