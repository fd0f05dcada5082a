"""What holds over HTTP for accounts and sessions, on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers import postgres_container
from tests.http import sessions
from tests.http.service import Service, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="module")
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(postgres_container(database_url)) as service:
        yield service


class TestRefreshing(sessions.Refreshing): ...


class TestLoggingOut(sessions.LoggingOut): ...


class TestSessions(sessions.Sessions): ...


class TestChangingOneself(sessions.ChangingOneself): ...


class TestLeaving(sessions.Leaving): ...


class TestExporting(sessions.Exporting): ...


class TestOAuth(sessions.OAuth): ...
