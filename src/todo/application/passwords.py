"""The rules of passwords that need more than the password to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todo.domain.errors import Flaw, InvalidError, InvalidFieldsError
from todo.domain.values import parse_password

if TYPE_CHECKING:
    from todo.application.ports import PasswordHasher
    from todo.domain.user import User
    from todo.domain.values import Email, Password


def refuse_address(password: Password, email: Email | None, field: str = "password") -> None:
    """`InvalidFieldsError`, about this field, if the password is the user's own e-mail address."""
    if password.strip().lower() == email:
        raise InvalidFieldsError([Flaw(field, "same_as_email", "must not be the e-mail address.")])


async def is_password(passwords: PasswordHasher, typed: str, user: User | None) -> bool:
    """Whether this text is the password of the user.

    It takes as long for nobody, and for a user without one, as for anyone. What can be nobody's password,
    by its length, is answered at once.
    """
    try:
        password = parse_password(typed)
    except InvalidError:
        return False
    return await passwords.matches(password, user.password_hash if user else None)
