"""Limits on abuse as clients meet them, on the store in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.builders import a_task_id, an_email
from tests.containers import memory_container
from tests.http.service import PASSWORD, Person, Service, code, running
from todo.application.limits import (
    CONFIRMATIONS,
    LOG_INS,
    LOG_INS_OF_CLIENT,
    REFRESHES,
    REFRESHES_OF_CLIENT,
    REQUESTS,
    SIGN_UPS,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.builders import StoppedClock


@pytest.fixture
async def service(clock: StoppedClock) -> AsyncIterator[Service]:
    """Behind a proxy on this machine."""
    async with running(memory_container(clock, rate_limit="on", trusted_proxies="127.0.0.1")) as service:
        yield service


async def log_in(service: Service, email: str, password: str = PASSWORD, client: str = "192.0.2.1") -> httpx.Response:
    body = {"email": email, "password": password}
    return await service.post("/api/auth/login", body=body, headers={"X-Forwarded-For": client})


async def test_who_guesses_a_password_is_told_when_to_come_back(service: Service, clock: StoppedClock) -> None:
    ada = await service.sign_up()
    for _ in range(LOG_INS.amount):
        assert code(await log_in(service, ada.email, "a wrong guess")) == (401, "wrong_credentials")
        clock.go_on(seconds=1)
    answer = await log_in(service, ada.email)
    assert code(answer) == (429, "too_many_requests")
    assert {name: answer.headers[name] for name in ("Retry-After", "RateLimit-Limit", "RateLimit-Reset")} == {
        "Retry-After": "50",
        "RateLimit-Limit": "10",
        "RateLimit-Reset": "50",
    }
    assert answer.headers["RateLimit-Remaining"] == "0"
    clock.go_on(seconds=50)
    assert (await log_in(service, ada.email)).status_code == 200


async def test_an_unknown_address_is_limited_like_a_known_one(service: Service) -> None:
    email = an_email()
    answers = [await log_in(service, email) for _ in range(LOG_INS.amount + 1)]
    assert [answer.status_code for answer in answers] == [401] * LOG_INS.amount + [429]


async def test_others_go_on_logging_in(service: Service) -> None:
    ada, bob = await service.sign_up(), await service.sign_up()
    for _ in range(LOG_INS.amount + 1):
        await log_in(service, ada.email, "a wrong guess")
    assert (await log_in(service, bob.email)).status_code == 200
    assert (await log_in(service, ada.email, client="192.0.2.2")).status_code == 200


async def test_what_a_client_writes_itself_makes_it_nobody_else(service: Service) -> None:
    email = an_email()
    for number in range(LOG_INS.amount):
        await log_in(service, email, client=f"198.51.100.{number}, 192.0.2.1")
    assert (await log_in(service, email, client="198.51.100.99, 192.0.2.1")).status_code == 429


async def test_without_a_proxy_the_header_means_nothing(clock: StoppedClock) -> None:
    async with running(memory_container(clock, rate_limit="on")) as service:
        email = an_email()
        answers = [await log_in(service, email, client=f"192.0.2.{number}") for number in range(LOG_INS.amount + 1)]
    assert answers[-1].status_code == 429


@pytest.mark.parametrize("garbage", [b"\xff" * 8192, b"," * 8192, b"unknown", b"fe80::1%" + b"z" * 8000, b"", b"\t"])
async def test_no_header_is_too_much(service: Service, garbage: bytes) -> None:
    headers: Any = [(b"X-Forwarded-For", garbage), (b"X-Forwarded-For", garbage)]
    answer = await service.post("/api/auth/login", body={"email": an_email(), "password": PASSWORD}, headers=headers)
    assert answer.status_code == 401


async def test_one_client_cannot_try_many_addresses(service: Service) -> None:
    for _ in range(LOG_INS_OF_CLIENT.amount):
        assert (await log_in(service, an_email())).status_code == 401
    assert (await log_in(service, an_email())).status_code == 429
    assert (await log_in(service, an_email(), client="2001:db8::1")).status_code == 401


async def test_sign_ups_are_limited(service: Service) -> None:
    async def sign_up() -> httpx.Response:
        return await service.post("/api/auth/register", body={"email": an_email(), "password": PASSWORD})

    for _ in range(SIGN_UPS.amount):
        assert (await sign_up()).status_code == 201
    answer = await sign_up()
    assert (code(answer), answer.headers["Retry-After"]) == ((429, "too_many_requests"), "3600")


async def test_the_form_of_oauth_is_limited_together_with_the_other(service: Service) -> None:
    ada = await service.sign_up()
    for _ in range(LOG_INS.amount):
        await log_in(service, ada.email, "a wrong guess")
    answer = await service.post(
        "/api/auth/token",
        content=urlencode({"grant_type": "password", "username": ada.email, "password": PASSWORD}).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": "192.0.2.1"},
    )
    assert (answer.status_code, answer.headers["RateLimit-Limit"]) == (429, str(LOG_INS.amount))


async def test_refreshing_is_limited_for_good_tokens_and_bad_ones(service: Service) -> None:
    async def refresh(token: str, client: str = "192.0.2.1") -> httpx.Response:
        body = {"refresh_token": token}
        return await service.post("/api/auth/refresh", body=body, headers={"X-Forwarded-For": client})

    ada = await service.sign_up()
    token = (await log_in(service, ada.email)).json()["refresh_token"]
    for _ in range(REFRESHES.amount):
        answer = await refresh(token)
        assert answer.status_code == 200
        token = answer.json()["refresh_token"]
    assert code(await refresh(token)) == (429, "too_many_requests")
    for _ in range(REFRESHES_OF_CLIENT.amount):
        assert (await refresh("rt_garbage", "192.0.2.2")).status_code == 401
    assert (await refresh("rt_garbage", "192.0.2.2")).status_code == 429


async def test_a_password_cannot_be_guessed_with_a_stolen_token(service: Service) -> None:
    ada = await service.sign_up()
    guess = {"current_password": "a wrong guess", "new_password": "staple of my own"}
    for _ in range(CONFIRMATIONS.amount):
        assert code(await ada.post("/api/auth/password", body=guess)) == (403, "wrong_password")
    assert (await ada.post("/api/auth/password", body={**guess, "current_password": PASSWORD})).status_code == 429
    assert (await ada.request("DELETE", "/api/auth/me", body={"password": PASSWORD})).status_code == 429


async def test_a_user_who_asks_too_much_keeps_nobody_else_waiting(service: Service) -> None:
    ada, bob = await service.sign_up(), await service.sign_up()
    limits = service.app.state.container.abuse_limits()
    for _ in range(REQUESTS.amount):
        await limits.request(ada.id)
    answer = await ada.get("/api/tasks")
    assert (code(answer), answer.headers["RateLimit-Limit"]) == ((429, "too_many_requests"), str(REQUESTS.amount))
    assert (await bob.get("/api/tasks")).status_code == 200
    assert (await service.get("/livez")).status_code == 200


async def test_every_request_with_a_token_counts(service: Service) -> None:
    ada = await service.sign_up()
    limits = service.app.state.container.abuse_limits()
    for _ in range(REQUESTS.amount - 3):
        await limits.request(ada.id)
    assert (await ada.get("/api/tasks")).status_code == 200
    assert (await ada.get("/api/auth/me")).status_code == 200
    assert (await ada.get(f"/api/tasks/{a_task_id()}")).status_code == 404
    assert (await ada.post("/api/tasks", body={"title": "Buy milk"})).status_code == 429


async def test_off_means_off(clock: StoppedClock) -> None:
    async with running(memory_container(clock, rate_limit="off")) as service:
        ada: Person = await service.sign_up()
        for _ in range(LOG_INS_OF_CLIENT.amount + 1):
            assert (await log_in(service, ada.email)).status_code == 200
