"""What `IdentityDirectory` and `IdentityRepository` promise. A subclass brings the fixture `store`."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import NOON, a_task, a_user_id, keep, sign_up
from tests.contracts.texts import OWNER_IDS
from todo.application.ports import Identity, Subject
from todo.application.ports.identities import BURIED_FOR
from todo.application.queries import TaskQuery

if TYPE_CHECKING:
    from todo.application.ports import Store
    from todo.domain.values import UserId

AT_ONCE = 20
ISSUER, OTHER = "https://one.example.com", "https://two.example.com"
SECOND = timedelta(seconds=1)


async def first_sight(
    store: Store,
    subject: str,
    *,
    issuer: str = ISSUER,
    fresh_id: UserId | None = None,
    issued_at: datetime = NOON,
) -> Identity:
    return await store.identities.provision(
        issuer, subject, issued_at=issued_at, fresh_id=fresh_id or a_user_id(), now=NOON
    )


async def delete(store: Store, user: UserId | None, now: datetime = NOON) -> None:
    assert user
    async with store.unit_of_work(user) as work:
        await work.identities.bury(now)
        await work.users.delete()
        await work.commit()


class IdentitiesContract:
    async def test_who_was_never_seen_is_unknown(self, store: Store) -> None:
        assert await store.identities.find(ISSUER, a_user_id()) is None

    async def test_at_first_sight_there_is_an_account_with_nothing_in_it(self, store: Store) -> None:
        subject = a_user_id()
        identity = await first_sight(store, subject)
        assert identity == Identity(subject)
        assert await store.identities.find(ISSUER, subject) == identity
        user = await store.users.get(subject)
        assert user
        assert (user.email, user.name, user.password_hash, user.created_at) == (None, None, None, NOON)

    async def test_it_can_be_used(self, store: Store) -> None:
        subject = a_user_id()
        await first_sight(store, subject)
        kept = await keep(store, a_task(subject))
        assert await store.tasks.get(subject, kept.id) == kept

    async def test_seen_again_it_is_the_same(self, store: Store) -> None:
        subject = a_user_id()
        first = await first_sight(store, subject)
        assert await first_sight(store, subject) == first

    @pytest.mark.parametrize("subject", OWNER_IDS.values(), ids=OWNER_IDS.keys())
    async def test_a_subject_is_any_text_and_compared_exactly(self, store: Store, subject: str) -> None:
        subject += "~"
        identity = await first_sight(store, subject)
        assert await store.identities.find(ISSUER, subject) == identity
        assert await store.identities.find(ISSUER, f"{subject}.") is None
        assert await store.identities.find(f"{ISSUER}/", subject) is None

    async def test_a_user_is_known_to_those_who_know_them(self, store: Store) -> None:
        subject, ours = a_user_id(), await sign_up(store)
        await first_sight(store, subject)
        assert await store.identities.of(subject) == [Subject(ISSUER, subject)]
        assert await store.identities.of(ours.id) == []
        await delete(store, subject)
        assert await store.identities.of(subject) == []

    async def test_two_issuers_with_the_same_subject_never_meet(self, store: Store) -> None:
        subject, fresh_id = a_user_id(), a_user_id()
        assert (await first_sight(store, subject)).user == subject
        assert (await first_sight(store, subject, issuer=OTHER, fresh_id=fresh_id)).user == fresh_id
        assert (await first_sight(store, subject)).user == subject
        assert (await first_sight(store, subject, issuer=OTHER)).user == fresh_id

    async def test_they_do_not_meet_even_when_one_was_deleted(self, store: Store) -> None:
        subject = a_user_id()
        await delete(store, (await first_sight(store, subject)).user)
        assert (await first_sight(store, subject, issuer=OTHER)).user != subject

    async def test_a_subject_cannot_take_an_account_of_ours(self, store: Store) -> None:
        ours, fresh_id = await sign_up(store), a_user_id()
        assert (await first_sight(store, ours.id, fresh_id=fresh_id)).user == fresh_id
        assert await store.users.get(ours.id) == ours

    async def test_nor_one_that_was_deleted_while_its_tokens_may_live(self, store: Store) -> None:
        ours, fresh_id = await sign_up(store), a_user_id()
        await delete(store, ours.id)
        assert (await first_sight(store, ours.id, fresh_id=fresh_id)).user == fresh_id
        assert await store.users.get(ours.id) is None

    async def test_of_twenty_first_sights_at_once_one_makes_the_account(self, store: Store) -> None:
        subject, start = a_user_id(), asyncio.Barrier(AT_ONCE)

        async def see() -> Identity:
            await start.wait()
            return await first_sight(store, subject)

        assert await asyncio.gather(*(see() for _ in range(AT_ONCE))) == [Identity(subject)] * AT_ONCE

    async def test_of_twenty_at_once_that_need_a_fresh_id_one_makes_the_account(self, store: Store) -> None:
        subject, start = (await sign_up(store)).id, asyncio.Barrier(AT_ONCE)
        fresh_ids = [a_user_id() for _ in range(AT_ONCE)]

        async def see(fresh_id: UserId) -> Identity:
            await start.wait()
            return await first_sight(store, subject, fresh_id=fresh_id)

        seen = {(await each).user for each in asyncio.as_completed([see(fresh_id) for fresh_id in fresh_ids])}
        made = [fresh_id for fresh_id in fresh_ids if await store.users.get(fresh_id)]
        assert len(made) == 1
        assert seen == set(made)

    async def test_issuers_that_see_the_same_subject_at_once_get_one_account_each(self, store: Store) -> None:
        subject, start = a_user_id(), asyncio.Barrier(8)

        async def see(number: int) -> Identity:
            await start.wait()
            return await first_sight(store, subject, issuer=f"{ISSUER}/{number}")

        users = [identity.user for identity in await asyncio.gather(*(see(number) for number in range(8)))]
        assert len(set(users)) == 8
        assert subject in users
        assert all([await store.users.get(user) for user in users if user])


class BurialContract:
    async def test_after_it_there_is_no_account_but_the_moment_is_known(self, store: Store) -> None:
        subject = a_user_id()
        await delete(store, (await first_sight(store, subject)).user)
        assert await store.identities.find(ISSUER, subject) == Identity(None, NOON)

    async def test_a_token_issued_until_then_does_not_bring_it_back(self, store: Store) -> None:
        subject = a_user_id()
        await delete(store, (await first_sight(store, subject)).user)
        for issued_at in (NOON - timedelta(hours=1), NOON):
            assert await first_sight(store, subject, issued_at=issued_at) == Identity(None, NOON)

    async def test_who_signs_in_later_starts_empty(self, store: Store) -> None:
        subject = a_user_id()
        await first_sight(store, subject)
        await keep(store, a_task(subject))
        await delete(store, subject)
        back = await first_sight(store, subject, issued_at=NOON + SECOND)
        assert back.user
        assert back.ended_at == NOON
        assert await store.identities.find(ISSUER, subject) == back
        assert (await store.tasks.page(back.user, TaskQuery())).total == 0
        assert back.user_at(NOON) is None
        assert back.user_at(NOON + SECOND) == back.user

    async def test_and_under_another_id_which_nobody_takes_for_the_old_one(self, store: Store) -> None:
        subject, fresh_id = a_user_id(), a_user_id()
        await delete(store, (await first_sight(store, subject)).user)
        back = await first_sight(store, subject, issued_at=NOON + SECOND, fresh_id=fresh_id)
        assert back.user == fresh_id
        assert await store.users.get(subject) is None

    async def test_of_those_who_come_back_at_once_one_makes_the_account(self, store: Store) -> None:
        subject, start = (await sign_up(store)).id, asyncio.Barrier(AT_ONCE)
        await delete(store, (await first_sight(store, subject)).user)

        async def see() -> Identity:
            await start.wait()
            return await first_sight(store, subject, issued_at=NOON + SECOND)

        assert len(set(await asyncio.gather(*(see() for _ in range(AT_ONCE))))) == 1

    async def test_it_is_undone_unless_committed(self, store: Store) -> None:
        subject = a_user_id()
        identity = await first_sight(store, subject)
        async with store.unit_of_work(subject) as work:
            await work.identities.bury(NOON)
        assert await store.identities.find(ISSUER, subject) == identity

    async def test_it_is_the_owners_alone(self, store: Store) -> None:
        subject, other = a_user_id(), a_user_id()
        await first_sight(store, subject)
        await first_sight(store, other)
        await delete(store, subject)
        assert await store.identities.find(ISSUER, other) == Identity(other)

    async def test_it_is_forgotten_when_no_token_can_be_as_old(self, store: Store) -> None:
        long_ago, lately, back, today = (a_user_id() for _ in range(4))
        for subject in (long_ago, lately, back, today):
            await first_sight(store, subject)
        # far back, so that the moments of other tests are not forgotten with it
        then = NOON - timedelta(days=1000)
        await delete(store, long_ago, then)
        await delete(store, lately, then + SECOND)
        await delete(store, back, then)
        returned = await first_sight(store, back)
        await delete(store, today, then + BURIED_FOR + SECOND)
        assert await store.identities.find(ISSUER, long_ago) is None
        assert await store.identities.find(ISSUER, lately) == Identity(None, then + SECOND)
        assert await store.identities.find(ISSUER, back) == returned == Identity(returned.user, then)
