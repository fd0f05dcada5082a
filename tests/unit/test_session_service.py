"""Logging in, staying logged in, and logging out, on the store in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import argon2
import pytest

from tests.builders import CHEAP_PASSWORDS, StoppedClock, a_session, an_email, keep_session, sign_up
from todo.adapters.argon2 import Argon2Passwords
from todo.application.limits import ClientAddress
from todo.application.ports import RefreshToken, Store
from todo.application.sessions import SessionService, SignedIn
from todo.domain.errors import (
    AccountDisabledError,
    InvalidRefreshTokenError,
    RefreshTokenReusedError,
    SessionNotFoundError,
    WrongCredentialsError,
)
from todo.domain.values import Email, Password, UserAgent

if TYPE_CHECKING:
    from todo.application.accounts import AccountService
    from todo.application.admission import Caller
    from todo.application.operators import OperatorService
    from todo.entrypoints.container import Container

PASSWORD = Password("correct horse battery")
HERE = ClientAddress("192.0.2.1")


class CountingPasswords:
    """The real thing, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def hash(self, password: Password) -> str:
        self.asked.append("hash")
        return await CHEAP_PASSWORDS.hash(password)

    async def matches(self, password: Password, hashed: str | None) -> bool:
        self.asked.append("matches")
        return await CHEAP_PASSWORDS.matches(password, hashed)

    def needs_rehash(self, hashed: str) -> bool:
        return CHEAP_PASSWORDS.needs_rehash(hashed)


@pytest.fixture
async def ada(accounts: AccountService) -> SignedIn:
    return await accounts.register(an_email(), PASSWORD, None, HERE)


@pytest.fixture
async def caller(services: Container, ada: SignedIn) -> Caller:
    return await services.admission_service().admit(ada.access.text)


@pytest.fixture
def email(ada: SignedIn) -> Email:
    assert ada.user.email
    return ada.user.email


class TestLoggingIn:
    async def test_lets_in_who_knows_the_password(
        self, services: Container, sessions: SessionService, ada: SignedIn, email: Email
    ) -> None:
        signed_in = await sessions.log_in(email, PASSWORD, HERE, UserAgent("curl/8"))
        assert signed_in.user == ada.user
        caller = await services.admission_service().admit(signed_in.access.text)
        assert caller.user == ada.user.id
        assert {session.user_agent for session in await sessions.live(caller)} == {None, "curl/8"}

    async def test_takes_a_password_however_it_was_composed(
        self, accounts: AccountService, sessions: SessionService
    ) -> None:
        email = an_email()
        await accounts.register(email, Password("pässwörter"), None, HERE)
        assert await sessions.log_in(email, "pa\u0308sswo\u0308rter", HERE)

    @pytest.mark.parametrize("typed", ["Correct horse battery", f"{PASSWORD} ", "", "short", "x" * 1000, "\ud800" * 9])
    async def test_keeps_out_who_does_not(self, sessions: SessionService, email: Email, typed: str) -> None:
        with pytest.raises(WrongCredentialsError):
            await sessions.log_in(email, typed, HERE)

    async def test_says_the_same_to_who_is_unknown(self, sessions: SessionService, ada: SignedIn) -> None:
        assert ada
        for unknown in (an_email(), Email("%@example.com"), Email("_@example.com")):
            with pytest.raises(WrongCredentialsError):
                await sessions.log_in(unknown, PASSWORD, HERE)

    async def test_keeps_out_who_has_no_password(self, sessions: SessionService, kept: Store) -> None:
        elsewhere = await sign_up(kept)
        assert elsewhere.email
        for typed in (PASSWORD, "the password of nobody"):
            with pytest.raises(WrongCredentialsError):
                await sessions.log_in(elsewhere.email, typed, HERE)

    @pytest.mark.parametrize("typed", [PASSWORD, "another password", "short"])
    async def test_costs_the_same_for_who_is_known_and_who_is_not(
        self, services: Container, accounts: AccountService, typed: str
    ) -> None:
        known = an_email()
        await accounts.register(known, Password("the right password"), None, HERE)
        costs = []
        for email in (known, an_email()):
            passwords = CountingPasswords()
            sessions = SessionService(
                services.store(),
                services.clock(),
                services.new_id(),
                passwords,
                services.token_issuer(),
                services.refresh_tokens(),
                services.abuse_limits(),
            )
            with pytest.raises(WrongCredentialsError):
                await sessions.log_in(email, typed, HERE)
            costs.append(passwords.asked)
        assert costs[0] == costs[1]

    async def test_makes_a_hash_anew_that_was_made_in_another_way(
        self, services: Container, sessions: SessionService, kept: Store
    ) -> None:
        older = Argon2Passwords(argon2.Parameters(argon2.Type.ID, 19, 8, 16, time_cost=2, memory_cost=8, parallelism=1))
        email = an_email()
        user = await sign_up(kept, email=email, password_hash=await older.hash(PASSWORD))
        await sessions.log_in(email, PASSWORD, HERE)
        stored = await kept.users.get(user.id)
        assert stored
        assert stored.password_hash
        assert stored.password_hash != user.password_hash
        assert not services.passwords().needs_rehash(stored.password_hash)
        await sessions.log_in(email, PASSWORD, HERE)
        assert await kept.users.get(user.id) == stored

    async def test_forgets_what_ended_long_ago(
        self, sessions: SessionService, kept: Store, ada: SignedIn, email: Email, clock: StoppedClock
    ) -> None:
        ended = await keep_session(kept, a_session(ada.user.id, revoked_at=clock.now()))
        clock.go_on(days=30)
        await sessions.log_in(email, PASSWORD, HERE)
        assert await kept.sessions.owner_of(ended.id) == ada.user.id
        clock.go_on(seconds=1)
        await sessions.log_in(email, PASSWORD, HERE)
        assert await kept.sessions.owner_of(ended.id) is None
        assert len(await kept.sessions.of(ada.user.id)) == 3


