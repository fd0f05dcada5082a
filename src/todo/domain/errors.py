"""Everything that can be refused, as one tree: a sentence each, and nothing about how it travels.

`code` is the stable name that a program may rely on; the sentence is for people and may change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todo.domain.task import Task


class TodoError(Exception):
    """A request that was understood and is refused."""

    code: ClassVar[str]
    sentence: ClassVar[str]

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or self.sentence)


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one field."""

    field: str
    code: str
    message: str


class InvalidError(TodoError):
    """A value that no task or user may have. `flaw` says which rule it breaks, not in which field it stood."""

    code = "invalid"
    sentence = "A value is not valid."

    def __init__(self, flaw: str, message: str) -> None:
        super().__init__(message)
        self.flaw = flaw


class InvalidFieldsError(TodoError):
    """One or more named fields of a request are not valid."""

    code = "invalid"
    sentence = "The request is not valid."

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        super().__init__(" ".join(f"{flaw.field}: {flaw.message}" for flaw in flaws[:3]))
        self.flaws = tuple(flaws)


class CursorMismatchError(TodoError):
    """The cursor was not made by this service, or for another list."""

    code = "cursor_mismatch"
    sentence = "This cursor does not belong to this list. Start again without a cursor."


class NotFoundError(TodoError):
    """There is no such task, or it is someone else's: the two look alike on purpose."""

    code = "not_found"
    sentence = "There is no such task."


class InTrashError(TodoError):
    """The id is taken by a task of the caller's own that lies in the trash."""

    code = "in_trash"
    sentence = "A task with this id lies in the trash. Restore it, or choose another id."


class StaleError(TodoError):
    """The task has moved on since the caller saw it. `current` is the task as it now is."""

    code = "stale"
    sentence = "The task has changed since you read it. Look at its current state and try again."

    def __init__(self, current: Task) -> None:
        super().__init__()
        self.current = current


class EmailTakenError(TodoError):
    """Another account has this e-mail address."""

    code = "email_taken"
    sentence = "An account with this e-mail address exists already. Log in instead."


class WrongCredentialsError(TodoError):
    """The address is unknown or the password is wrong: which of the two is not said."""

    code = "wrong_credentials"
    sentence = "The e-mail address or the password is wrong."


class InvalidTokenError(TodoError):
    """The access token is missing, malformed, expired, or not to be trusted."""

    code = "invalid_token"
    sentence = "The access token is not valid. Log in again."


class NotYourUserError(TodoError):
    """The user named in the path is not the caller."""

    code = "not_your_user"
    sentence = "The user in the path is not the one who is logged in."


class UnavailableError(TodoError):
    """The service cannot answer now, and trying again later may help. `retry_after` is in seconds."""

    code = "unavailable"
    sentence = "The service cannot answer right now. Try again in a moment."
    retry_after: ClassVar[int] = 1
