"""`todo users …`, on the store in memory."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING

import pytest

from tests.builders import an_email, sign_up
from todo.application.limits import ClientAddress
from todo.domain.errors import AccountDisabledError
from todo.domain.values import Email, UserId
from todo.entrypoints.cli_users import UsersError, add_users, carry_out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from todo.application.operators import OperatorService
    from todo.application.ports import Store
    from todo.application.sessions import SessionService

    Command = Callable[..., Awaitable[str]]

PASSWORD = "correct horse battery"
ANOTHER = "staple of my own"
HERE = ClientAddress("192.0.2.1")


@pytest.fixture
def users(operators: OperatorService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Types `todo users …` and, if it is asked for, a password; returns what is said."""
    parser = argparse.ArgumentParser()
    add_users(parser.add_subparsers(), lambda _: 0)

    async def run(*arguments: str, password: str = PASSWORD) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        await carry_out(parser.parse_args(["users", *arguments]), operators)
        return capsys.readouterr().out

    return run


async def test_who_is_made_can_log_in(users: Command, sessions: SessionService) -> None:
    email = an_email()
    user_id = (await users("create", email.upper(), "--name", "Ada", password=" pa ss wo rd ")).strip()
    user = (await sessions.log_in(email, " pa ss wo rd ", HERE)).user
    assert (user.id, user.email, user.name) == (user_id, email, "Ada")


async def test_who_is_disabled_is_out_until_enabled(users: Command, sessions: SessionService) -> None:
    email = an_email()
    user_id = (await users("create", email)).strip()
    assert user_id in await users("disable", email)
    with pytest.raises(AccountDisabledError):
        await sessions.log_in(email, PASSWORD, HERE)
    assert user_id in await users("enable", user_id)
    assert (await sessions.log_in(email, PASSWORD, HERE)).user.disabled_at is None


async def test_a_password_can_be_reset(users: Command, sessions: SessionService) -> None:
    email = an_email()
    await users("create", email)
    await users("reset-password", email, password=ANOTHER)
    assert (await sessions.log_in(email, ANOTHER, HERE)).user.email == email


async def test_who_is_meant_is_not_guessed(users: Command, kept: Store) -> None:
    email = an_email()
    theirs = (await users("create", email)).strip()
    elsewhere = await sign_up(kept, id=UserId(email), email=None)
    for action in ("disable", "enable", "reset-password"):
        with pytest.raises(UsersError, match=f"address of {theirs} and the id of another .* --id"):
            await users(action, email)
    await users("disable", "--id", email)
    found = [await kept.users.get(user) for user in (elsewhere.id, UserId(theirs))]
    assert [bool(user and user.disabled_at) for user in found] == [True, False]
    with pytest.raises(UsersError, match="There is no user"):
        await users("disable", "--id", an_email())


async def test_all_are_listed_without_secrets(users: Command, kept: Store) -> None:
    elsewhere = await sign_up(kept, email=None, name=None)
    email = an_email()
    user_id = (await users("create", email, "--name", "Ada")).strip()
    await users("disable", user_id)
    head, *lines = (await users("list")).splitlines()
    rows = {line.split("\t")[0]: line.split("\t") for line in lines}
    assert head.split("\t") == ["id", "email", "name", "created", "disabled"]
    assert rows.keys() == {elsewhere.id, user_id}
    assert rows[elsewhere.id][1:] == ["-", "-", "2026-11-21T12:00:00+00:00", "-"]
    assert rows[user_id][1:] == [email, "Ada", "2026-11-21T12:00:00+00:00", "2026-11-21T12:00:00+00:00"]


@pytest.mark.parametrize("action", ["disable", "enable", "reset-password"])
async def test_nobody_is_told_so(users: Command, action: str) -> None:
    for named in ("%@example.com", "", "nobody"):
        with pytest.raises(UsersError, match="There is no user"):
            await users(action, named)


async def test_who_logs_in_elsewhere_gets_no_password(users: Command, kept: Store) -> None:
    elsewhere = await sign_up(kept, email=None)
    with pytest.raises(UsersError, match="has no password here"):
        await users("reset-password", elsewhere.id)


async def test_what_is_wrong_is_one_sentence(users: Command) -> None:
    email = Email("ada@example.com")
    await users("create", email)
    for arguments, password, sentence in (
        (["create", email], PASSWORD, "An account with this e-mail address exists already"),
        (["create", "ada"], PASSWORD, "The address must be an e-mail address"),
        (["create", an_email(), "--name", ""], PASSWORD, "The name must not be empty"),
        (["create", an_email()], "short", "The password must have at least 8 characters"),
        (["create", an_email()], "", "The password must have at least 8 characters"),
        (["reset-password", email], "ADA@example.com", "password: must not be the e-mail address"),
    ):
        with pytest.raises(UsersError, match=sentence):
            await users(*arguments, password=password)
