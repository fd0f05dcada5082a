"""Secrets that sign: how good one has to be, and where the one for development is kept."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

SHORTEST: Final = 32
"""Characters that a secret has at least (RFC 7518, section 3.2: as many bits as the hash)."""
MAKE_ONE: Final = "`openssl rand -base64 48` makes one"

_FEWEST: Final = 8
"""Different characters in a secret: 32 random hexadecimal digits have fewer once in 20 million times."""
# Words of templates and examples. None is so short that it could stand in a random secret.
_PLACEHOLDER: Final = re.compile(
    r"change.?me|change.?this|replace.?(me|this|with)|your.?(jwt.?)?secret|placeholder|insecure|for.?development|dummy.?secret"
    r"|example|password|0123456789|1234567890|abcdefgh|qwertyui|better-auth-secret|openssl|jwt.secret",
    re.IGNORECASE,
)


def weakness(secret: str) -> str | None:
    """Why the secret can be guessed, to be read behind its name; None if nothing speaks against it."""
    if len(secret) < SHORTEST:
        return f"must be at least {SHORTEST} characters long"
    if len(set(secret)) < _FEWEST or secret in (secret + secret)[1:-1]:
        return "can be guessed, because it repeats itself: take a random one"
    if _PLACEHOLDER.search(secret):
        return "can be guessed, because it is an example or a pattern: take a random one"
    return None


def kept_secret(directory: Path) -> str:
    """The secret in the directory. One is made if there is none; of several processes that do so, one wins.

    `ValueError` is a sentence that says why it cannot be used.
    """
    path = directory / "jwt_secret"
    try:
        if not path.exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Written aside and then linked: whoever finds the file finds all of it, and nobody's is replaced.
            draft = directory / f"jwt_secret.{secrets.token_hex(8)}"
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_urlsafe(48) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(FileExistsError):
                    path.hardlink_to(draft)
            finally:
                draft.unlink()
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        if isinstance(error, FileExistsError):
            reason = f"{directory} is no directory"
        raise ValueError(f"The development secret {path} cannot be used: {reason}.") from error
    if len(secret) < SHORTEST:
        raise ValueError(f"{path} holds no usable secret: delete it, and a new one is made.")
    return secret
