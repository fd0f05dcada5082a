"""What `UserRepository` and `UserDirectory` promise. A subclass brings the fixture `store`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.builders import (
    NOON,
    UserFields,
    a_session,
    a_task,
    a_user,
    a_user_id,
    an_email,
    keep,
    keep_change,
    keep_session,
    sign_up,
)
from tests.contracts.texts import HARMLESS_TEXTS, OWNER_IDS
from todo.application.queries import TaskQuery
from todo.domain.errors import EmailTakenError, InvalidTokenError, NotFoundError
from todo.domain.values import NAME_LENGTH, Email, Name, Revision, UserId

if TYPE_CHECKING:
    from todo.application.ports import Store
    from todo.domain.user import User

USERS: dict[str, UserFields] = {
    "id_only": {"email": None, "name": None, "password_hash": None},
    "everything": {"name": Name("Ada"), "password_hash": "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"},
    "longest": {"name": Name("😀" * NAME_LENGTH)},
    "first_instant": {"created_at": datetime(1, 1, 1, tzinfo=UTC)},
    "last_instant": {"created_at": datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)},
}
USERS |= {name: {"name": Name(text)} for name, text in HARMLESS_TEXTS.items()}


class AccountsContract:
    @pytest.mark.parametrize("fields", USERS.values(), ids=USERS.keys())
    async def test_an_account_comes_back_as_it_went_in(self, store: Store, fields: UserFields) -> None:
        user = await sign_up(store, **fields)
        assert await store.users.get(user.id) == user
        if user.email:
            assert await store.users.find_by_email(user.email) == user

    @pytest.mark.parametrize("user_id", OWNER_IDS.values(), ids=OWNER_IDS.keys())
    async def test_an_account_is_got_by_exactly_its_id(self, store: Store, user_id: str) -> None:
        assert await store.users.get(UserId(user_id + ".")) is None
        user = await sign_up(store, id=UserId(user_id + "."))
        assert await store.users.get(user.id) == user
        assert await store.users.get(UserId(user_id + "..")) is None

    async def test_ids_are_case_sensitive(self, store: Store) -> None:
        lower, upper = UserId(f"{a_user_id()}a"), UserId(f"{a_user_id()}A")
        await sign_up(store, id=lower)
        await sign_up(store, id=upper)
        assert await store.users.get(UserId(lower[:-1] + "A")) is None
        assert await store.users.get(UserId(upper[:-1] + "a")) is None

    async def test_who_is_unknown_is_none(self, store: Store) -> None:
        assert await store.users.get(a_user_id()) is None
        assert await store.users.find_by_email(an_email()) is None

    @pytest.mark.parametrize(
        ("stored", "typed"),
        [("a_b", "axb"), ("a_b", "a%"), ("a%b", "a%"), ("ab", "abc"), ("abc", "ab"), ("a'b", "a''b"), ("a.b", "ab")],
    )
    async def test_an_address_is_compared_exactly(self, store: Store, stored: str, typed: str) -> None:
        domain = an_email()
        user = await sign_up(store, email=Email(f"{stored}{domain}"))
        assert await store.users.find_by_email(Email(f"{typed}{domain}")) is None
        assert await store.users.find_by_email(Email(f"{stored}{domain}")) == user

    async def test_an_address_can_be_had_once(self, store: Store) -> None:
        first = await sign_up(store)
        with pytest.raises(EmailTakenError):
            await sign_up(store, email=first.email)
        assert first.email
        assert await store.users.find_by_email(first.email) == first

    async def test_who_was_refused_an_address_has_no_account(self, store: Store) -> None:
        taken = (await sign_up(store)).email
        refused = a_user(email=taken)
        async with store.unit_of_work(refused.id) as work:
            with pytest.raises(EmailTakenError):
                await work.users.add(refused)
            await work.commit()
        assert await store.users.get(refused.id) is None

    async def test_any_number_of_accounts_may_have_no_address(self, store: Store) -> None:
        users = [await sign_up(store, email=None) for _ in range(3)]
        assert [await store.users.get(user.id) for user in users] == users

    async def test_of_those_who_want_one_address_at_once_one_gets_it(self, store: Store) -> None:
        email, start = an_email(), asyncio.Barrier(4)

        async def try_to_sign_up() -> User | None:
            await start.wait()
            try:
                return await sign_up(store, email=email)
            except EmailTakenError:
                return None

        winners = [user for user in await asyncio.gather(*(try_to_sign_up() for _ in range(4))) if user is not None]
        assert len(winners) == 1
        assert await store.users.find_by_email(email) == winners[0]

    async def test_an_address_that_was_given_up_before_commit_is_free(self, store: Store) -> None:
        email = an_email()
        undone = a_user(email=email)
        async with store.unit_of_work(undone.id) as work:
            await work.users.add(undone)
        assert (await sign_up(store, email=email)).email == email

    async def test_the_owner_sees_the_account_inside(self, store: Store) -> None:
        user = a_user()
        async with store.unit_of_work(user.id) as work:
            assert await work.users.get() is None
            await work.users.add(user)
            assert await work.users.get() == user

    async def test_a_change_is_stored_on_commit(self, store: Store) -> None:
        user = await sign_up(store)
        changed = replace(user, name=None, password_hash="$argon2id$…", disabled_at=NOON)
        async with store.unit_of_work(user.id) as work:
            await work.users.update(replace(user, name=Name("Undone")))
        assert await store.users.get(user.id) == user
        async with store.unit_of_work(user.id) as work:
            await work.users.update(replace(changed, email=an_email(), created_at=datetime(2000, 1, 1, tzinfo=UTC)))
            await work.commit()
        assert await store.users.get(user.id) == changed

    async def test_nobody_cannot_be_changed(self, store: Store) -> None:
        nobody = a_user()
        async with store.unit_of_work(nobody.id) as work:
            with pytest.raises(InvalidTokenError):
                await work.users.update(nobody)

    async def test_who_is_deleted_is_gone_with_all_that_was_theirs(self, store: Store) -> None:
        user, other = await sign_up(store), await sign_up(store)
        task, theirs = await keep(store, a_task(user.id)), await keep(store, a_task(other.id))
        session = await keep_session(store, a_session(user.id))
        async with store.unit_of_work(user.id) as work:
            await work.users.delete()
            await work.commit()
        assert user.email
        assert await store.users.get(user.id) is None
        assert await store.users.find_by_email(user.email) is None
        assert await store.sessions.owner_of(session.id) is None
        with pytest.raises(InvalidTokenError):
            await store.tasks.get(user.id, task.id)
        assert await store.tasks.get(other.id, theirs.id) == theirs
        await sign_up(store, id=user.id, email=user.email)
        with pytest.raises(NotFoundError):
            await store.tasks.get(user.id, task.id)
        assert list(await store.sessions.of(user.id)) == []
        assert (await keep(store, a_task(user.id))).revision == 1

    async def test_nobody_is_deleted_without_commit_and_nobody_can_be_deleted(self, store: Store) -> None:
        user, nobody = await sign_up(store), a_user_id()
        async with store.unit_of_work(user.id) as work:
            await work.users.delete()
        assert await store.users.get(user.id) == user
        async with store.unit_of_work(nobody) as work:
            await work.users.delete()
            await work.commit()

    async def test_who_is_disabled_can_neither_read_nor_write(self, store: Store) -> None:
        user = await sign_up(store)
        task = await keep(store, a_task(user.id))
        async with store.unit_of_work(user.id) as work:
            await work.users.update(replace(user, disabled_at=NOON))
            await work.commit()
        with pytest.raises(InvalidTokenError):
            await store.tasks.get(user.id, task.id)
        with pytest.raises(InvalidTokenError):
            await store.tasks.page(user.id, TaskQuery())
        with pytest.raises(InvalidTokenError):
            await store.feed.changes(user.id, Revision(0), 10)
        with pytest.raises(InvalidTokenError):
            await keep(store, a_task(user.id))
        with pytest.raises(InvalidTokenError):
            await keep_change(store, task.deleted(NOON))
        async with store.unit_of_work(user.id) as work:
            await work.users.update(user)
            await work.commit()
        assert await store.tasks.get(user.id, task.id) == task

    async def test_a_walk_over_all_accounts_meets_each_once_in_order(self, store: Store) -> None:
        ids = {(await sign_up(store)).id for _ in range(5)}
        met: list[UserId] = []
        after: UserId | None = None
        while part := await store.users.page(after, 2):
            assert len(part) <= 2
            met += [user.id for user in part]
            after = part[-1].id
        assert met == sorted(set(met))
        assert ids <= set(met)