class TestRefreshing:
    async def test_gets_the_next_two_tokens(
        self, services: Container, sessions: SessionService, ada: SignedIn, caller: Caller
    ) -> None:
        refreshed = await sessions.refresh(ada.refresh, HERE)
        assert refreshed.user == ada.user
        assert refreshed.refresh != ada.refresh
        assert (await services.admission_service().admit(refreshed.access.text)).session == caller.session
        assert await sessions.refresh(refreshed.refresh, HERE)

    async def test_keeps_a_session_that_is_used(
        self, sessions: SessionService, ada: SignedIn, clock: StoppedClock
    ) -> None:
        token = ada.refresh
        for _ in range(4):
            clock.go_on(days=6)
            token = (await sessions.refresh(token, HERE)).refresh
        clock.go_on(days=6)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(token, HERE)

    async def test_ends_after_seven_days_without_use(
        self, sessions: SessionService, ada: SignedIn, clock: StoppedClock
    ) -> None:
        clock.go_on(days=7)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(ada.refresh, HERE)

    async def test_lets_two_tabs_live_on(self, sessions: SessionService, ada: SignedIn, clock: StoppedClock) -> None:
        first = await sessions.refresh(ada.refresh, HERE)
        clock.go_on(seconds=9)
        second = await sessions.refresh(ada.refresh, HERE)
        assert first.refresh == second.refresh
        clock.go_on(minutes=15)
        third = await sessions.refresh(first.refresh, HERE)
        assert (await sessions.refresh(second.refresh, HERE)).refresh == third.refresh

    async def test_ends_the_session_of_a_stolen_token(
        self, sessions: SessionService, ada: SignedIn, caller: Caller, clock: StoppedClock
    ) -> None:
        thief = await sessions.refresh(ada.refresh, HERE)
        clock.go_on(seconds=10)
        with pytest.raises(RefreshTokenReusedError):
            await sessions.refresh(ada.refresh, HERE)
        for token in (thief.refresh, ada.refresh):
            with pytest.raises(InvalidRefreshTokenError):
                await sessions.refresh(token, HERE)
        assert not await sessions.live(caller)

    async def test_does_not_end_other_sessions_for_that(
        self, sessions: SessionService, ada: SignedIn, email: Email, clock: StoppedClock
    ) -> None:
        other = await sessions.log_in(email, PASSWORD, HERE)
        await sessions.refresh(ada.refresh, HERE)
        clock.go_on(seconds=10)
        with pytest.raises(RefreshTokenReusedError):
            await sessions.refresh(ada.refresh, HERE)
        assert await sessions.refresh(other.refresh, HERE)

    async def test_is_refused_for_a_session_that_never_was(self, services: Container, sessions: SessionService) -> None:
        never = a_session((await sign_up(services.store())).id)
        for text in (services.refresh_tokens().write(RefreshToken(never.id, 0)), "rt_", ""):
            with pytest.raises(InvalidRefreshTokenError):
                await sessions.refresh(text, HERE)


