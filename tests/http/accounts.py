"""Registering, logging in, and what an account is."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.builders import an_email
from tests.http.service import PASSWORD, HttpTests, Person, Service, as_object, code, flaws

COMPOSED = "\N{LATIN SMALL LETTER E WITH ACUTE}"
DECOMPOSED = "e\N{COMBINING ACUTE ACCENT}"


async def register(service: Service, **fields: Any) -> Any:
    return await service.post("/api/auth/register", body={"email": an_email(), "password": PASSWORD, **fields})


async def log_in(service: Service, email: object, password: object) -> Any:
    return await service.post("/api/auth/login", body={"email": email, "password": password})


class Registering(HttpTests):
    async def test_it_opens_an_account_and_logs_in(self, service: Service) -> None:
        email = an_email()
        answer = await register(service, email=email, name="Ada")
        signed_in = as_object(answer)
        user = signed_in["user"]
        assert answer.status_code == 201
        assert user == {"id": user["id"], "email": email, "name": "Ada", "created_at": user["created_at"]}
        assert uuid.UUID(user["id"]).version == 7
        assert user["created_at"].endswith("Z")
        assert (signed_in["token_type"], signed_in["expires_in"]) == ("bearer", 900)
        ada = Person(service, signed_in, PASSWORD)
        assert (await ada.get("/api/auth/me")).json() == user
        assert (await ada.add())["user_id"] == user["id"]

    async def test_the_name_may_be_missing_or_null(self, service: Service) -> None:
        assert (await register(service)).json()["user"]["name"] is None
        assert (await register(service, name=None)).json()["user"]["name"] is None

    async def test_the_address_is_kept_in_lower_case(self, service: Service) -> None:
        email = an_email()
        assert (await register(service, email=f" {email.upper()} ")).json()["user"]["email"] == email

    async def test_an_address_has_one_account(self, service: Service, ada: Person) -> None:
        for email in (ada.email, ada.email.upper()):
            assert code(await register(service, email=email)) == (409, "email_taken")

    async def test_of_many_at_once_one_gets_the_address(self, service: Service) -> None:
        email = an_email()
        answers = await asyncio.gather(*(register(service, email=email) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]

    async def test_what_is_no_address_is_refused(self, service: Service) -> None:
        for email in (
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@@example.com",
            "ada@exam ple.com",
            "ada@-example.com",
            "ada@example..com",
            "ada lovelace@example.com",
            "ada@example.com\n.org",
            "ada@example.com\x00",
            "ädä@example.com",
            "ada@exämple.com",
            "a" * 65 + "@example.com",
            "a@" + ".".join(["b" * 63] * 4),
            "ada@example.com\ud800",
        ):
            answer = await register(service, email=email)
            assert answer.status_code == 400 if "\ud800" in email else flaws(answer) == {"email": "not_an_email"}

    @pytest.mark.parametrize(
        ("password", "flaw"),
        [
            ("", "too_short"),
            ("1234567", "too_short"),
            (DECOMPOSED * 7, "too_short"),
            ("a" * 129, "too_long"),
            (COMPOSED * 129, "too_long"),
            (None, "wrong_type"),
            (12345678, "wrong_type"),
            (["correct horse battery"], "wrong_type"),
        ],
    )
    async def test_a_password_has_8_to_128_code_points(self, service: Service, password: object, flaw: str) -> None:
        assert flaws(await register(service, password=password)) == {"password": flaw}

    @pytest.mark.parametrize(
        "password", ["12345678", "a" * 128, DECOMPOSED * 128, " " * 8, "\x00\n\t pass", "密码密码密码密码"]
    )
    async def test_any_characters_will_do(self, service: Service, password: str) -> None:
        email = an_email()
        assert (await register(service, email=email, password=password)).status_code == 201
        assert (await log_in(service, email, password)).status_code == 200

    async def test_a_password_may_be_typed_in_another_normal_form(self, service: Service) -> None:
        email = an_email()
        await register(service, email=email, password=DECOMPOSED * 8)
        assert (await log_in(service, email, COMPOSED * 8)).status_code == 200

    async def test_the_address_is_no_password(self, service: Service) -> None:
        email = an_email()
        assert flaws(await register(service, email=email, password=email.upper())) == {"password": "same_as_email"}

    @pytest.mark.parametrize(
        ("name", "flaw"),
        [
            ("", "empty"),
            ("a" * 201, "too_long"),
            ("a\nb", "control_character"),
            ("a\x00b", "control_character"),
            (1, "wrong_type"),
        ],
    )
    async def test_a_name_is_one_line_of_1_to_200_characters(self, service: Service, name: object, flaw: str) -> None:
        assert flaws(await register(service, name=name)) == {"name": flaw}

    async def test_unknown_and_missing_fields_are_told(self, service: Service) -> None:
        answer = await service.post("/api/auth/register", body={"emial": "ada@example.com", "is_admin": True})
        assert flaws(answer) == {
            "email": "missing",
            "password": "missing",
            "emial": "unknown_field",
            "is_admin": "unknown_field",
        }

    async def test_no_password_ever_comes_back(self, service: Service) -> None:
        email, password = an_email(), "a password to look for"
        answers = [
            await register(service, email=email, password=password),
            await register(service, email=email, password=password),
            await register(service, email="no address", password=password),
            await register(service, password=password * 10),
            await log_in(service, email, password),
            await log_in(service, email, f"{password}, nearly"),
        ]
        assert not any(password in answer.text or "argon2" in answer.text for answer in answers)


class LoggingIn(HttpTests):
    async def test_address_and_password_let_in(self, service: Service, ada: Person) -> None:
        for email in (ada.email, f" {ada.email.upper()}"):
            answer = await log_in(service, email, ada.password)
            again = Person(service, as_object(answer), ada.password)
            assert (answer.status_code, again.id) == (200, ada.id)
            assert (await again.get("/api/auth/me")).json() == answer.json()["user"]

    async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
        self, service: Service, ada: Person
    ) -> None:
        wrong = await log_in(service, ada.email, "not the password")
        unknown = await log_in(service, an_email(), ada.password)
        problems = [{**answer.json(), "request_id": ""} for answer in (wrong, unknown)]
        assert code(wrong) == (401, "wrong_credentials")
        assert problems[0] == problems[1]
        assert wrong.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "password", ["", "a", "a" * 129, "a" * 100_000, "Correct horse battery", f"{PASSWORD} ", "\x00"]
    )
    async def test_any_other_password_is_just_wrong(self, service: Service, ada: Person, password: str) -> None:
        assert code(await log_in(service, ada.email, password)) == (401, "wrong_credentials")

    @pytest.mark.parametrize("password", [None, 1, True, [PASSWORD], {"$ne": ""}])
    async def test_a_password_is_text(self, service: Service, ada: Person, password: object) -> None:
        assert flaws(await log_in(service, ada.email, password)) == {"password": "wrong_type"}

    async def test_quotes_in_an_address_are_ordinary_characters(self, service: Service) -> None:
        assert code(await log_in(service, "'or'1'='1'--@example.com", PASSWORD)) == (401, "wrong_credentials")
