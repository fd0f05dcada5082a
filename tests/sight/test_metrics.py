"""The metrics, after people have used the service: in memory, asked in process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.builders import a_task_id
from tests.containers import memory_container
from tests.http.service import PASSWORD, code, running
from tests.issuing import Signer, claims, key_server
from tests.sight.scrape import Scrape, scrape
from tests.unit.test_http_faults import broken
from todo.application.limits import LOG_INS
from todo.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.builders import StoppedClock
    from tests.http.service import Service

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def service(clock: StoppedClock) -> AsyncIterator[Service]:
    async with running(memory_container(clock)) as service:
        yield service


async def log_in(service: Service, email: str, password: str = PASSWORD) -> httpx.Response:
    return await service.post("/api/auth/login", body={"email": email, "password": password})


async def refresh(service: Service, token: str) -> httpx.Response:
    return await service.post("/api/auth/refresh", body={"refresh_token": token})


async def by_oauth(service: Service, **form: str) -> httpx.Response:
    return await service.post("/api/auth/token", content=urlencode(form).encode(), headers=FORM)


async def test_requests_are_counted_by_route_and_status(service: Service) -> None:
    ada = await service.sign_up()
    task = await ada.add()
    for _ in range(3):
        await ada.get(ada.path(task))
    await ada.request("HEAD", ada.path(task))
    await ada.get(ada.path({"id": a_task_id()}))
    ada.home = f"/api/{ada.id}/tasks"
    await ada.get(f"{ada.path(task)}/")
    seen = await scrape(service)
    one = "/api/tasks/{task_id}"
    assert seen.value("todo_http_requests_total", method="GET", route=one, status="200") == 3
    assert seen.value("todo_http_requests_total", method="HEAD", route=one, status="200") == 1
    assert seen.value("todo_http_requests_total", method="GET", route=one, status="404") == 1
    assert seen.value("todo_http_requests_total", route="/api/{user_id}/tasks/{task_id}") == 1
    assert seen.value("todo_http_request_duration_seconds_count", method="GET", route=one) == 4
    assert 0 < seen.value("todo_http_request_duration_seconds_sum", method="GET", route=one) < 60
    assert seen.value("todo_http_refusals_total", route=one, code="not_found") == 1


async def test_what_is_for_no_route_is_one_whatever_was_asked(service: Service) -> None:
    for number in range(20):
        await service.get(f"/nowhere/{number}")
        await service.request(f"BREW{number}", "/livez")
        await service.request(f"BREW{number}", f"/api/tasks/{a_task_id()}")
        await service.get(f"/docs/{number}")
        await service.get(f"/problems/nothing-{number}")
    seen = await scrape(service)
    requests = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for sample in seen.samples
        if sample.name == "todo_http_requests_total"
    }
    assert requests == {
        ("GET", "none", "404"): 20,
        ("OTHER", "/livez", "405"): 20,
        ("OTHER", "/api/tasks/{task_id}", "405"): 20,
        ("GET", "/docs/{name}", "404"): 20,
        ("GET", "/problems/{code}", "404"): 20,
    }


async def test_the_request_that_asks_is_under_way(service: Service) -> None:
    assert (await scrape(service)).value("todo_http_requests_in_progress") == 1
    assert (await scrape(service)).value("todo_http_requests_total", route="/metrics", status="200") == 1


async def test_log_ins_are_counted_by_how_they_end(service: Service) -> None:
    ada = await service.sign_up()
    assert (await log_in(service, ada.email)).status_code == 200
    assert (await log_in(service, ada.email, "wrong horse battery")).status_code == 401
    assert (await log_in(service, "nobody@example.com")).status_code == 401
    assert (await by_oauth(service, grant_type="password", username=ada.email, password=PASSWORD)).status_code == 200
    assert (await by_oauth(service, grant_type="password", username=ada.email, password="no")).status_code == 400
    seen = await scrape(service)
    assert seen.value("todo_log_ins_total", outcome="ok") == 2
    assert seen.value("todo_log_ins_total", outcome="refused") == 3
    assert seen.value("todo_log_ins_total", outcome="limited") == 0
    assert seen.value("todo_refreshes_total") == 0


async def test_log_ins_that_are_limited_are_told_apart(clock: StoppedClock) -> None:
    async with running(memory_container(clock, rate_limit="on")) as service:
        for _ in range(LOG_INS.amount + 2):
            await log_in(service, "nobody@example.com")
        seen = await scrape(service)
    assert seen.value("todo_log_ins_total", outcome="refused") == LOG_INS.amount
    assert seen.value("todo_log_ins_total", outcome="limited") == 2
    assert seen.value("todo_http_refusals_total", route="/api/auth/login", code="too_many_requests") == 2


async def test_sign_ups_are_counted_by_how_they_end(service: Service) -> None:
    ada = await service.sign_up()
    await service.post("/api/auth/register", body={"email": ada.email, "password": PASSWORD})
    await service.post("/api/auth/register", body={"email": "no address", "password": PASSWORD})
    seen = await scrape(service)
    assert seen.value("todo_sign_ups_total", outcome="ok") == 1
    assert seen.value("todo_sign_ups_total", outcome="refused") == 2


async def test_a_refresh_token_that_is_used_again_is_seen(service: Service) -> None:
    ada = await service.sign_up()
    first = (await log_in(service, ada.email)).json()["refresh_token"]
    second = (await refresh(service, first)).json()["refresh_token"]
    await by_oauth(service, grant_type="refresh_token", refresh_token=second)
    assert code(await refresh(service, first)) == (401, "refresh_token_reused")
    await refresh(service, "none of ours")
    await by_oauth(service, grant_type="refresh_token", refresh_token=second)
    seen = await scrape(service)
    assert seen.value("todo_refreshes_total", outcome="ok") == 2
    assert seen.value("todo_refreshes_total", outcome="reused") == 1
    assert seen.value("todo_refreshes_total", outcome="refused") == 2
    assert seen.value("todo_log_ins_total", outcome="ok") == 1


async def test_bad_tokens_are_seen(service: Service) -> None:
    ada = await service.sign_up()
    ada.token = "a.b.c"
    await ada.get(ada.home)
    assert (await scrape(service)).value("todo_http_refusals_total", code="invalid_token", route="/api/tasks") == 1


async def test_keys_that_are_fetched_are_seen() -> None:
    good, bad = Signer("EdDSA", "good"), Signer("EdDSA", "bad")
    async with key_server(good) as server:
        issuer = server.url.removesuffix("/api/auth/jwks")
        async with running(memory_container(better_auth_url=issuer)) as service:
            token = good.token(claims(iss=issuer, aud=issuer))
            await service.get("/api/tasks", headers={"Authorization": f"Bearer {token}"})
            seen = await scrape(service)
            assert seen.value("todo_jwks_fetches_total", outcome="ok") == 1
            assert seen.value("todo_jwks_fetches_total", outcome="failed") == 0
        server.status = "500 Internal Server Error"
        async with running(memory_container(better_auth_url=issuer)) as service:
            token = bad.token(claims(iss=issuer, aud=issuer))
            await service.get("/api/tasks", headers={"Authorization": f"Bearer {token}"})
            assert (await scrape(service)).value("todo_jwks_fetches_total", outcome="failed") == 1


async def test_nothing_of_any_user_is_in_them(service: Service) -> None:
    ada = await service.sign_up(name="Ada Lovelace")
    task = await ada.add(title="Tell nobody")
    ada.home = f"/api/{ada.id}/tasks"
    await ada.get(f"{ada.path(task)}?search=nobody")
    await log_in(service, ada.email, "wrong horse battery")
    await service.get(f"/nowhere/{ada.email}", headers={"User-Agent": "Ada's own"})
    text = (await scrape(service)).text
    for secret in (ada.id, ada.email, task["id"], "Ada", "nobody", ada.token):
        assert secret not in text


async def test_they_can_be_read_while_the_database_cannot() -> None:
    async with broken(UnavailableError()) as ada:
        await ada.get(ada.home)
        seen = await scrape(ada.service)
    assert seen.value("todo_http_refusals_total", code="unavailable", route="/api/tasks") == 1
    assert seen.value("todo_http_requests_total", status="503", route="/api/tasks") == 1


async def test_the_build_and_the_process_are_told(service: Service) -> None:
    seen = await scrape(service)
    assert seen.value("todo_build_info") == 1
    assert seen.value("process_resident_memory_bytes") > 1e6
    assert seen.value("process_open_fds") > 3
    assert seen.value("process_start_time_seconds") > 1e9


async def test_the_purge_is_seen(clock: StoppedClock) -> None:
    container = memory_container(clock)
    async with running(container) as service:
        ada = await service.sign_up()
        await ada.delete(ada.path(await ada.add()))
        clock.go_on(days=31)
        seen = await scrape(service)
        assert seen.value("todo_trash_purge_lag_seconds") == 31 * 86_400
        assert seen.value("todo_trash_purged_tasks_total") == 0
        assert await container.trash_purge().do_round() == 1
        clock.go_on(seconds=5)
        seen = await scrape(service)
        assert seen.value("todo_trash_purge_lag_seconds") == 5
        assert seen.value("todo_trash_purged_tasks_total") == 1


async def test_a_round_that_fails_is_none(clock: StoppedClock) -> None:
    container = memory_container(clock)
    async with running(container):
        await container.store().close()
        clock.go_on(hours=5)
        with pytest.raises(UnavailableError):
            await container.trash_purge().do_round()
        assert container.trash_purge().lag.total_seconds() == 5 * 3600


async def test_prometheus_may_ask_for_openmetrics(service: Service) -> None:
    accepted = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
    answer = await service.get("/metrics", headers=accepted)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("version", ["abc", "1..0", "", "1.0.0.x"])
async def test_whatever_else_is_asked_for_there_are_metrics(service: Service, version: str) -> None:
    for kind in ("application/openmetrics-text", "text/plain"):
        answer = await service.get("/metrics", headers={"Accept": f"{kind};version={version}"})
        assert (answer.status_code, "todo_workers" in answer.text) == (200, True)


async def test_they_are_no_part_of_the_api(service: Service) -> None:
    assert "/metrics" not in service.app.openapi()["paths"]
    assert code(await service.post("/metrics")) == (405, "method_not_allowed")


@pytest.mark.parametrize("settings", [{"metrics": "off"}, {"metrics_port": 9000}])
async def test_they_are_not_shown_on_the_port_of_the_service_unless_they_should_be(settings: dict[str, Any]) -> None:
    async with running(memory_container(**settings)) as service:
        assert code(await service.get("/metrics")) == (404, "unknown_route")


def test_the_reader_of_these_tests_adds_up() -> None:
    seen = Scrape('a{b="1",c="2"} 1\na{b="1",c="3"} 2\n')
    assert (seen.value("a", b="1"), seen.value("a", c="3"), seen.value("a", c="4")) == (3, 2, 0)
    assert seen.labels() == {"a": {"b", "c"}}
