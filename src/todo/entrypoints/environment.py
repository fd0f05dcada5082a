"""The settings as the environment has them: `TODO_…` variables, read once.

A `.env` file is not read: what is in force is what the environment says, and nothing else. A secret may be in a
file instead, whose path is in the variable of the same name with `_FILE` behind it.
"""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from todo.entrypoints.expectations import Expected, SettingsError
from todo.entrypoints.settings import Settings
from todo.entrypoints.signing_secret import MAKE_ONE, weakness

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX: Final = "TODO_"
_OF_FRONTEND: Final = "better_auth_"  # read by the names that the frontend has for them, without our prefix
_LARGEST_FILE: Final = 65_536  # bytes
_OF_LINES: Final = ("TODO_ISSUERS",)  # which is JSON

# Kubernetes tells every pod of a service named `todo…` where it is in variables that look like ours.
# Its TODO_PORT=tcp://10.0.0.1:80 is one of them.
_SERVICE_LINK: Final = re.compile(
    r"TODO_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?=|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=|PORT=(tcp|udp|sctp)://)"
)


def variable(field: str) -> str:
    """The environment variable of a field."""
    return field.upper() if field.startswith(_OF_FRONTEND) else _PREFIX + field.upper()


def file_variable(field: str) -> str | None:
    """The variable that names a file with the field's value; None if the field holds no secret."""
    return None if Settings.model_fields[field].repr else f"{variable(field)}_FILE"


def load_settings(environ: Mapping[str, str] | None = None, *, is_checked: bool = False) -> Settings:
    """The settings that the environment asks for. Empty variables count as not set. `SettingsError` if it is wrong.

    A `TODO_…` variable that is not a setting is an error, because a misspelt setting would otherwise be one
    that silently does nothing. Those that Kubernetes adds for a service named `todo` are passed over.
    `is_checked` says that whoever left us this environment has looked at its secrets already.
    """
    named = without_files(os.environ if environ is None else environ)
    fields = {variable(field): field for field in Settings.model_fields}
    values: dict[str, Any] = {}
    for name in sorted(named):
        value = named[name]
        is_ours = name in fields or name.startswith(_PREFIX)
        if not is_ours or _SERVICE_LINK.match(f"{name}={value}"):
            continue
        if name not in fields:
            raise _unknown(name)
        if value.strip():
            _refuse_other_bytes(name, value)
            # A password may well end in a blank; everything else was pasted with it.
            values[fields[name]] = value if name.endswith("_SECRET") else value.strip()
    if "database_url" not in values and named.get("DATABASE_URL", "").strip():
        _refuse_other_bytes("DATABASE_URL", named["DATABASE_URL"])
        values["database_url"] = named["DATABASE_URL"].strip()
    if "data_dir" in values:
        values["data_dir"] = _at_home("TODO_DATA_DIR", values["data_dir"])
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise _refusal(error, values) from None
    _ = settings.trusted_issuers  # in each other's way or not
    if settings.port and settings.metrics_port == settings.port:
        raise SettingsError("TODO_METRICS_PORT must not be TODO_PORT.", variable="TODO_METRICS_PORT")
    if not is_checked:
        _check_secrets(settings)
    return settings


def without_files(environ: Mapping[str, str]) -> dict[str, str]:
    """The same environment, with what the files hold in place of the variables that name them.

    `SettingsError` if a file cannot be used, or a value is given both ways.
    """
    named = dict(environ)
    for field in Settings.model_fields:
        name, in_file = variable(field), file_variable(field)
        path = named.pop(in_file, "").strip() if in_file else ""
        if in_file and path:
            if named.get(name, "").strip():
                sentence = f"{name} and {in_file} are both set: keep one of them."
                raise SettingsError(sentence, code="setting_twice", variable=in_file)
            named[name] = _content(in_file, path, may_have_lines=name in _OF_LINES)
    return named


def _at_home(name: str, path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        sentence = f"{name} is {path}, and there is no such user's home: write the path out."
        raise SettingsError(sentence, variable=name) from None


def _refuse_other_bytes(name: str, value: str) -> None:
    """Refuse what is not UTF-8: Python has it as code points that no text holds (PEP 383)."""
    try:
        _ = value.encode()
    except UnicodeEncodeError:
        sentence = f"{name} holds bytes that are no text: write it in UTF-8."
        raise SettingsError(sentence, variable=name) from None


def _content(name: str, path: str, *, may_have_lines: bool) -> str:
    """What the file holds, without the end of its line, and without the mark that Windows puts before the first."""
    try:
        with _at_home(name, path).open("rb") as file:
            text = file.read(_LARGEST_FILE + 1).decode("utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        problem = f"cannot be read: {reason}"
    else:
        if not text.strip():
            problem = "is empty"
        elif len(text) > _LARGEST_FILE or "\0" in text:
            problem = "holds nothing that could be used"
        elif not may_have_lines and ("\n" in text or "\r" in text):
            problem = "holds more than one line: write the value on one"
        else:
            return text
    raise SettingsError(f"{name} names the file {path}, which {problem}.", code="secret_file_unusable", variable=name)


def _check_secrets(settings: Settings) -> None:
    """Refuse a secret that somebody else has too, and, where there is a database URL, one that can be guessed."""
    secrets = [(variable(field), getattr(settings, field)) for field in ("jwt_secret", "better_auth_secret")]
    secrets += [("TODO_ISSUERS", issuer.secret.decode()) for issuer in settings.issuers if issuer.secret]
    for name, secret in secrets[1:]:
        if secret and secret == settings.jwt_secret:
            sentence = f"{name} and TODO_JWT_SECRET are the same: whoever signs tokens there could be anybody here"
            raise SettingsError(f"{sentence}; {MAKE_ONE}.", code="secret_shared", variable=name)
    for name, secret in secrets:
        if settings.database_url and secret and (flaw := weakness(secret)):
            raise SettingsError(f"{name} {flaw}; {MAKE_ONE}.", code="secret_weak", variable=name)


def _unknown(name: str) -> SettingsError:
    known = [variable(field) for field in Settings.model_fields]
    from_files = [in_file for field in Settings.model_fields if (in_file := file_variable(field))]
    near = get_close_matches(name, known + from_files, 1)
    hint = f"is {near[0]} meant?" if near else f"these are: {', '.join(known)}."
    return SettingsError(f"{name} is not a setting; {hint}", code="setting_unknown", variable=name)


def _refusal(error: ValidationError, values: Mapping[str, object]) -> SettingsError:
    first = error.errors(include_url=False, include_input=False)[0]
    field = str(first["loc"][0])
    name = variable(field)
    described = Settings.model_fields[field]
    if first["type"] == "value_error":
        return SettingsError(f"{name} {first['ctx']['error']}", variable=name)
    expected = next(item.words for item in described.metadata if isinstance(item, Expected))
    shown = f", not {values[field]!r}" if described.repr else ""
    return SettingsError(f"{name} must be {expected}{shown}.", variable=name)
