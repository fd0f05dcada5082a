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
    """A request that was understood and is refused.

    `index` tells which of several operations it is about, counted from 0.
    """

    code: ClassVar[str]
    sentence: ClassVar[str]
    index: int | None = None

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


class CursorExpiredError(TodoError):
    """Tasks were purged since this cursor was made, so what it leads to is not everything that changed."""

    code = "cursor_expired"
    sentence = "This cursor is too old to go on from. Start over without one."


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


class IdempotencyMismatchError(TodoError):
    """The Idempotency-Key was used for another request, in the last 24 hours."""

    code = "idempotency_mismatch"
    sentence = "This Idempotency-Key was used for another request. Choose a new key for each."


class EmailTakenError(TodoError):
    """Another account has this e-mail address."""

    code = "email_taken"
    sentence = "An account with this e-mail address exists already. Log in instead."


class WrongCredentialsError(TodoError):
    """The address is unknown or the password is wrong: which of the two is not said."""

    code = "wrong_credentials"
    sentence = "The e-mail address or the password is wrong."


class AccountDisabledError(TodoError):
    """The address and the password are right, but an operator has disabled the account."""

    code = "account_disabled"
    sentence = "This account is disabled. Ask whoever runs the service."


class WrongPasswordError(TodoError):
    """What only the password allows was asked for with another one. The caller is still logged in."""

    code = "wrong_password"
    sentence = "The password is wrong."


class FreshTokenNeededError(TodoError):
    """What a person without a password here asks for is allowed with a token of the last five minutes only."""

    code = "fresh_token_needed"
    sentence = "Log in again where you log in, and send this request within five minutes."


class InvalidRefreshTokenError(TodoError):
    """The refresh token is not one of ours, or its session has ended."""

    code = "invalid_refresh_token"
    sentence = "The refresh token is not valid. Log in again."


class RefreshTokenReusedError(TodoError):
    """The refresh token was used before, so somebody else may have it: its session has been ended."""

    code = "refresh_token_reused"
    sentence = "The refresh token was used before, and the session has been ended to be safe. Log in again."


class SessionNotFoundError(TodoError):
    """The caller has no such session, or it has ended."""

    code = "session_not_found"
    sentence = "There is no such session. It may have ended already."


class InvalidTokenError(TodoError):
    """The access token is missing, malformed, expired, or not to be trusted."""

    code = "invalid_token"
    sentence = "The access token is not valid. Log in again."


class NotYourUserError(TodoError):
    """The user named in the path is not the caller."""

    code = "not_your_user"
    sentence = "The user in the path is not the one who is logged in."


class TooManyRequestsError(TodoError):
    """A limit on abuse is used up: `limit` times for now, and again in `retry_after` seconds."""

    code = "too_many_requests"
    sentence = "That was too often. Wait as many seconds as Retry-After says, and try again."

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__()
        self.limit = limit
        self.retry_after = retry_after


class UnavailableError(TodoError):
    """The service cannot answer now, and trying again later may help. `retry_after` is in seconds."""

    code = "unavailable"
    sentence = "The service cannot answer right now. Try again in a moment."

    def __init__(self, sentence: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
