"""How PostgreSQL's own programs are found, and told where the database is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from todo.adapters.postgres import libpq
from todo.adapters.postgres.libpq import ClientPrograms, ProgramsError, environment
from todo.adapters.postgres.url import DatabaseUrlError

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://me:hunter%402@db.example:6000/todo"


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("PG", "TODO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(libpq, "DEBIAN", tmp_path / "debian")
    monkeypatch.setattr(libpq, "find_spec", lambda _: None)


def install(place: Path, version: str) -> Path:
    """Programs that only tell their version."""
    place.mkdir(parents=True)
    for program in ("pg_dump", "pg_restore", "psql"):
        (place / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")
        (place / program).chmod(0o755)
    return place


def test_the_url_becomes_variables() -> None:
    told = environment(f"{URL}?sslmode=require&channel_binding=require&options=-c%20a%3Db&connect_timeout=3")
    assert {name: text for name, text in told.items() if name.startswith("PG")} == {
        "PGHOST": "db.example",
        "PGPORT": "6000",
        "PGUSER": "me",
        "PGPASSWORD": "hunter@2",
        "PGDATABASE": "todo",
        "PGSSLMODE": "require",
        "PGCHANNELBINDING": "require",
        "PGOPTIONS": "-c a=b",
        "PGCONNECT_TIMEOUT": "3",
    }


def test_what_the_url_leaves_out_is_what_the_service_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("PGPORT", "1"), ("PGSSLMODE", "disable"), ("PGUSER", "someone"), ("TODO_JWT_SECRET", "s")):
        monkeypatch.setenv(name, text)
    told = environment("postgresql:///todo")
    assert (told["PGPORT"], told["PGSSLMODE"], told["PGUSER"]) == ("5432", "prefer", "someone")
    assert told["PGHOST"].endswith("localhost")
    assert "TODO_JWT_SECRET" not in told


def test_what_other_drivers_write_is_understood_here_too() -> None:
    told = environment(f"{URL}?ssl=no-verify&pgbouncer=true&connection_limit=5&schema=my%20own&options=-c%20a%3Db")
    assert told["PGSSLMODE"] == "require"
    assert told["PGOPTIONS"] == '-c a=b -c search_path="my\\ own"'


@pytest.mark.parametrize("end", ["verify-ca", "verify-full", "verify-full&sslrootcert=system"])
def test_a_verifying_url_trusts_what_this_machine_trusts(end: str) -> None:
    trusted = environment(f"{URL}?sslmode={end}")["PGSSLROOTCERT"]
    assert trusted == "system" or trusted.startswith("/")


def test_what_the_service_does_not_understand_is_refused_here_too() -> None:
    with pytest.raises(DatabaseUrlError, match="not known here: 'colour'"):
        environment(f"{URL}?colour=red")


def test_the_oldest_programs_that_know_the_server_are_taken(tmp_path: Path) -> None:
    for version in ("15.2 (Debian)", "17.1", "18.0"):
        install(tmp_path / "debian" / version[:2] / "bin", version)
    install(tmp_path / "path", "16.3")
    assert [ClientPrograms.for_server(version, URL).version for version in (14, 16, 17, 18)] == [15, 16, 17, 18]
    assert ClientPrograms.newest().version == 18


def test_programs_that_are_too_old_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProgramsError, match="none is installed: install PostgreSQL's client programs"):
        ClientPrograms.for_server(18, URL)
    install(tmp_path / "path", "15.2")
    with pytest.raises(ProgramsError, match=r"PostgreSQL 18 or newer are needed .* but the newest installed is 15"):
        ClientPrograms.for_server(18, URL)


def test_programs_without_tls_are_not_taken_where_the_url_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages"
    install(package / "pginstall" / "bin", "18.6")
    spec = type("Spec", (), {"origin": str(package / "__init__.py")})
    monkeypatch.setattr(libpq, "find_spec", lambda _: spec)
    assert ClientPrograms.for_server(18, URL).version == 18
    with pytest.raises(ProgramsError, match="has no TLS, which the database URL asks for"):
        ClientPrograms.for_server(18, f"{URL}?sslmode=require")
