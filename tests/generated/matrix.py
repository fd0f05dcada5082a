"""Every route, through each door, asked by every kind of caller about what is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from tests.builders import StoppedClock, a_session_id
from tests.containers import SECRET as OWN_SECRET
from tests.generated.rows import KEY, ROWS, SECRET_WORD, Row, Things
from tests.issuing import ISSUER, SECRET, Signer, claims, shared
from todo.adapters.jose.own import OwnTokenIssuer
from todo.domain.values import UserId

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from tests.http.service import Options, Person, Service
    from todo.entrypoints.container import Container

SECOND_DOOR = "/api/{user_id}/"
OF_NOBODY = "0199e1a0-1f2e-7000-8000-000000000000"
ENDING = {("DELETE", "/api/auth/me"), ("POST", "/api/auth/password")}
"""After these, whoever asked is somebody else, or knows another password."""


def settings() -> dict[str, Any]:
    """Another issuer is trusted beside ourselves."""
    return {"better_auth_secret": SECRET, "better_auth_url": ISSUER}


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path that the application answers, as it really routes them."""
    return [
        (method, compile_path(context.path)[1])
        for context in iter_route_contexts(app.routes)
        if context.path is not None
        for method in sorted((getattr(context.original_route, "methods", None) or set()) - {"HEAD"})
    ]


def row_of(method: str, template: str) -> Row | None:
    return ROWS.get((method, template.replace(SECOND_DOOR, "/api/")))


def private_routes(app: FastAPI) -> list[tuple[str, str]]:
    there = [
        (method, template)
        for method, template in routes(app)
        if (row := row_of(method, template)) and not row.is_public
    ]
    assert len(there) >= 24 + 17  # those of accounts and tasks, and of the second door
    return there


def variants(method: str, template: str, things: Things) -> list[tuple[str, dict[str, str]]]:
    """Queries and headers with which the request may speak of what is somebody else's."""
    row = ROWS[method, template.replace(SECOND_DOOR, "/api/")]
    tag = f'"{things.revision}"'
    conditions = [{"If-Match": tag}, {"If-None-Match": tag}]
    headers = [
        *([] if template.endswith("/batch") else conditions),  # which it refuses, whoever's things it names
        {"Idempotency-Key": KEY},
        {"Last-Event-ID": str(things.revision)},
    ]
    return [*((query, {}) for query in row.queries(things) or [""]), *(("", one) for one in headers)]


@dataclass
class Cast:
    """Who takes part."""

    service: Service
    owner: Person
    things: Things
    stranger: Person
    disabled: tuple[Person, Things]
    deleted: tuple[Person, Things]

    def bad_tokens(self) -> dict[str, str | None]:
        """What does not open the owner's door, though all but the first speak of the owner."""
        owner = UserId(self.owner.id)
        early = StoppedClock()
        early.go_on(hours=-1)
        return {
            "anonymous": None,
            "expired": OwnTokenIssuer(OWN_SECRET, early).issue(owner, a_session_id()).text,
            "signed with another secret": OwnTokenIssuer("x" * 40, StoppedClock()).issue(owner, a_session_id()).text,
            "of an issuer nobody trusts": Signer("EdDSA").token(claims(sub=owner, iss="https://evil.example")),
            "of that issuer in our name": shared(claims(sub=owner, iss="todo", aud="todo"), secret="e" * 40),
            "for somebody else to read": shared(claims(sub=owner, aud="https://another.example")),
        }

    def namesake(self) -> str:
        """A good token of another issuer, who calls somebody else what we call the owner."""
        return shared(claims(sub=self.owner.id))


async def make_cast(service: Service, container: Container) -> Cast:
    async def somebody(name: str) -> tuple[Person, Things]:
        person = await service.sign_up(name=name)
        return person, await Things.of(person)

    owner, things = await somebody(SECRET_WORD)
    stranger = await service.sign_up(name="Bob")
    disabled, deleted = await somebody("Dora"), await somebody("Dave")
    await container.operator_service().disable(UserId(disabled[0].id))
    gone = await deleted[0].delete("/api/auth/me", body={"password": deleted[0].password})
    assert gone.status_code == 204
    return Cast(service, owner, things, stranger, disabled, deleted)


