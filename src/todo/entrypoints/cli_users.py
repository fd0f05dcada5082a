"""`todo users …`: what those who run the service can do with accounts.

Passwords are typed, or read from standard input: arguments can be seen by every user of the machine.
"""

from __future__ import annotations

import sys
from getpass import getpass
from typing import TYPE_CHECKING

from todo.domain.errors import InvalidError, TodoError
from todo.domain.values import parse_email, parse_name, parse_password

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from todo.application.operators import OperatorService
    from todo.domain.user import User
    from todo.domain.values import Password


class UsersError(Exception):
    """It cannot be done. One sentence."""


def add_users(commands: argparse._SubParsersAction[argparse.ArgumentParser], command: Callable[..., int]) -> None:
    """Describe the commands; each is carried out by `command`, which calls `carry_out`."""
    users = commands.add_parser("users", help="look after accounts", description="Look after accounts.")
    actions = users.add_subparsers(title="commands", metavar="command", required=True, dest="action")
    create = actions.add_parser("create", help="open an account", description="Open an account. Asks for a password.")
    create.add_argument("email", metavar="ADDRESS", help="the e-mail address to log in with")
    create.add_argument("--name", metavar="NAME", help="what the person is called")
    for name, does in (
        ("disable", "let a user in no more, and end their sessions; nothing of theirs is lost"),
        ("enable", "let a user in again"),
        ("reset-password", "give a user another password, and end their sessions"),
    ):
        action = actions.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        action.add_argument("user", metavar="USER", help="the e-mail address or the id")
        action.add_argument("--id", action="store_true", help="USER is an id, also if it looks like an address")
    actions.add_parser("list", help="list all accounts", description="List all accounts, with tabs between columns.")
    users.set_defaults(command=command)


async def carry_out(chosen: argparse.Namespace, operators: OperatorService) -> None:
    """Do what was chosen. `UsersError` if it cannot be done."""
    try:
        match chosen.action:
            case "create":
                await _create(chosen, operators)
            case "list":
                await _list(operators)
            case action:
                await _change(action, await _found(chosen, operators), operators)
    except TodoError as error:
        raise UsersError(str(error)) from error


async def _create(chosen: argparse.Namespace, operators: OperatorService) -> None:
    try:
        email = parse_email(chosen.email)
        name = None if chosen.name is None else parse_name(chosen.name)
    except InvalidError as error:
        raise UsersError(f"The {'name' if error.flaw != 'not_an_email' else 'address'} {error}") from error
    user = await operators.create(email, _password(), name)
    print(user.id)


async def _list(operators: OperatorService) -> None:
    print("id", "email", "name", "created", "disabled", sep="\t")
    async for part in operators.users():
        for user in part:
            times = (user.created_at, user.disabled_at)
            shown = (time.isoformat(timespec="seconds") if time else "-" for time in times)
            print(user.id, user.email or "-", user.name or "-", *shown, sep="\t")


async def _found(chosen: argparse.Namespace, operators: OperatorService) -> User:
    named = chosen.user
    user = await operators.find_by_id(named)
    other = None if chosen.id else await operators.find_by_email(named)
    if user and other:
        raise UsersError(
            f"{named!r} is the address of {other.id} and the id of another user: give the id of the one, or --id for"
            " the other."
        )
    if found := user or other:
        return found
    raise UsersError(f"There is no user {named!r}: give the e-mail address or the id, as `todo users list` has it.")


async def _change(action: str, user: User, operators: OperatorService) -> None:
    match action:
        case "disable":
            await operators.disable(user.id)
            print(f"{user.id} is disabled.")
        case "enable":
            await operators.enable(user.id)
            print(f"{user.id} is let in again.")
        case _:
            if user.email is None:
                raise UsersError(f"{user.id} logs in elsewhere, and has no password here.")
            await operators.reset_password(user, _password())
            print(f"{user.id} has a new password; other places are logged out within 15 minutes.")


def _password() -> Password:
    if sys.stdin.isatty():
        typed = getpass("Password: ")
        if getpass("Once more: ") != typed:
            raise UsersError("These were two different passwords.")
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    try:
        return parse_password(typed)
    except InvalidError as error:
        raise UsersError(f"The password {error}") from error
