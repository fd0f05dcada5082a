"""A clock that is put back an hour: order is kept by revisions, and nothing that counts time runs wild."""

from __future__ import annotations

import base64
import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.containers import postgres_container
from tests.faults.audit import audit, flaws_of_state
from tests.faults.load import Load
from tests.faults.processes import until
from tests.faults.witness import hear
from tests.http.service import Person, Service, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.builders import StoppedClock
    from tests.faults.conftest import Report, Serve
    from tests.faults.load import Person as Someone
    from tests.faults.processes import Postgres
    from todo.entrypoints.container import Container

LIBRARIES = list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


@pytest.fixture
async def container(postgres: Postgres, clock: StoppedClock) -> AsyncIterator[Container]:
    container = postgres_container(postgres.url, clock, rate_limit="on")
    yield container
    await container.store().close()


@pytest.fixture
async def service(container: Container) -> AsyncIterator[Service]:
    async with running(container) as service:
        yield service


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.sign_up()


async def log_in(ada: Person) -> dict[str, Any]:
    answer = await ada.service.post("/api/auth/login", body={"email": ada.email, "password": ada.password})
    assert answer.status_code == 200, answer.text
    signed_in: dict[str, Any] = answer.json()
    ada.token = signed_in["access_token"]
    return signed_in


async def replica(ada: Person, since: str | None = None) -> tuple[list[dict[str, Any]], str]:
    part = (await ada.get(f"{ada.home}/changes" + (f"?since={since}" if since else ""))).json()
    assert part["has_more"] is False
    return part["changes"], part["cursor"]


async def test_revisions_ascend_and_the_feed_is_complete(postgres: Postgres, ada: Person, clock: StoppedClock) -> None:
    task, other = await ada.add(), await ada.add()
    _, cursor = await replica(ada)
    clock.go_on(hours=-1)
    await log_in(ada)
    changed = (await ada.patch(ada.path(task), body={"title": "Changed"})).json()
    new = await ada.add(title="New")
    assert (await ada.delete(ada.path(other))).status_code == 204
    assert (await ada.post(f"/api/trash/{other['id']}/restore")).status_code == 200
    assert (changed["revision"], new["revision"]) == (3, 4)
    changes, _ = await replica(ada, cursor)
    assert [(one["id"], one["revision"]) for one in changes] == [(task["id"], 3), (new["id"], 4), (other["id"], 6)]
    # the time of a change is the clock's, which may go back: the order of changes is that of revisions
    assert changed["updated_at"] < changed["created_at"]
    assert changed["updated_at"] == "2026-11-21T11:00:00Z"
    async with postgres.admin() as admin:
        assert not list(flaws_of_state(await hear(admin, ada.id)))


async def test_whoever_is_logged_in_goes_on_by_refreshing(ada: Person, clock: StoppedClock) -> None:
    """An access token from the future is refused once it is looked at anew; the session is not lost."""
    session = await log_in(ada)
    clock.go_on(hours=-1)
    unseen = await ada.service.request("GET", "/api/auth/me", headers={"Authorization": f"Bearer {ada.token}"})
    assert unseen.status_code == 401
    answer = await ada.service.post("/api/auth/refresh", body={"refresh_token": session["refresh_token"]})
    assert answer.status_code == 200
    ada.token = answer.json()["access_token"]
    assert (await ada.get(ada.home)).status_code == 200


async def test_a_stolen_refresh_token_has_no_second_hour(ada: Person, clock: StoppedClock) -> None:
    """The ten seconds in which one may be used again are not counted from the future."""
    session = await log_in(ada)
    token = {"refresh_token": session["refresh_token"]}
    assert (await ada.service.post("/api/auth/refresh", body=token)).status_code == 200
    clock.go_on(hours=-1)
    assert (await ada.service.post("/api/auth/refresh", body=token)).status_code == 401


async def test_no_limit_lasts_an_hour_longer(ada: Person, clock: StoppedClock) -> None:
    wrong = {"email": ada.email, "password": "not the password"}

    async def try_in_vain() -> int:
        return (await ada.service.post("/api/auth/login", body=wrong)).status_code

    while await try_in_vain() == 401:
        pass
    clock.go_on(hours=-1)
    assert await try_in_vain() == 401


async def test_the_trash_is_emptied_neither_early_nor_never(
    ada: Person, container: Container, clock: StoppedClock
) -> None:
    before, after = await ada.add(), await ada.add()
    await ada.delete(ada.path(before))
    clock.go_on(hours=-1)
    await log_in(ada)
    await ada.delete(ada.path(after))
    purge = container.trash_purge()

    async def left() -> set[str]:
        await log_in(ada)
        return {task["id"] for task in (await ada.get("/api/trash")).json()["tasks"]}

    clock.go_on(days=29)
    await purge.do_round()
    assert await left() == {before["id"], after["id"]}
    clock.go_on(days=1, hours=2)
    await purge.do_round()
    assert await left() == set()


async def test_a_key_still_answers_as_it_did(ada: Person, clock: StoppedClock) -> None:
    sent: Any = {"body": {"title": "Once"}, "headers": {"Idempotency-Key": "put back"}}
    first = await ada.post(ada.home, **sent)
    clock.go_on(hours=-1)
    await log_in(ada)
    again = await ada.post(ada.home, **sent)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.prove
async def test_the_clock_of_the_whole_process_is_put_back(
    postgres: Postgres, serve: Serve, seed: int, report: Report, tmp_path: Path
) -> None:
    """Needs Debian's package `faketime`."""
    if not LIBRARIES:
        pytest.skip("install faketime: it puts the clock of a process back")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    faked = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    recovered = 0.0
    async with serve(**faked) as service, Load(service.url, seed=seed) as load:
        await load.progress(60)
        for seconds in (-3600, 0):
            offset.write_text(f"{seconds:+}")
            for person in load.people:
                await until(partial(_is_told, load, person, seconds))
            recovered = await load.progress(60)
        async with postgres.admin() as admin:
            report(await audit(load, admin), recovered)


async def _is_told(load: Load, person: Someone, offset: int) -> bool:
    """Whether whoever logs in now gets a token of the time that the clock should show."""
    await person.log_in(load.http)
    claims = person.headers["Authorization"].split(".")[1]
    issued = json.loads(base64.urlsafe_b64decode(f"{claims}=="))["iat"]
    return bool(abs(issued - time.time() - offset) < 600)
