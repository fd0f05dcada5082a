"""What one can do with an account, on the store in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, StoppedClock, a_session, a_task, a_user_id, an_email, keep, keep_session, sign_up
from todo.application.accounts import FRESH, RECEIPTS_AT_ONCE, TASKS_AT_ONCE
from todo.application.admission import Caller
from todo.application.limits import ClientAddress
from todo.application.ports import Once, Outcome
from todo.domain.errors import (
    EmailTakenError,
    FreshTokenNeededError,
    InvalidFieldsError,
    InvalidRefreshTokenError,
    InvalidTokenError,
    WrongCredentialsError,
    WrongPasswordError,
)
from todo.domain.values import Email, Name, Password, UserAgent, UserId

if TYPE_CHECKING:
    from todo.application.accounts import AccountService
    from todo.application.operators import OperatorService
    from todo.application.ports import Identity, Store
    from todo.application.sessions import SessionService, SignedIn
    from todo.entrypoints.container import Container

PASSWORD = Password("correct horse battery")
ANOTHER = Password("staple of my own")
HERE = ClientAddress("192.0.2.1")


async def calling(services: Container, signed_in: SignedIn) -> Caller:
    return await services.admission_service().admit(signed_in.access.text)


def from_elsewhere(user: UserId) -> Caller:
    """Somebody whose token was issued at noon, by another issuer."""
    return Caller(user, user, None, NOON, NOON.replace(hour=13))


@pytest.fixture
async def ada(accounts: AccountService) -> SignedIn:
    return await accounts.register(an_email(), PASSWORD, Name("Ada"), HERE, UserAgent("curl/8"))


@pytest.fixture
async def caller(services: Container, ada: SignedIn) -> Caller:
    return await calling(services, ada)


class TestRegistering:
    async def test_opens_an_account(self, accounts: AccountService, kept: Store) -> None:
        email = an_email()
        user = (await accounts.register(email, PASSWORD, Name("Ada"), HERE)).user
        assert (user.email, user.name, user.created_at) == (email, "Ada", NOON)
        assert await kept.users.get(user.id) == user

    async def test_lets_in_at_once(self, ada: SignedIn, caller: Caller, sessions: SessionService) -> None:
        (session,) = await sessions.live(caller)
        assert (caller.user, caller.session) == (ada.user.id, session.id)
        assert (session.user_agent, session.created_at) == ("curl/8", NOON)
        assert (await sessions.refresh(ada.refresh, HERE)).user == ada.user

    async def test_keeps_no_password(self, ada: SignedIn) -> None:
        hashed = ada.user.password_hash
        assert hashed
        assert PASSWORD not in hashed
        assert hashed.startswith("$argon2id$")

    async def test_with_an_address_that_is_taken_is_refused(self, accounts: AccountService, kept: Store) -> None:
        first = (await accounts.register(an_email(), PASSWORD, None, HERE)).user
        assert first.email
        with pytest.raises(EmailTakenError):
            await accounts.register(first.email, ANOTHER, Name("Eve"), HERE)
        assert await kept.users.find_by_email(first.email) == first

    @pytest.mark.parametrize("password", ["ada@example.com", "Ada@Example.com", " ADA@EXAMPLE.COM"])
    async def test_with_the_address_as_password_is_refused(
        self, accounts: AccountService, kept: Store, password: str
    ) -> None:
        email = Email("ada@example.com")
        with pytest.raises(InvalidFieldsError) as refused:
            await accounts.register(email, Password(password), None, HERE)
        assert [(flaw.field, flaw.code) for flaw in refused.value.flaws] == [("password", "same_as_email")]
        assert await kept.users.find_by_email(email) is None


class TestLookingAtOneself:
    async def test_shows_the_account(self, accounts: AccountService, ada: SignedIn) -> None:
        assert await accounts.me(ada.user.id) == ada.user

    async def test_needs_an_account_that_is_not_disabled(self, accounts: AccountService, kept: Store) -> None:
        for user_id in (a_user_id(), (await sign_up(kept, disabled_at=NOON)).id):
            with pytest.raises(InvalidTokenError):
                await accounts.me(user_id)
            with pytest.raises(InvalidTokenError):
                await accounts.rename(user_id, None)

    @pytest.mark.parametrize("name", [Name("Ada L."), None])
    async def test_the_name_can_be_changed(self, accounts: AccountService, ada: SignedIn, name: Name | None) -> None:
        renamed = await accounts.rename(ada.user.id, name)
        assert renamed.name == name
        assert await accounts.me(ada.user.id) == renamed


class TestChangingThePassword:
    async def test_the_new_one_holds_and_the_old_one_does_not(
        self, accounts: AccountService, sessions: SessionService, caller: Caller, ada: SignedIn
    ) -> None:
        await accounts.change_password(caller, PASSWORD, ANOTHER)
        assert ada.user.email
        assert await sessions.log_in(ada.user.email, ANOTHER, HERE)
        with pytest.raises(WrongCredentialsError):
            await sessions.log_in(ada.user.email, PASSWORD, HERE)

    async def test_every_other_session_ends(
        self, accounts: AccountService, sessions: SessionService, caller: Caller, ada: SignedIn
    ) -> None:
        assert ada.user.email
        other = await sessions.log_in(ada.user.email, PASSWORD, HERE)
        await accounts.change_password(caller, PASSWORD, ANOTHER)
        assert [session.id for session in await sessions.live(caller)] == [caller.session]
        assert await sessions.refresh(ada.refresh, HERE)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(other.refresh, HERE)

    @pytest.mark.parametrize("typed", ["another", "Correct horse battery", ""])
    async def test_needs_the_old_one(
        self, accounts: AccountService, sessions: SessionService, caller: Caller, ada: SignedIn, typed: str
    ) -> None:
        with pytest.raises(WrongPasswordError):
            await accounts.change_password(caller, typed, ANOTHER)
        assert ada.user.email
        assert await sessions.log_in(ada.user.email, PASSWORD, HERE)

    async def test_the_address_is_refused(self, accounts: AccountService, caller: Caller, ada: SignedIn) -> None:
        assert ada.user.email
        with pytest.raises(InvalidFieldsError) as refused:
            await accounts.change_password(caller, PASSWORD, Password(ada.user.email.upper()))
        assert [(flaw.field, flaw.code) for flaw in refused.value.flaws] == [("new_password", "same_as_email")]

    async def test_who_has_none_cannot_change_it(self, accounts: AccountService, kept: Store) -> None:
        elsewhere = from_elsewhere((await sign_up(kept, email=None)).id)
        with pytest.raises(WrongPasswordError):
            await accounts.change_password(elsewhere, PASSWORD, ANOTHER)


class TestDeleting:
    async def test_leaves_nothing(self, accounts: AccountService, kept: Store, caller: Caller, ada: SignedIn) -> None:
        task = await keep(kept, a_task(caller.user))
        await accounts.delete(caller, PASSWORD)
        assert ada.user.email
        assert await kept.users.get(caller.user) is None
        assert await kept.users.find_by_email(ada.user.email) is None
        assert caller.session
        assert await kept.sessions.owner_of(caller.session) is None
        with pytest.raises(InvalidTokenError):
            await kept.tasks.get(caller.user, task.id)

    async def test_ends_every_session(
        self, accounts: AccountService, sessions: SessionService, caller: Caller, ada: SignedIn
    ) -> None:
        await accounts.delete(caller, PASSWORD)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(ada.refresh, HERE)
        with pytest.raises(InvalidTokenError):
            await accounts.me(caller.user)
        with pytest.raises(InvalidTokenError):
            await accounts.delete(caller, PASSWORD)

    async def test_frees_the_address(self, accounts: AccountService, caller: Caller, ada: SignedIn) -> None:
        await accounts.delete(caller, PASSWORD)
        assert ada.user.email
        again = await accounts.register(ada.user.email, PASSWORD, None, HERE)
        assert again.user.id != ada.user.id

    async def test_needs_the_password(self, accounts: AccountService, caller: Caller) -> None:
        with pytest.raises(WrongPasswordError):
            await accounts.delete(caller, ANOTHER)
        with pytest.raises(InvalidFieldsError) as refused:
            await accounts.delete(caller, None)
        assert [(flaw.field, flaw.code) for flaw in refused.value.flaws] == [("password", "missing")]
        assert (await accounts.me(caller.user)).id == caller.user

    async def test_needs_a_fresh_token_of_who_has_none(
        self, accounts: AccountService, kept: Store, clock: StoppedClock
    ) -> None:
        elsewhere = from_elsewhere((await sign_up(kept, email=None)).id)
        clock.go_on(minutes=5, microseconds=1)
        for typed in (None, PASSWORD):
            with pytest.raises(FreshTokenNeededError):
                await accounts.delete(elsewhere, typed)
        clock.go_on(microseconds=-1)
        await accounts.delete(elsewhere, None)
        assert await kept.users.get(elsewhere.user) is None

    async def test_outlives_a_token_of_a_clock_that_is_ahead(self, accounts: AccountService, kept: Store) -> None:
        subject, ahead = a_user_id(), NOON + timedelta(seconds=8)

        async def seen() -> Identity:
            return await kept.identities.provision(
                "https://issuer.example", subject, issued_at=ahead, fresh_id=a_user_id(), now=NOON
            )

        assert (await seen()).user == subject
        await accounts.delete(from_elsewhere(subject)._replace(issued_at=ahead), None)
        assert (await seen()).user is None


class TestExporting:
    async def test_holds_everything(self, accounts: AccountService, kept: Store, caller: Caller, ada: SignedIn) -> None:
        tasks = [await keep(kept, a_task(caller.user, deleted_at=deleted)) for deleted in (None, NOON)]
        revoked = await keep_session(kept, a_session(caller.user, revoked_at=NOON))
        export = await accounts.export(caller.user)
        assert export.user == ada.user
        assert {session.id for session in export.sessions} == {caller.session, revoked.id}
        assert [task async for part in export.tasks for task in part] == tasks

    @pytest.mark.parametrize("number", [0, 1, RECEIPTS_AT_ONCE, RECEIPTS_AT_ONCE + 1])
    async def test_holds_every_receipt_once(
        self, accounts: AccountService, kept: Store, caller: Caller, number: int
    ) -> None:
        async with kept.unit_of_work(caller.user) as work:
            for name in range(100, 100 + number):
                await work.receipts.add(Once(str(name), ""), Outcome(()), NOON, NOON - FRESH)
            await work.commit()
        parts = [part async for part in (await accounts.export(caller.user)).receipts]
        assert [receipt.key for part in parts for receipt in part] == [str(name) for name in range(100, 100 + number)]
        assert all(0 < len(part) <= RECEIPTS_AT_ONCE for part in parts)

    @pytest.mark.parametrize("number", [0, 1, TASKS_AT_ONCE, TASKS_AT_ONCE + 1])
    async def test_holds_every_task_once(
        self, accounts: AccountService, kept: Store, caller: Caller, number: int
    ) -> None:
        ids = [(await keep(kept, a_task(caller.user))).id for _ in range(number)]
        parts = [part async for part in (await accounts.export(caller.user)).tasks]
        assert [task.id for part in parts for task in part] == ids
        assert all(0 < len(part) <= TASKS_AT_ONCE for part in parts)

    async def test_is_refused_to_nobody_before_it_begins(self, accounts: AccountService) -> None:
        with pytest.raises(InvalidTokenError):
            await accounts.export(a_user_id())


class TestOperating:
    async def test_who_is_made_can_log_in(self, operators: OperatorService, sessions: SessionService) -> None:
        email = an_email()
        user = await operators.create(email, PASSWORD, None)
        assert (await sessions.log_in(email, PASSWORD, HERE)).user == user
        with pytest.raises(EmailTakenError):
            await operators.create(email, PASSWORD, None)
        with pytest.raises(InvalidFieldsError):
            await operators.create(email, Password(email), None)

    async def test_somebody_is_found_by_id_and_by_address(self, operators: OperatorService, ada: SignedIn) -> None:
        assert ada.user.email
        assert await operators.find_by_id(ada.user.id) == ada.user
        for address in (ada.user.email, ada.user.email.upper()):
            assert await operators.find_by_email(address) == ada.user
        for named in (a_user_id(), an_email(), "", "%@example.com", "é"):
            assert await operators.find_by_id(named) is None
            assert await operators.find_by_email(named) is None

    async def test_a_password_that_is_reset_ends_every_session(
        self, operators: OperatorService, sessions: SessionService, ada: SignedIn
    ) -> None:
        await operators.reset_password(ada.user, ANOTHER)
        assert ada.user.email
        assert await sessions.log_in(ada.user.email, ANOTHER, HERE)
        with pytest.raises(WrongCredentialsError):
            await sessions.log_in(ada.user.email, PASSWORD, HERE)
        with pytest.raises(InvalidRefreshTokenError):
            await sessions.refresh(ada.refresh, HERE)
        with pytest.raises(InvalidFieldsError):
            await operators.reset_password(ada.user, Password(ada.user.email))

    async def test_all_are_listed(self, operators: OperatorService, kept: Store) -> None:
        users = [await sign_up(kept) for _ in range(3)]
        assert [user async for part in operators.users() for user in part] == sorted(users, key=lambda user: user.id)

    async def test_nobody_can_be_disabled_enabled_or_given_a_password(
        self, operators: OperatorService, kept: Store
    ) -> None:
        nobody = await sign_up(kept)
        async with kept.unit_of_work(nobody.id) as work:
            await work.users.delete()
            await work.commit()
        with pytest.raises(InvalidTokenError):
            await operators.disable(nobody.id)
        with pytest.raises(InvalidTokenError):
            await operators.enable(nobody.id)
        with pytest.raises(InvalidTokenError):
            await operators.reset_password(nobody, PASSWORD)