async def ask(
    service: Service,
    token: str | None,
    method: str,
    template: str,
    things: Things,
    *,
    user: str = "",
    query: str = "",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """This request about these things."""
    row = row_of(method, template)
    assert row
    path = template.format(
        user_id=user,
        task_id=things.trashed if row.thing == "trashed" else things.task,
        session_id=things.session,
        code="stale",
        name="start.css",
    )
    sent = {"X-Request-ID": "one-and-the-same", **(headers or {})}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    options: Options = {"headers": sent}
    if row.body:
        options["body"] = row.body(things)
    # a stream ends at once for those who want its head only
    return await service.request("HEAD" if row.is_stream else method, path + query, **options)


def told(answer: httpx.Response) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """All of an answer, byte for byte, but for the ids in the path that was asked for."""
    content = answer.content
    for part in answer.request.url.path.split("/"):
        if len(part) == len(OF_NOBODY):
            content = content.replace(part.encode(), b"this")
    return answer.status_code, answer.headers.raw, content


def names(things: Things) -> tuple[str, ...]:
    return things.task, things.trashed, things.session


async def everything(owner: Person) -> Any:
    """All that the owner has, the revision too."""
    exported = (await owner.get("/api/auth/export")).json()
    return exported, (await owner.get("/api/tasks/changes")).json(), (await owner.get("/api/tasks")).json()


class Matrix:
    """A subclass for each store brings the fixtures `service` and `container`."""

    @pytest.fixture
    async def cast(self, service: Service, container: Container) -> Cast:
        return await make_cast(service, container)

    def test_every_route_has_a_row(self, service: Service) -> None:
        there = {(method, template.replace(SECOND_DOOR, "/api/")) for method, template in routes(service.app)}
        assert there == ROWS.keys(), "each route needs a row in rows.py, and each row a route"

    async def test_what_is_public_does_not_look_at_who_asks(self, cast: Cast) -> None:
        for method, template in routes(cast.service.app):
            row = row_of(method, template)
            if row and row.is_public and template != "/metrics":  # which counts these very requests
                tokens = [None, cast.owner.token, cast.stranger.token, cast.disabled[0].token, "nonsense"]
                answers = [told(await ask(cast.service, one, method, template, cast.things)) for one in tokens]
                assert answers == [answers[0]] * len(answers), template
                assert answers[0][0] not in {401, 403, 500}

    async def test_a_bad_token_opens_nothing(self, cast: Cast) -> None:
        for method, template in private_routes(cast.service.app):
            for kind, token in cast.bad_tokens().items():
                about_owner, about_nobody = [
                    await ask(cast.service, token, method, template, things, user=user)
                    for things, user in ((cast.things, cast.owner.id), (cast.things.elsewhere(), OF_NOBODY))
                ]
                assert about_owner.status_code == 401, (kind, method, template)
                assert told(about_owner) == told(about_nobody), (kind, method, template)

    async def test_who_is_disabled_or_gone_is_let_in_nowhere(self, cast: Cast) -> None:
        for method, template in private_routes(cast.service.app):
            for person, things in (cast.disabled, cast.deleted):
                answer = await ask(cast.service, person.token, method, template, things, user=person.id)
                assert answer.status_code == 401, (method, template, answer.text)

    async def test_others_find_nothing(self, cast: Cast) -> None:
        before = await everything(cast.owner)
        for method, template in private_routes(cast.service.app):
            for query, headers in variants(method, template, cast.things):
                await self._find_nothing(cast, method, template, query, headers)
        assert await everything(cast.owner) == before

    async def _find_nothing(self, cast: Cast, method: str, template: str, query: str, headers: dict[str, str]) -> None:
        """Neither somebody else, nor somebody of another issuer who is called there what the owner is called here."""
        somebody = await cast.service.sign_up()
        callers = [(somebody.token, somebody.id, [cast.owner.id, cast.owner.email])]
        # the namesake is one person on all routes, who needs an account there, and uses a key once
        if (method, template) not in ENDING and "Idempotency-Key" not in headers:
            callers.append((cast.namesake(), cast.owner.id, [cast.owner.email]))
        for token, user, hidden in callers:
            about_owner, about_nobody = [
                await ask(cast.service, token, method, template, things, user=user, query=query, headers=headers)
                for things in (cast.things, cast.things.elsewhere())
            ]
            where = about_owner.request.url.path
            assert [
                one for one in (*names(cast.things), *hidden) if one in about_owner.text and one not in where
            ] == [], (method, template)
            assert "Idempotency-Replayed" not in about_owner.headers
            if ROWS[method, template.replace(SECOND_DOOR, "/api/")].thing:
                assert about_owner.status_code == 404, (method, template, about_owner.text)
                assert told(about_owner) == told(about_nobody), (method, template)
        if SECOND_DOOR in template:
            shut = [
                await ask(
                    cast.service, cast.stranger.token, method, template, things, user=user, query=query, headers=headers
                )
                for things, user in ((cast.things, cast.owner.id), (cast.things.elsewhere(), OF_NOBODY))
            ]
            assert shut[0].status_code == 403, (method, template)
            assert told(shut[0]) == told(shut[1]), (method, template)

    async def test_the_owner_gets_what_the_row_says(self, service: Service) -> None:
        for method, template in private_routes(service.app):
            if row := row_of(method, template):
                owner = await service.sign_up()
                things = await Things.of(owner)
                for query in row.queries(things) or [""]:
                    answer = await ask(service, owner.token, method, template, things, user=owner.id, query=query)
                    is_expired = answer.status_code == 410 and "since" in query
                    assert answer.status_code == row.owner or is_expired, (method, template, answer.text)
