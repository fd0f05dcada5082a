"""What `SessionRepository`, `SessionDirectory` and `RefreshTokens` promise. A subclass brings what it is about."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import (
    NOON,
    SessionFields,
    a_session,
    a_session_id,
    a_user_id,
    keep_session,
    sign_up,
)
from todo.application.ports import RefreshToken
from todo.domain.errors import InvalidRefreshTokenError, InvalidTokenError, SessionNotFoundError
from todo.domain.session import IDLE_LIFETIME, LIFETIME
from todo.domain.values import USER_AGENT_LENGTH, UserAgent

if TYPE_CHECKING:
    from todo.application.ports import RefreshTokens, Store
    from todo.domain.session import Session
    from todo.domain.user import User
    from todo.domain.values import SessionId, UserId

MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)

SESSIONS: dict[str, SessionFields] = {
    "new": {},
    "used": {"generation": 2_000_000_000, "last_used_at": NOON + DAY + MOMENT, "user_agent": UserAgent("curl/8")},
    "revoked": {"revoked_at": NOON + MOMENT},
    "longest": {"user_agent": UserAgent("😀" * USER_AGENT_LENGTH)},
}


async def stored(store: Store, user: UserId, session: SessionId) -> Session:
    async with store.unit_of_work(user) as work:
        return await work.sessions.get(session)


class SessionsContract:
    @pytest.fixture
    async def user(self, store: Store) -> User:
        return await sign_up(store)

    @pytest.mark.parametrize("fields", SESSIONS.values(), ids=SESSIONS.keys())
    async def test_a_session_comes_back_as_it_went_in(self, store: Store, user: User, fields: SessionFields) -> None:
        session = await keep_session(store, a_session(user.id, **fields))
        assert await stored(store, user.id, session.id) == session
        assert list(await store.sessions.of(user.id)) == [session]

    async def test_it_is_known_whose_it_is(self, store: Store, user: User) -> None:
        session = await keep_session(store, a_session(user.id))
        other = await keep_session(store, a_session((await sign_up(store)).id))
        assert await store.sessions.owner_of(session.id) == user.id
        assert await store.sessions.owner_of(other.id) == other.user
        assert await store.sessions.owner_of(a_session_id()) is None

    async def test_nothing_is_stored_without_commit(self, store: Store, user: User) -> None:
        kept = await keep_session(store, a_session(user.id))
        async with store.unit_of_work(user.id) as work:
            await work.sessions.add(a_session(user.id))
            await work.sessions.update(kept.refreshed(0, NOON))
            await work.sessions.revoke_all(NOON)
            await work.sessions.forget(NOON + 100 * DAY)
        assert list(await store.sessions.of(user.id)) == [kept]

    async def test_a_change_is_stored(self, store: Store, user: User) -> None:
        session = await keep_session(store, a_session(user.id))
        changed = replace(session.refreshed(0, NOON + DAY), revoked_at=NOON + 2 * DAY)
        async with store.unit_of_work(user.id) as work:
            await work.sessions.update(replace(changed, user_agent=UserAgent("another"), created_at=NOON + DAY))
            await work.commit()
        assert await stored(store, user.id, session.id) == changed

    async def test_a_session_of_someone_else_is_as_good_as_none(self, store: Store, user: User) -> None:
        theirs = await keep_session(store, a_session((await sign_up(store)).id))
        for session in (theirs, a_session(user.id)):
            async with store.unit_of_work(user.id) as work:
                with pytest.raises(SessionNotFoundError):
                    await work.sessions.get(session.id)
                with pytest.raises(SessionNotFoundError):
                    await work.sessions.update(replace(session, user=user.id).refreshed(0, NOON))
                await work.sessions.revoke_all(NOON)
                await work.sessions.forget(NOON + 100 * DAY)
                await work.commit()
        assert await stored(store, theirs.user, theirs.id) == theirs

    async def test_they_are_listed_newest_first(self, store: Store, user: User) -> None:
        at = [NOON, NOON + MOMENT, NOON + MOMENT, NOON - DAY]
        sessions = [await keep_session(store, a_session(user.id, created_at=time)) for time in at]
        newest_first = sorted(sessions, key=lambda session: (session.created_at, session.id), reverse=True)
        assert list(await store.sessions.of(user.id)) == newest_first

    async def test_who_has_none_has_none(self, store: Store, user: User) -> None:
        assert list(await store.sessions.of(user.id)) == []

    async def test_who_has_no_account_or_a_disabled_one_is_not_let_in(self, store: Store) -> None:
        disabled = await sign_up(store, disabled_at=NOON)
        await keep_session(store, a_session(disabled.id))
        for owner in (a_user_id(), disabled.id):
            with pytest.raises(InvalidTokenError):
                await store.sessions.of(owner)

    async def test_all_are_revoked_but_the_one_to_spare(self, store: Store, user: User) -> None:
        spared, ended, *others = [
            await keep_session(store, a_session(user.id, revoked_at=revoked)) for revoked in (None, NOON, None, None)
        ]
        async with store.unit_of_work(user.id) as work:
            await work.sessions.revoke_all(NOON + DAY, spare=spared.id)
            await work.commit()
        expected = {spared, ended, *(replace(other, revoked_at=NOON + DAY) for other in others)}
        assert set(await store.sessions.of(user.id)) == expected

    async def test_all_are_revoked_if_none_is_to_be_spared(self, store: Store, user: User) -> None:
        for _ in range(3):
            await keep_session(store, a_session(user.id))
        async with store.unit_of_work(user.id) as work:
            await work.sessions.revoke_all(NOON)
            await work.commit()
        assert [session.revoked_at for session in await store.sessions.of(user.id)] == [NOON] * 3

    @pytest.mark.parametrize(
        "fields",
        [
            {"revoked_at": NOON},
            {"last_used_at": NOON - IDLE_LIFETIME, "created_at": NOON - IDLE_LIFETIME},
            {"last_used_at": NOON, "created_at": NOON - LIFETIME},
        ],
        ids=["revoked", "idle", "old"],
    )
    async def test_what_ended_before_a_time_is_forgotten(self, store: Store, user: User, fields: SessionFields) -> None:
        session = await keep_session(store, a_session(user.id, **fields))
        assert session.ends_at == NOON
        for ended_before, left in ((NOON, [session]), (NOON + MOMENT, [])):
            async with store.unit_of_work(user.id) as work:
                await work.sessions.forget(ended_before)
                await work.commit()
            assert list(await store.sessions.of(user.id)) == left
        assert await store.sessions.owner_of(session.id) is None


class RefreshTokensContract:
    TOKEN = RefreshToken(a_session_id(), 41)

    @pytest.mark.parametrize("generation", [0, 1, 9, 10, 999_999_999])
    def test_a_token_says_what_it_stands_for(self, refresh_tokens: RefreshTokens, generation: int) -> None:
        token = RefreshToken(a_session_id(), generation)
        assert refresh_tokens.read(refresh_tokens.write(token)) == token

    def test_it_is_always_written_the_same_way(self, refresh_tokens: RefreshTokens) -> None:
        assert refresh_tokens.write(self.TOKEN) == refresh_tokens.write(self.TOKEN)

    def test_no_two_are_alike(self, refresh_tokens: RefreshTokens) -> None:
        session, generation = self.TOKEN
        tokens = [self.TOKEN, RefreshToken(session, generation + 1), RefreshToken(a_session_id(), generation)]
        assert len({refresh_tokens.write(token) for token in tokens}) == len(tokens)

    def test_every_change_of_a_character_is_noticed(self, refresh_tokens: RefreshTokens) -> None:
        text = refresh_tokens.write(self.TOKEN)
        for place, character in enumerate(text):
            for other in set(string.ascii_letters + string.digits + "._-= +/é\0\n") - {character}:
                with pytest.raises(InvalidRefreshTokenError):
                    refresh_tokens.read(text[:place] + other + text[place + 1 :])

    def test_so_is_anything_more_or_less(self, refresh_tokens: RefreshTokens) -> None:
        text = refresh_tokens.write(self.TOKEN)
        head, generation, seal = text.split(".")
        changed = [text[:-1], text[1:], f"{text}=", f"{text}\n", f" {text}", f"{text}A", text.upper(), text * 2]
        changed += [f"{head}.0{generation}.{seal}", f"{head}.+{generation}.{seal}", f"{head}.{generation}", f"{head}."]
        for no_token in (*changed, "", "rt_", "..", "\ud800", "x" * 1_000_000, f"{head}.{'9' * 5000}.{seal}"):
            with pytest.raises(InvalidRefreshTokenError):
                refresh_tokens.read(no_token)
