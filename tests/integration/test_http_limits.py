"""Limits on abuse hold across processes: here, two applications with connections of their own on one database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.builders import a_user_id, an_email
from tests.containers import postgres_container
from tests.http.service import PASSWORD, Service, running
from todo.application.limits import LOG_INS

if TYPE_CHECKING:
    import httpx


async def log_in(service: Service, email: str, client: str) -> httpx.Response:
    body = {"email": email, "password": PASSWORD}
    return await service.post("/api/auth/login", body=body, headers={"X-Forwarded-For": client})


async def test_two_processes_count_together(database_url: str) -> None:
    client = f"2001:db8:{a_user_id()[-4:]}:{a_user_id()[-8:-4]}::1"
    settings: dict[str, Any] = {"rate_limit": "on", "trusted_proxies": "127.0.0.1"}
    email = an_email()
    async with (
        running(postgres_container(database_url, **settings)) as one,
        running(postgres_container(database_url, **settings)) as other,
    ):
        for number in range(LOG_INS.amount):
            assert (await log_in((one, other)[number % 2], email, client)).status_code == 401
        for service in (one, other):
            answer = await log_in(service, email, client)
            assert answer.status_code == 429
            assert 0 < int(answer.headers["Retry-After"]) <= LOG_INS.seconds
        assert (await log_in(other, an_email(), client)).status_code == 401


async def test_a_storage_that_is_away_makes_no_fault(database_url: str) -> None:
    settings: dict[str, Any] = {"rate_limit": "on", "rate_limit_storage": "redis://127.0.0.1:1"}
    async with running(postgres_container(database_url, **settings)) as service:
        ada = await service.sign_up()
        answers = [await log_in(service, ada.email, "nobody") for _ in range(LOG_INS.amount + 1)]
        assert [answer.status_code for answer in answers] == [200] * LOG_INS.amount + [429]