class TestLoggingOut:
    async def test_ends_the_session(self, sessions: SessionService, ada: SignedIn, caller: Caller) -> None:
        await sessions.log_out(ada.refresh)
        assert not await sessions.live(caller)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(ada.refresh, HERE)

    async def test_ends_it_by_an_older_token_too(self, sessions: SessionService, ada: SignedIn, caller: Caller) -> None:
        newer = (await sessions.refresh(ada.refresh, HERE)).refresh
        await sessions.log_out(ada.refresh)
        assert not await sessions.live(caller)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(newer, HERE)

    async def test_leaves_other_sessions_alone(self, sessions: SessionService, ada: SignedIn, email: Email) -> None:
        other = await sessions.log_in(email, PASSWORD, HERE)
        await sessions.log_out(ada.refresh)
        assert await sessions.refresh(other.refresh, HERE)

    async def test_twice_or_with_anything_is_no_mistake(
        self, services: Container, sessions: SessionService, accounts: AccountService, ada: SignedIn, caller: Caller
    ) -> None:
        never = services.refresh_tokens().write(RefreshToken(a_session(ada.user.id).id, 0))
        for text in (ada.refresh, ada.refresh, "", "rt_", never):
            await sessions.log_out(text)
        await accounts.delete(caller, PASSWORD)
        await sessions.log_out(ada.refresh)


class TestSessions:
    async def test_one_can_be_ended_from_another(
        self, sessions: SessionService, ada: SignedIn, caller: Caller, email: Email
    ) -> None:
        other = await sessions.log_in(email, PASSWORD, HERE)
        (newest, _) = await sessions.live(caller)
        await sessions.end(caller, newest.id)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(other.refresh, HERE)
        assert await sessions.refresh(ada.refresh, HERE)
        with pytest.raises(SessionNotFoundError):
            await sessions.end(caller, newest.id)

    async def test_nobody_ends_that_of_someone_else(
        self, sessions: SessionService, caller: Caller, kept: Store
    ) -> None:
        theirs = await keep_session(kept, a_session((await sign_up(kept)).id))
        with pytest.raises(SessionNotFoundError):
            await sessions.end(caller, theirs.id)
        assert list(await kept.sessions.of(theirs.user)) == [theirs]

    async def test_what_has_expired_is_not_shown(
        self, sessions: SessionService, caller: Caller, email: Email, clock: StoppedClock
    ) -> None:
        clock.go_on(days=7)
        await sessions.log_in(email, PASSWORD, HERE)
        assert [session.created_at for session in await sessions.live(caller)] == [clock.now()]


class TestBeingDisabled:
    async def test_ends_every_session_and_lets_in_no_more(
        self, operators: OperatorService, sessions: SessionService, ada: SignedIn, email: Email
    ) -> None:
        await operators.disable(ada.user.id)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(ada.refresh, HERE)
        with pytest.raises(AccountDisabledError):
            await sessions.log_in(email, PASSWORD, HERE)

    async def test_is_enough_even_if_a_session_was_left_open(
        self, sessions: SessionService, kept: Store, ada: SignedIn
    ) -> None:
        async with kept.unit_of_work(ada.user.id) as work:
            await work.users.update(replace(ada.user, disabled_at=ada.user.created_at))
            await work.commit()
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(ada.refresh, HERE)

    async def test_tells_nothing_to_who_does_not_know_the_password(
        self, operators: OperatorService, sessions: SessionService, ada: SignedIn, email: Email
    ) -> None:
        await operators.disable(ada.user.id)
        with pytest.raises(WrongCredentialsError):
            await sessions.log_in(email, "another password", HERE)

    async def test_is_over_once_enabled_but_the_sessions_stay_ended(
        self, operators: OperatorService, sessions: SessionService, ada: SignedIn, email: Email
    ) -> None:
        await operators.disable(ada.user.id)
        await operators.enable(ada.user.id)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(ada.refresh, HERE)
        assert await sessions.log_in(email, PASSWORD, HERE)
