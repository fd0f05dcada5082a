"""People of other issuers over HTTP: who they are here, which path is theirs, and what a bad token is answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.builders import StoppedClock, a_user_id
from tests.containers import memory_container
from tests.http.service import Service, running
from tests.integration.test_foreign_tokens import REFUSED
from tests.issuing import NOW, SECRET, Signer, claims, key_server, shared

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

    from tests.issuing import KeyServer

KEY = Signer("EdDSA", "over-http")


@pytest.fixture(scope="module")
async def keys() -> AsyncIterator[KeyServer]:
    async with key_server(KEY) as server:
        yield server


@pytest.fixture(scope="module")
async def service(keys: KeyServer) -> AsyncIterator[Service]:
    address = keys.url.removesuffix("/api/auth/jwks")
    container = memory_container(StoppedClock(), better_auth_url=address, better_auth_secret=SECRET)
    async with running(container) as service:
        yield service


@pytest.fixture
def issuer(keys: KeyServer) -> str:
    return keys.url.removesuffix("/api/auth/jwks")


async def ask(service: Service, path: str, token: str) -> httpx.Response:
    return await service.get(path, headers=[("Authorization", f"Bearer {token}")])


class TestPeople:
    async def test_one_person_with_both_kinds_of_token_has_one_list(self, service: Service, issuer: str) -> None:
        subject = a_user_id()
        by_key = KEY.token(claims(sub=subject, iss=issuer, aud=issuer))
        by_secret = shared({"sub": subject, "iat": NOW, "exp": NOW + 60})
        headers = {"Authorization": f"Bearer {by_key}"}
        made = await service.post("/api/tasks", body={"title": "Buy milk"}, headers=headers)
        assert made.status_code == 201
        assert made.json()["user_id"] == subject
        listed = await ask(service, f"/api/{subject}/tasks", by_secret)
        assert [task["title"] for task in listed.json()["tasks"]] == ["Buy milk"]

    async def test_the_subject_of_somebody_here_is_somebody_else(self, service: Service, issuer: str) -> None:
        ada = await service.sign_up()
        await ada.add(title="Secret")
        token = KEY.token(claims(sub=ada.id, iss=issuer, aud=issuer))
        listed = await ask(service, f"/api/{ada.id}/tasks", token)
        assert (listed.status_code, listed.json()["total"]) == (200, 0)
        me = await ask(service, "/api/auth/me", token)
        assert me.json()["id"] != ada.id
        assert me.json()["email"] is None
        assert (await ask(service, f"/api/{me.json()['id']}/tasks", token)).status_code == 200
        assert (await ada.get("/api/tasks")).json()["total"] == 1

    async def test_the_path_of_somebody_else_is_refused(self, service: Service, issuer: str) -> None:
        answer = await ask(
            service, f"/api/{a_user_id()}/tasks", KEY.token(claims(sub=a_user_id(), iss=issuer, aud=issuer))
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_user")

    async def test_an_export_names_the_issuer(self, service: Service, issuer: str) -> None:
        subject = a_user_id()
        answer = await ask(service, "/api/auth/export", KEY.token(claims(sub=subject, iss=issuer, aud=issuer)))
        assert answer.json()["identities"] == [{"issuer": issuer, "subject": subject}]

    async def test_who_deletes_the_account_is_out_at_once(self, service: Service, issuer: str) -> None:
        subject = a_user_id()
        token = KEY.token(claims(sub=subject, iss=issuer, aud=issuer))
        headers = [("Authorization", f"Bearer {token}")]
        assert (await ask(service, "/api/tasks", token)).status_code == 200
        assert (await service.request("DELETE", "/api/auth/me", headers=headers)).status_code == 204
        for path in ("/api/tasks", f"/api/{subject}/tasks", "/api/auth/me"):
            assert (await ask(service, path, token)).status_code == 401
        later = KEY.token(claims(sub=subject, iss=issuer, aud=issuer, iat=NOW + 1))
        assert (await ask(service, "/api/tasks", later)).json()["total"] == 0
        assert (await ask(service, "/api/tasks", token)).status_code == 401


class TestRefused:
    @pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
    async def test_a_bad_token_is_401_and_logged_by_nobody(
        self, service: Service, caplog: pytest.LogCaptureFixture, make: Callable[[], str]
    ) -> None:
        # as bytes of Latin-1, which is what a server makes of them
        token = make().encode("utf-8", "surrogatepass")
        with caplog.at_level(logging.DEBUG):
            answer = await service.get(
                "/api/tasks",
                headers=[(b"Authorization", b"Bearer " + token)],  # type: ignore[list-item]
            )
        assert answer.status_code == 401, answer.text
        assert answer.json()["code"] == "invalid_token"
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert len(token) < 20 or token.decode("latin-1") not in caplog.text


class TestAnIssuerThatIsAway:
    async def test_it_is_503_and_when_to_try_again(self) -> None:
        async with key_server(KEY) as server:
            address = server.url.removesuffix("/api/auth/jwks")
            await server.stop()
            container = memory_container(StoppedClock(), better_auth_url=address, better_auth_secret=SECRET)
            async with running(container) as service:
                answer = await ask(service, "/api/tasks", KEY.token(claims(iss=address, aud=address)))
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
                by_secret = shared(claims(iss=address, aud=address))
                assert (await ask(service, "/api/tasks", by_secret)).status_code == 200
                own = await service.sign_up()
                assert (await own.get("/api/tasks")).status_code == 200
