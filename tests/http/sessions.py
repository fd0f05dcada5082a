"""Staying logged in, being logged in at several places, and leaving."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.builders import a_session_id, an_email
from tests.http.service import PASSWORD, HttpTests, Person, Service, as_object, code, flaws

if TYPE_CHECKING:
    import httpx

FORM = "application/x-www-form-urlencoded"


async def log_in(person: Person, agent: str = "") -> dict[str, Any]:
    """What the service says to somebody who logs in once more."""
    body = {"email": person.email, "password": person.password}
    answer = await person.service.post("/api/auth/login", body=body, headers={"User-Agent": agent})
    assert answer.status_code == 200
    return as_object(answer)


async def refresh(service: Service, token: object) -> httpx.Response:
    return await service.post("/api/auth/refresh", body={"refresh_token": token})


async def log_out(service: Service, token: object) -> httpx.Response:
    return await service.post("/api/auth/logout", body={"refresh_token": token})


class Refreshing(HttpTests):
    async def test_it_answers_as_logging_in_does(self, service: Service, ada: Person) -> None:
        first = await log_in(ada)
        answer = await refresh(service, first["refresh_token"])
        second = as_object(answer)
        assert answer.status_code == 200
        assert second.keys() == first.keys()
        assert (second["user"], second["expires_in"]) == (first["user"], 900)
        assert second["refresh_token"] != first["refresh_token"]
        ada.token = second["access_token"]
        assert (await ada.get("/api/auth/me")).json() == second["user"]

    async def test_of_one_token_at_once_all_get_the_same_one_next(self, service: Service, ada: Person) -> None:
        token = (await log_in(ada))["refresh_token"]
        answers = await asyncio.gather(*(refresh(service, token) for _ in range(8)))
        assert {answer.status_code for answer in answers} == {200}
        (successor,) = {answer.json()["refresh_token"] for answer in answers}
        assert (await refresh(service, successor)).status_code == 200

    async def test_an_old_token_ends_the_session(self, service: Service, ada: Person) -> None:
        first = (await log_in(ada))["refresh_token"]
        second = (await refresh(service, first)).json()["refresh_token"]
        third = (await refresh(service, second)).json()["refresh_token"]
        assert code(await refresh(service, first)) == (401, "refresh_token_reused")
        for token in (first, second, third):
            assert code(await refresh(service, token)) == (401, "invalid_refresh_token")
        assert await log_in(ada)

    @pytest.mark.parametrize("token", ["", "rt_", "x" * 1000, "{}x", " {}", "{}\n", "{}\x00", "é", "rt_{}"])
    async def test_what_is_no_refresh_token_is_refused(self, service: Service, ada: Person, token: str) -> None:
        real = (await log_in(ada))["refresh_token"]
        assert code(await refresh(service, token.format(real))) == (401, "invalid_refresh_token")
        assert (await refresh(service, real)).status_code == 200

    async def test_an_access_token_is_none_and_the_other_way_round(self, service: Service, ada: Person) -> None:
        assert code(await refresh(service, ada.token)) == (401, "invalid_refresh_token")
        ada.token = (await log_in(ada))["refresh_token"]
        assert code(await ada.get("/api/auth/me")) == (401, "invalid_token")

    @pytest.mark.parametrize("token", [None, 1, ["rt_"]])
    async def test_a_token_is_text(self, service: Service, token: object) -> None:
        assert flaws(await refresh(service, token)) == {"refresh_token": "wrong_type"}
        assert flaws(await log_out(service, token)) == {"refresh_token": "wrong_type"}


class LoggingOut(HttpTests):
    async def test_it_ends_the_session(self, service: Service, ada: Person) -> None:
        token = (await log_in(ada))["refresh_token"]
        for _ in range(2):
            assert (await log_out(service, token)).status_code == 204
        assert code(await refresh(service, token)) == (401, "invalid_refresh_token")

    async def test_an_access_token_lives_on_until_it_expires(self, service: Service, ada: Person) -> None:
        signed_in = await log_in(ada)
        await log_out(service, signed_in["refresh_token"])
        ada.token = signed_in["access_token"]
        assert (await ada.get("/api/auth/me")).status_code == 200

    async def test_with_what_is_no_refresh_token_nothing_happens(self, service: Service, ada: Person) -> None:
        real = (await log_in(ada))["refresh_token"]
        for token in ("", "rt_", f"{real}x"):
            assert (await log_out(service, token)).status_code == 204
        assert (await refresh(service, real)).status_code == 200


class Sessions(HttpTests):
    async def test_all_are_listed_and_the_present_one_is_marked(self, ada: Person) -> None:
        phone = await log_in(ada, agent="  Phone\t1.0  ")
        laptop = await log_in(ada, agent="L" * 300)
        listed = (await ada.get("/api/auth/sessions")).json()["sessions"]
        assert [session["user_agent"] for session in listed][:2] == ["L" * 200, "Phone 1.0"]
        assert [session["current"] for session in listed] == [False, False, True]
        assert all(session["created_at"] == session["last_used_at"] for session in listed)
        shown = (await ada.get("/api/auth/sessions")).text
        assert not any(signed_in["refresh_token"] in shown for signed_in in (phone, laptop))

    async def test_one_can_be_ended_from_another(self, service: Service, ada: Person) -> None:
        lost = await log_in(ada)
        (session, _) = (await ada.get("/api/auth/sessions")).json()["sessions"]
        path = f"/api/auth/sessions/{session['id']}"
        assert (await ada.delete(path)).status_code == 204
        assert code(await refresh(service, lost["refresh_token"])) == (401, "invalid_refresh_token")
        assert len((await ada.get("/api/auth/sessions")).json()["sessions"]) == 1
        assert code(await ada.delete(path)) == (404, "session_not_found")

    async def test_those_of_others_are_not_there(self, ada: Person, bob: Person) -> None:
        (theirs,) = (await bob.get("/api/auth/sessions")).json()["sessions"]
        for session_id in (theirs["id"], a_session_id(), "x", "%00", "0"):
            assert code(await ada.delete(f"/api/auth/sessions/{session_id}")) == (404, "session_not_found")
        assert len((await bob.get("/api/auth/sessions")).json()["sessions"]) == 1


class ChangingOneself(HttpTests):
    async def test_the_name_can_be_changed_and_taken_away(self, ada: Person) -> None:
        for name, shown in ((" Ada L. ", "Ada L."), (None, None)):
            answer = await ada.patch("/api/auth/me", body={"name": name})
            assert (answer.status_code, answer.json()["name"]) == (200, shown)
            assert (await ada.get("/api/auth/me")).json() == answer.json()

    async def test_what_is_not_named_stays(self, ada: Person) -> None:
        answer = await ada.patch("/api/auth/me", body={})
        assert (answer.status_code, answer.json()["name"]) == (200, "Ada")

    async def test_nothing_else_can_be(self, ada: Person) -> None:
        body = {"name": "", "email": an_email(), "id": "x", "disabled_at": None}
        expected = {"name": "empty", "email": "unknown_field", "id": "unknown_field", "disabled_at": "unknown_field"}
        assert flaws(await ada.patch("/api/auth/me", body=body)) == expected

    async def test_another_password_ends_the_other_sessions(self, service: Service, ada: Person) -> None:
        other = await log_in(ada)
        body = {"current_password": ada.password, "new_password": "staple of my own"}
        assert (await ada.post("/api/auth/password", body=body)).status_code == 204
        assert code(await refresh(service, other["refresh_token"])) == (401, "invalid_refresh_token")
        assert len((await ada.get("/api/auth/sessions")).json()["sessions"]) == 1
        old = {"email": ada.email, "password": ada.password}
        assert code(await service.post("/api/auth/login", body=old)) == (401, "wrong_credentials")
        ada.password = "staple of my own"
        assert await log_in(ada)

    async def test_the_password_must_be_known_and_the_new_one_be_one(self, ada: Person) -> None:
        wrong = {"current_password": "a wrong guess", "new_password": "staple of my own"}
        assert code(await ada.post("/api/auth/password", body=wrong)) == (403, "wrong_password")
        for new, flaw in (("short", "too_short"), ("x" * 129, "too_long"), (ada.email, "same_as_email")):
            body = {"current_password": ada.password, "new_password": new}
            assert flaws(await ada.post("/api/auth/password", body=body)) == {"new_password": flaw}
        assert await log_in(ada)


class Leaving(HttpTests):
    async def test_everything_is_gone(self, service: Service, ada: Person, bob: Person) -> None:
        task = await ada.add()
        signed_in = await log_in(ada)
        answer = await ada.request("DELETE", "/api/auth/me", body={"password": ada.password})
        assert answer.status_code == 204
        assert code(await ada.get(ada.path(task))) == (401, "invalid_token")
        assert code(await ada.get("/api/auth/me")) == (401, "invalid_token")
        assert code(await ada.post("/api/tasks", body={"title": "Buy milk"})) == (401, "invalid_token")
        assert code(await refresh(service, signed_in["refresh_token"])) == (401, "invalid_refresh_token")
        again = await service.sign_up(email=ada.email)
        assert (await again.get("/api/tasks")).json()["tasks"] == []
        assert (await bob.get("/api/auth/me")).status_code == 200

    async def test_it_needs_the_password(self, ada: Person) -> None:
        for password in ("a wrong guess", "", "x" * 1000):
            answer = await ada.request("DELETE", "/api/auth/me", body={"password": password})
            assert code(answer) == (403, "wrong_password")
        assert flaws(await ada.delete("/api/auth/me")) == {"password": "missing"}
        assert flaws(await ada.request("DELETE", "/api/auth/me", body={"password": None})) == {"password": "wrong_type"}
        assert (await ada.get("/api/auth/me")).status_code == 200


class Exporting(HttpTests):
    async def test_it_holds_everything_and_no_secrets(self, ada: Person, bob: Person) -> None:
        await bob.add()
        kept, trashed = await ada.add(title="Kept", tags=["a"]), await ada.add(title="Trashed")
        await ada.delete(ada.path(trashed))
        signed_in = await log_in(ada, agent="Phone")
        answer = await ada.get("/api/auth/export")
        export = as_object(answer)
        assert answer.headers["Content-Disposition"] == 'attachment; filename="todo-export.json"'
        assert export.keys() == {"user", "identities", "sessions", "tasks", "receipts"}
        assert export["identities"] == []
        assert export["user"] == (await ada.get("/api/auth/me")).json()
        assert {session["user_agent"] for session in export["sessions"]} >= {"Phone"}
        first, second = export["tasks"]
        assert first == {**kept, "deleted_at": None}
        assert second["id"] == trashed["id"]
        assert second["deleted_at"].endswith("Z")
        assert not any(secret in answer.text for secret in ("argon2", signed_in["refresh_token"], ada.token))

    async def test_it_holds_what_is_kept_for_repeats(self, ada: Person, bob: Person) -> None:
        headers = {"Idempotency-Key": "milk"}
        milk = as_object(await ada.post("/api/tasks", body={"title": "Milk"}, headers=headers))
        await bob.post("/api/tasks", body={"title": "Bread"}, headers=headers)
        await ada.patch(ada.path(milk), body={"title": "Oat milk"})
        export = (await ada.get("/api/auth/export")).json()
        (receipt,) = export["receipts"]
        assert receipt["key"] == "milk"
        assert receipt["is_new"] is True
        assert receipt["created_at"].endswith("Z")
        assert receipt["tasks"] == [{**milk, "deleted_at": None}]
        assert export["tasks"][0]["title"] == "Oat milk"

    async def test_who_has_nothing_gets_a_document_too(self, ada: Person) -> None:
        export = (await ada.get("/api/auth/export")).json()
        assert export["tasks"] == export["receipts"] == []
        assert (await ada.request("HEAD", "/api/auth/export")).status_code == 200


class OAuth(HttpTests):
    async def ask(self, service: Service, **form: str) -> httpx.Response:
        return await self.send(service, urlencode(form).encode())

    async def send(self, service: Service, content: bytes, media_type: str = FORM) -> httpx.Response:
        headers = {"Content-Type": media_type, "Authorization": "Basic dG9kbzo="}
        return await service.post("/api/auth/token", content=content, headers=headers)

    async def test_a_password_gets_tokens(self, service: Service, ada: Person) -> None:
        answer = await self.ask(service, grant_type="password", username=ada.email, password=PASSWORD, scope="")
        tokens = as_object(answer)
        assert answer.status_code == 200
        assert tokens.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
        ada.token = tokens["access_token"]
        assert (await ada.get("/api/auth/me")).status_code == 200

    async def test_a_refresh_token_gets_the_next(self, service: Service, ada: Person) -> None:
        token = (await log_in(ada))["refresh_token"]
        answer = await self.ask(service, grant_type="refresh_token", refresh_token=token, client_id="docs")
        assert answer.status_code == 200
        assert (await refresh(service, answer.json()["refresh_token"])).status_code == 200

    async def test_a_password_is_sent_in_utf_8(self, service: Service) -> None:
        ada = await service.sign_up(password="pässwört & +%")
        answer = await self.ask(service, grant_type="password", username=ada.email, password="pässwört & +%")
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("form", "error"),
        [
            (b"", "invalid_request"),
            (b"grant_type=", "invalid_request"),
            (b"grant_type=password&username=ada%40example.com", "invalid_request"),
            (b"grant_type=password&grant_type=password&username=a&password=b", "invalid_request"),
            (b"grant_type=refresh_token", "invalid_request"),
            (b"grant_type=\xff", "invalid_request"),
            (b"grant_type=%ff", "invalid_request"),
            (b"a=1&" * 50, "invalid_request"),
            (b"grant_type=authorization_code", "unsupported_grant_type"),
            (b"grant_type=password&username=nobody&password=guess", "invalid_grant"),
            (b"grant_type=password&username=%25%40example.com&password=a+long+guess", "invalid_grant"),
            (b"grant_type=password&username=a%40example.com&password=%00", "invalid_grant"),
            (b"grant_type=refresh_token&refresh_token=rt_", "invalid_grant"),
        ],
    )
    async def test_refusals_are_those_of_oauth(self, service: Service, form: bytes, error: str) -> None:
        answer = await self.send(service, form)
        problem = as_object(answer)
        assert (answer.status_code, problem["error"]) == (400, error)
        assert problem.keys() == {"error", "error_description"}
        assert answer.headers["Cache-Control"] == "no-store"
        assert problem["error_description"].isascii()

    async def test_json_is_no_form(self, service: Service) -> None:
        answer = await self.send(service, b'{"grant_type": "password"}', "application/json")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    async def test_a_form_may_be_as_large_as_any_body(self, service: Service) -> None:
        assert code(await self.send(service, b"a" * (1024 * 1024 + 1))) == (413, "too_large")

    async def test_the_document_says_where_it_is(self, service: Service) -> None:
        document = service.app.openapi()
        scheme = document["components"]["securitySchemes"]["password"]
        assert scheme["flows"]["password"]["tokenUrl"] == "/api/auth/token"
        assert {"password": []} in document["paths"]["/api/tasks"]["get"]["security"]
