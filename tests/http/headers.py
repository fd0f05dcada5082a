"""What stands around the answers: ids of requests, caching, and what other web sites may do."""

from __future__ import annotations

import re

import pytest

from tests.http.service import ORIGIN, HttpTests, Person, Service, code

EXPOSED = {"ETag", "Location", "Link", "Retry-After", "X-Request-ID"}


class RequestIds(HttpTests):
    @pytest.mark.parametrize("path", ["/livez", "/api/tasks", "/nowhere"])
    async def test_one_is_made(self, service: Service, path: str) -> None:
        made = {(await service.get(path)).headers["X-Request-ID"] for _ in range(3)}
        assert len(made) == 3
        assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)

    @pytest.mark.parametrize("sent", ["1", "a" * 128, "3f2a-11ee_B.~:/+=", "00-4bf92f3577b34da6a3ce929d0e0e4736-01"])
    async def test_one_that_was_sent_is_taken_over(self, service: Service, sent: str) -> None:
        for path in ("/livez", "/nowhere"):
            assert (await service.get(path, headers={"X-Request-ID": sent})).headers["X-Request-ID"] == sent

    async def test_one_that_is_not_safe_to_repeat_is_replaced(self, service: Service) -> None:
        for sent in ("", "a" * 129, "a b", "a;b", '"a"', "<b>", "a,b", "a\tb", "{}", "%0d%0a", "ada@example.com"):
            answer = await service.get("/livez", headers={"X-Request-ID": sent})
            assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"]), sent

    async def test_it_stands_in_a_problem_document_too(self, service: Service) -> None:
        answer = await service.get("/nowhere", headers={"X-Request-ID": "mine"})
        assert answer.json()["request_id"] == "mine"


class Caching(HttpTests):
    async def test_a_task_may_be_kept_if_it_is_revalidated(self, ada: Person) -> None:
        task = await ada.add()
        assert (await ada.get(ada.path(task))).headers["Cache-Control"] == "private, no-cache"

    async def test_nothing_else_of_the_api_may_be_kept(self, ada: Person, service: Service) -> None:
        for answer in (
            await ada.get("/api/auth/me"),
            await ada.get(ada.path({"id": "none"})),
            await ada.delete(ada.path(await ada.add())),
            await service.get("/api/tasks"),
            await service.post("/api/auth/login", body={"email": ada.email, "password": ada.password}),
        ):
            assert answer.headers["Cache-Control"] == "no-store"


class OtherOrigins(HttpTests):
    async def test_a_page_of_a_trusted_origin_may_read_every_answer(self, service: Service, ada: Person) -> None:
        task = await ada.add()
        headers = {"Origin": ORIGIN}
        for answer, status in (
            (await ada.get(ada.path(task), headers=headers), 200),
            (await ada.get(ada.path(task), headers={**headers, "If-None-Match": "*"}), 304),
            (await ada.delete(ada.path(task), headers={**headers, "If-Match": '"0"'}), 412),
            (await ada.get(f"{ada.home}?zzz=1", headers=headers), 422),
            (await ada.get("/nowhere", headers=headers), 404),
            (await ada.request("PUT", ada.home, headers=headers), 405),
            (await ada.post(ada.home, content=b"{}", headers=headers), 415),
            (await service.get(ada.home, headers=headers), 401),
            (await service.get("/livez", headers=headers), 200),
        ):
            assert answer.status_code == status
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"
            assert "Origin" in answer.headers["Vary"]
            assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) >= EXPOSED

    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "null", "", "*", f"{ORIGIN}.evil.example", f"{ORIGIN}:444", "http://app.example.com"],
    )
    async def test_a_page_of_another_may_read_none(self, ada: Person, origin: str) -> None:
        answer = await ada.get(ada.home, headers={"Origin": origin})
        assert answer.status_code == 200
        assert "Access-Control-Allow-Origin" not in answer.headers

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    async def test_a_browser_that_asks_first_is_told_what_is_allowed(self, service: Service, method: str) -> None:
        wanted = "authorization, content-type, if-match, if-none-match, idempotency-key, x-request-id"
        headers = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": wanted,
        }
        answer = await service.request("OPTIONS", "/api/tasks/1", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
        allowed = {name.lower() for name in answer.headers["Access-Control-Allow-Headers"].split(", ")}
        assert set(wanted.split(", ")) <= allowed

    async def test_a_browser_that_asks_for_another_origin_is_told_no(self, service: Service) -> None:
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
        answer = await service.request("OPTIONS", "/api/tasks/1", headers=headers)
        assert code(answer) == (400, "preflight_refused")
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.headers["Vary"]

    async def test_options_without_an_origin_is_a_method_like_others(self, service: Service) -> None:
        assert code(await service.request("OPTIONS", "/api/tasks")) == (405, "method_not_allowed")
