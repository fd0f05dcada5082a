"""Limits on abuse hold across processes: here, two applications with connections of their own on one database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.builders import a_user_id, an_email
from tests.containers import postgres_container
from tests.http.service import PASSWORD, Service, running
from todo.application.limits import LOG_INS, PART, REQUESTS
from todo.domain.errors import TooManyRequestsError
from todo.domain.values import UserId

if TYPE_CHECKING:
    import httpx

    from tests.builders import StoppedClock


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


async def test_two_processes_add_requests_up(database_url: str, clock: StoppedClock) -> None:
    async with (
        running(postgres_container(database_url, clock, rate_limit="on")) as one,
        running(postgres_container(database_url, clock, rate_limit="on")) as other,
    ):
        ada = await one.sign_up()

        async def let_through(service: Service, most: int) -> int:
            limits = service.app.state.container.abuse_limits()
            for number in range(most):
                try:
                    await limits.request(UserId(ada.id))
                except TooManyRequestsError:
                    return number
            return most

        async def both(most: int) -> int:
            return sum(await asyncio.gather(let_through(one, most), let_through(other, most)))

        all_but_two_parts = REQUESTS.amount - 2 * PART
        assert sum([await both(PART) for _ in range(all_but_two_parts // (2 * PART))]) == all_but_two_parts
        assert 2 * PART <= await both(REQUESTS.amount) < 3 * PART
        for service in (one, other):
            answer = await service.get("/api/tasks", headers={"Authorization": f"Bearer {ada.token}"})
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")


async def test_a_storage_that_is_away_makes_no_fault(database_url: str) -> None:
    settings: dict[str, Any] = {"rate_limit": "on", "rate_limit_storage": "redis://127.0.0.1:1"}
    async with running(postgres_container(database_url, **settings)) as service:
        ada = await service.sign_up()
        answers = [await log_in(service, ada.email, "nobody") for _ in range(LOG_INS.amount + 1)]
        assert [answer.status_code for answer in answers] == [200] * LOG_INS.amount + [429]
