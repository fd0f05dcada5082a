"""`todo doctor`: what is wrong with the settings, with the database and with what is around, and what to do."""

from __future__ import annotations

import asyncio
import json
import os
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from todo.application.checkups import Finding, fine, problem, warning

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Iterator

    from todo.entrypoints.settings import Settings

_MARKS: Final = {"ok": "ok     ", "warning": "WARNING", "problem": "PROBLEM"}


def add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    doctor = commands.add_parser(
        "doctor",
        help="say what is wrong, and what to do",
        description="Check settings, database, issuers and what else the service needs, and say what is wrong and what"
        " to do. Changes nothing. Ends with status 1 if there is a problem; warnings alone are no failure.",
    )
    doctor.add_argument("--json", action="store_true", help="for programs: codes, levels and sentences")
    doctor.set_defaults(command=_doctor)


def _doctor(chosen: argparse.Namespace) -> int:
    findings: list[Finding] = []

    async def examine() -> None:
        async for finding in _findings():
            findings.append(finding)
            if not chosen.json:
                print(_MARKS[finding.level], finding.sentence, flush=True)

    _be_quiet()
    asyncio.run(examine())
    problems = sum(finding.level == "problem" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    if chosen.json:
        shown = [{"code": one.code, "level": one.level, "message": one.sentence} for one in findings]
        print(json.dumps({"ok": not problems, "findings": shown}, indent=2, ensure_ascii=False))
    else:
        print(f"\n{_counted(problems, 'problem')}, {_counted(warnings, 'warning')}.")
    return 1 if problems else 0


async def _findings() -> AsyncIterator[Finding]:
    settings, flaws = _settings()
    for flaw in flaws.values():
        yield flaw
    if settings is None:
        return
    if not flaws:
        yield fine("settings", "The settings are well-formed.")
    for finding in _hints(settings):
        yield finding
    if not any(name.startswith(("TODO_DATABASE_URL", "DATABASE_URL", "TODO_DATA_DIR")) for name in flaws):
        async for finding in _database(settings):
            yield finding
    if settings.limits_abuse and settings.rate_limit_storage:
        from todo.adapters import redis

        yield await redis.examine(settings.rate_limit_storage)
    if settings.trusted_issuers:
        from todo.adapters.jose import checkup

        async for finding in checkup.examine(settings.trusted_issuers):
            yield finding


def _settings() -> tuple[Settings | None, dict[str, Finding]]:
    """The settings without those that are wrong, and what is wrong, by variable."""
    from todo.entrypoints.environment import load_settings
    from todo.entrypoints.expectations import SettingsError

    environ = dict(os.environ)
    flaws: dict[str, Finding] = {}
    settings = None
    while settings is None:
        try:
            settings = load_settings(environ)
        except SettingsError as error:
            name = error.variable or ""
            flaws[name] = problem(error.code, str(error))
            given = [one for one in (name, f"{name}_FILE") if environ.pop(one, "").strip()]
            if not given:  # so leaving it out does not help
                return None, flaws
    if settings.database_url and not any(name.startswith("TODO_JWT_SECRET") for name in flaws):
        try:
            _ = settings.secret
        except SettingsError as error:
            flaws["TODO_JWT_SECRET"] = problem(error.code, str(error))
    return settings, flaws


def _hints(settings: Settings) -> Iterator[Finding]:
    """What is allowed, and yet often a mistake."""
    if not _is_local(settings.host) and not settings.trusted_proxies:
        yield warning(
            "proxies_not_named",
            f"TODO_HOST={settings.host} listens beyond this machine, and TODO_TRUSTED_PROXIES is not set: if there is a"
            " proxy in front, name it, or limits count all clients as one. If there is none, put TLS in front.",
        )
    if not settings.limits_abuse and settings.database_url:
        yield warning(
            "limits_off", "TODO_RATE_LIMIT=off: passwords can be guessed as fast as anyone likes. Turn it on."
        )
    if settings.limits_abuse and settings.workers > (cores := os.cpu_count() or 1):
        yield warning(
            "workers_exceed_cores",
            f"TODO_WORKERS={settings.workers}, and this machine has {cores} cores: more processes than cores only take"
            " memory and connections.",
        )
    for origin in settings.cors_origins:
        parts = urlsplit(origin)
        if parts.scheme == "http" and settings.database_url and not _is_local(parts.hostname or ""):
            yield warning(
                "origin_not_encrypted",
                f"TODO_CORS_ORIGINS allows {origin}: whoever is in between has its readers' tokens. Use https.",
            )


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    from todo.adapters.postgres import checkup

    if settings.database_url:
        async for finding in checkup.examine(
            settings.database_url, pooler=settings.database_pooler, processes=settings.workers
        ):
            yield finding
        return
    from todo.adapters.postgres import embedded_checkup
    from todo.adapters.postgres.embedded import EmbeddedPostgres
    from todo.adapters.postgres.programs import EmbeddedPostgresError

    is_sound = True
    for finding in embedded_checkup.examine(settings.data_dir):
        is_sound = is_sound and finding.level != "problem"
        yield finding
    if not is_sound or not (settings.data_dir / "postgres").exists():
        return
    server = EmbeddedPostgres(settings.data_dir)
    try:
        url = server.join()
        state = "runs" if url else "does not run, and was started for a moment"
        url = url or server.start()
        yield fine("embedded", f"The embedded PostgreSQL {state}.")
        async for finding in checkup.examine(url, pooler="none", processes=settings.workers):
            yield finding
    except EmbeddedPostgresError as error:
        yield problem("embedded_unusable", str(error))
    finally:
        server.stop()


def _is_local(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def _be_quiet() -> None:
    """What is to be said is said by the findings."""
    from todo.entrypoints.logs import configure_logging

    configure_logging("critical")
