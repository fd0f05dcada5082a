"""Refreshing, logging in and out, and changing the password, many at once, on a pool of several connections."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import StoppedClock, an_email
from tests.containers import postgres_container
from tests.integration.test_races import AT_ONCE, HERE, together
from todo.application.sessions import SignedIn
from todo.domain.errors import (
    InvalidRefreshTokenError,
    InvalidTokenError,
    RefreshTokenReusedError,
    TodoError,
    WrongCredentialsError,
)
from todo.domain.session import GRACE
from todo.domain.values import Password

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.application.admission import Caller
    from todo.application.sessions import SessionService
    from todo.domain.session import Session
    from todo.domain.values import Email
    from todo.entrypoints.container import Container

PASSWORD = Password("correct horse battery")
ANOTHER = Password("staple of my own")


@pytest.fixture
async def container(database_url: str, clock: StoppedClock) -> AsyncIterator[Container]:
    container = postgres_container(database_url, clock)
    yield container
    await container.store().close()


@pytest.fixture
def sessions(container: Container) -> SessionService:
    return container.session_service()


@pytest.fixture
async def ada(container: Container) -> SignedIn:
    return await container.account_service().register(an_email(), PASSWORD, None, HERE)


@pytest.fixture
def email(ada: SignedIn) -> Email:
    assert ada.user.email
    return ada.user.email


@pytest.fixture
async def caller(container: Container, ada: SignedIn) -> Caller:
    return await container.admission_service().admit(ada.access.text)


async def only_session(container: Container, ada: SignedIn) -> Session:
    (session,) = await container.store().sessions.of(ada.user.id)
    return session


async def test_of_many_refreshes_with_one_token_one_moves_the_session(
    container: Container, sessions: SessionService, ada: SignedIn
) -> None:
    for generation in range(1, 6):
        token = ada.refresh
        outcomes = await together(*[lambda token=token: sessions.refresh(token, HERE)] * AT_ONCE)
        refreshed = [outcome for outcome in outcomes if isinstance(outcome, SignedIn)]
        assert len(refreshed) == AT_ONCE
        assert len({one.refresh for one in refreshed}) == 1
        assert (await only_session(container, ada)).generation == generation
        ada = refreshed[0]


async def test_a_replay_among_refreshes_kills_the_session(
    container: Container, sessions: SessionService, ada: SignedIn, clock: StoppedClock
) -> None:
    newer = await sessions.refresh(ada.refresh, HERE)
    clock.go_on(seconds=GRACE / timedelta(seconds=1))
    replay, *others = await together(
        lambda: sessions.refresh(ada.refresh, HERE), *[lambda: sessions.refresh(newer.refresh, HERE)] * AT_ONCE
    )
    assert isinstance(replay, RefreshTokenReusedError)
    assert all(isinstance(other, SignedIn | InvalidRefreshTokenError) for other in others)
    assert (await only_session(container, ada)).revoked_at == clock.now()
    for token in (newer.refresh, *(other.refresh for other in others if isinstance(other, SignedIn))):
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(token, HERE)


async def test_of_many_replays_all_are_refused(
    container: Container, sessions: SessionService, ada: SignedIn, clock: StoppedClock
) -> None:
    await sessions.refresh(ada.refresh, HERE)
    clock.go_on(seconds=GRACE / timedelta(seconds=1))
    outcomes = await together(*[lambda: sessions.refresh(ada.refresh, HERE)] * AT_ONCE)
    assert sum(isinstance(outcome, RefreshTokenReusedError) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InvalidRefreshTokenError) for outcome in outcomes) == AT_ONCE - 1
    assert (await only_session(container, ada)).revoked_at == clock.now()


async def test_who_logs_out_is_out_whoever_refreshes(
    container: Container, sessions: SessionService, ada: SignedIn, clock: StoppedClock
) -> None:
    _, *outcomes = await together(
        lambda: sessions.log_out(ada.refresh), *[lambda: sessions.refresh(ada.refresh, HERE)] * AT_ONCE
    )
    assert all(isinstance(outcome, SignedIn | InvalidRefreshTokenError) for outcome in outcomes)
    assert (await only_session(container, ada)).revoked_at == clock.now()
    for token in (ada.refresh, *(outcome.refresh for outcome in outcomes if isinstance(outcome, SignedIn))):
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(token, HERE)


async def test_another_password_ends_other_sessions_whoever_refreshes_or_logs_in(
    container: Container, sessions: SessionService, caller: Caller, email: Email
) -> None:
    other = await sessions.log_in(email, PASSWORD, HERE)
    changed, *outcomes = await together(
        lambda: container.account_service().change_password(caller, PASSWORD, ANOTHER),
        *[lambda: sessions.refresh(other.refresh, HERE)] * AT_ONCE,
        *[lambda: sessions.log_in(email, PASSWORD, HERE)] * AT_ONCE,
    )
    assert changed is None
    assert all(isinstance(one, SignedIn | InvalidRefreshTokenError | WrongCredentialsError) for one in outcomes)
    assert [session.id for session in await sessions.live(caller)] == [caller.session]


async def test_nothing_is_left_of_who_is_deleted_while_busy(
    container: Container, sessions: SessionService, ada: SignedIn, caller: Caller, email: Email
) -> None:
    deleted, *outcomes = await together(
        lambda: container.account_service().delete(caller, PASSWORD),
        *[lambda: sessions.refresh(ada.refresh, HERE)] * AT_ONCE,
        *[lambda: sessions.log_in(email, PASSWORD, HERE)] * AT_ONCE,
    )
    assert deleted is None
    refusals = [outcome for outcome in outcomes if isinstance(outcome, TodoError)]
    assert all(isinstance(one, InvalidRefreshTokenError | WrongCredentialsError) for one in refusals)
    with pytest.raises(InvalidTokenError):
        await sessions.live(caller)
    assert caller.session
    assert await container.store().sessions.owner_of(caller.session) is None
