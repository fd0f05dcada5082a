"""Who a caller is: our own users, those of other issuers, and those who are gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, StoppedClock, a_task, a_user_id, keep, sign_up
from tests.issuing import ISSUER, NOW, claims, shared, with_both
from todo.adapters.clock import new_id
from todo.adapters.jose.own import OwnTokenIssuer
from todo.adapters.jose.verifier import JoseTokenVerifier
from todo.adapters.memory.store import MemoryStore
from todo.application.admission import AdmissionService
from todo.domain.errors import InvalidTokenError, NotYourUserError, UnavailableError
from todo.domain.values import SessionId, UserId

if TYPE_CHECKING:
    from todo.application.admission import Caller

SECRET = "a secret of our own, which is long enough"
OTHER = "https://two.example.com"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def process(store: MemoryStore, clock: StoppedClock) -> AdmissionService:
    others = [with_both(None), replace(with_both(None, OTHER), optional=frozenset())]
    return AdmissionService(JoseTokenVerifier(SECRET, others, clock), store, clock, new_id)


@pytest.fixture
def admission(store: MemoryStore, clock: StoppedClock) -> AdmissionService:
    return process(store, clock)


def own_token(user: UserId, clock: StoppedClock) -> str:
    return OwnTokenIssuer(SECRET, clock).issue(user, SessionId(new_id())).text


def token(subject: str, issuer: str = ISSUER, issued_at: int = NOW) -> str:
    return shared(claims(sub=subject, iss=issuer, aud=issuer, iat=issued_at, exp=issued_at + 3600))


async def delete(store: MemoryStore, user: UserId, clock: StoppedClock) -> None:
    async with store.unit_of_work(user) as work:
        await work.identities.bury(clock.now())
        await work.users.delete()
        await work.commit()


class TestOurOwnTokens:
    async def test_they_name_the_user_and_need_no_look_at_the_store(
        self, admission: AdmissionService, store: MemoryStore, clock: StoppedClock
    ) -> None:
        user = a_user_id()
        await store.close()
        caller = await admission.admit(own_token(user, clock), user)
        assert (caller.user, caller.subject, caller.issued_at) == (user, user, NOON)
        assert caller.session
        with pytest.raises(NotYourUserError):
            await admission.admit(own_token(user, clock), a_user_id())

    async def test_they_open_no_account(
        self, admission: AdmissionService, store: MemoryStore, clock: StoppedClock
    ) -> None:
        user = a_user_id()
        await admission.admit(own_token(user, clock))
        assert await store.users.get(user) is None


class TestSomeoneFromAnotherIssuer:
    async def test_has_an_account_at_first_sight(self, admission: AdmissionService, store: MemoryStore) -> None:
        subject = a_user_id()
        assert (await admission.admit(token(subject))).user == subject
        assert await store.users.get(subject)

    async def test_is_the_same_person_with_and_without_issuer(self, admission: AdmissionService) -> None:
        subject = a_user_id()
        without = {name: value for name, value in claims(sub=subject).items() if name not in {"iss", "aud"}}
        assert (await admission.admit(token(subject))).user == (await admission.admit(shared(without))).user

    async def test_never_meets_a_user_of_ours(self, admission: AdmissionService, store: MemoryStore) -> None:
        ours = await sign_up(store)
        kept = await keep(store, a_task(ours.id))
        caller = await admission.admit(token(ours.id))
        assert caller.user != ours.id
        assert caller.subject == ours.id
        assert await store.tasks.get(ours.id, kept.id) == kept

    async def test_never_meets_someone_of_a_third_issuer(self, admission: AdmissionService) -> None:
        subject = a_user_id()
        first, second = await admission.admit(token(subject)), await admission.admit(token(subject, OTHER))
        assert first.user != second.user
        assert (await admission.admit(token(subject))).user == first.user
        assert (await admission.admit(token(subject, OTHER))).user == second.user

    async def test_is_never_linked_by_address(self, admission: AdmissionService, store: MemoryStore) -> None:
        ours = await sign_up(store)
        caller = await admission.admit(shared(claims(sub=a_user_id(), email=ours.email, emailVerified=True)))
        assert caller.user != ours.id

    async def test_is_looked_up_once_in_half_a_minute(
        self, admission: AdmissionService, store: MemoryStore, clock: StoppedClock
    ) -> None:
        subject = a_user_id()
        await admission.admit(token(subject))
        await store.close()
        clock.go_on(seconds=29)
        assert (await admission.admit(token(subject))).user == subject
        clock.go_on(seconds=1)
        with pytest.raises(UnavailableError):
            await admission.admit(token(subject))

    async def test_is_one_user_however_many_requests_come_first(self, admission: AdmissionService) -> None:
        subject, start = a_user_id(), asyncio.Barrier(20)

        async def come() -> Caller:
            await start.wait()
            return await admission.admit(token(subject))

        assert {caller.user for caller in await asyncio.gather(*(come() for _ in range(20)))} == {subject}


class TestThePath:
    async def test_it_may_name_the_subject(self, admission: AdmissionService) -> None:
        subject = a_user_id()
        assert (await admission.admit(token(subject), subject)).user == subject

    async def test_it_may_name_the_id_where_that_is_another(
        self, admission: AdmissionService, store: MemoryStore
    ) -> None:
        subject = (await sign_up(store)).id
        user = (await admission.admit(token(subject))).user
        for named in (subject, user):
            assert (await admission.admit(token(subject), named)).user == user

    @pytest.mark.parametrize("is_known", [True, False])
    async def test_it_may_name_nobody_else(
        self, admission: AdmissionService, store: MemoryStore, *, is_known: bool
    ) -> None:
        subject = a_user_id()
        if is_known:
            await admission.admit(token(subject))
            await store.close()  # who is known is told apart without a look at the store
        for named in (a_user_id(), f"{subject}x", subject.upper(), ""):
            with pytest.raises(NotYourUserError):
                await admission.admit(token(subject), named)

    async def test_who_names_somebody_else_gets_no_account(
        self, admission: AdmissionService, store: MemoryStore
    ) -> None:
        subject = a_user_id()
        with pytest.raises(NotYourUserError):
            await admission.admit(token(subject), a_user_id())
        assert await store.users.get(subject) is None


class TestADeletedAccount:
    @pytest.mark.parametrize("is_remembered", [True, False])
    async def test_its_tokens_are_refused_and_bring_nothing_back(
        self, admission: AdmissionService, store: MemoryStore, clock: StoppedClock, *, is_remembered: bool
    ) -> None:
        subject = a_user_id()
        if is_remembered:
            await admission.admit(token(subject, issued_at=NOW - 60))
        await admission.admit(token(subject))
        clock.go_on(seconds=5)
        await delete(store, subject, clock)
        admission.forget(subject)
        for issued_at in (NOW - 60, NOW, NOW + 5):
            with pytest.raises(InvalidTokenError):
                await admission.admit(token(subject, issued_at=issued_at))
        assert await store.users.get(subject) is None

    async def test_who_signs_in_later_starts_empty_and_the_old_tokens_stay_refused(
        self, admission: AdmissionService, store: MemoryStore, clock: StoppedClock
    ) -> None:
        subject = a_user_id()
        await admission.admit(token(subject))
        await delete(store, subject, clock)
        admission.forget(subject)
        clock.go_on(seconds=2)
        back = await admission.admit(token(subject, issued_at=NOW + 1), subject)
        assert await store.users.get(back.user)
        with pytest.raises(InvalidTokenError):
            await admission.admit(token(subject))

    async def test_another_process_that_remembers_it_takes_no_old_token_for_the_new_account(
        self, admission: AdmissionService, store: MemoryStore, clock: StoppedClock
    ) -> None:
        subject, other = a_user_id(), process(store, clock)
        for each in (admission, other):
            await each.admit(token(subject))
        await delete(store, subject, clock)
        admission.forget(subject)
        clock.go_on(seconds=2)
        back = await admission.admit(token(subject, issued_at=NOW + 1))
        stale = await other.admit(token(subject))
        assert stale.user != back.user
        assert await store.users.get(stale.user) is None
        assert (await other.admit(token(subject, issued_at=NOW + 1))).user == back.user
        with pytest.raises(InvalidTokenError):
            await other.admit(token(subject))

    async def test_the_other_users_are_remembered(
        self, admission: AdmissionService, store: MemoryStore, clock: StoppedClock
    ) -> None:
        gone, other = a_user_id(), a_user_id()
        await admission.admit(token(gone))
        await admission.admit(token(other))
        await delete(store, gone, clock)
        admission.forget(gone)
        await store.close()
        assert (await admission.admit(token(other))).user == other
