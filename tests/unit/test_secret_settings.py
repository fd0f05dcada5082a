"""Secrets: read from files, and refused where they can be guessed."""

from __future__ import annotations

import json
import os
import random
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from todo.entrypoints.environment import load_settings, without_files
from todo.entrypoints.expectations import SettingsError
from todo.entrypoints.signing_secret import weakness

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "kF3v9Qm2xT7pLw0aYc5nHs8dRb1eZg4u"
URL = "postgresql://me:hunter2@db.example:5432/todo"
ISSUERS = json.dumps([{"issuer": "partner", "secret": GOOD.upper()}])
IN_FILES = {
    "TODO_JWT_SECRET": GOOD,
    "TODO_DATABASE_URL": URL,
    "BETTER_AUTH_SECRET": GOOD[::-1],
    "TODO_RATE_LIMIT_STORAGE": "redis://:hunter2@cache:6379/0",
    "TODO_ISSUERS": ISSUERS,
}


def refusal(**environ: str) -> SettingsError:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    assert "\n" not in str(refused.value)
    return refused.value


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    for name, value in IN_FILES.items():
        (tmp_path / name).write_text(f"{value}\n")
    return {f"{name}_FILE": str(tmp_path / name) for name in IN_FILES}


@pytest.mark.parametrize(
    "other",
    [{"BETTER_AUTH_SECRET": GOOD}, {"TODO_ISSUERS": json.dumps([{"issuer": "partner", "secret": GOOD}])}],
    ids=["BETTER_AUTH_SECRET", "TODO_ISSUERS"],
)
def test_no_other_issuer_signs_with_our_secret(other: dict[str, str]) -> None:
    refused = refusal(TODO_JWT_SECRET=GOOD, **other)
    assert (refused.code, refused.variable) == ("secret_shared", *other)
    assert "could be anybody here" in str(refused)


def test_every_secret_can_be_in_a_file(files: dict[str, str]) -> None:
    assert load_settings(files) == load_settings(IN_FILES)
    assert without_files(files | {"PATH": "/bin"}) == IN_FILES | {"PATH": "/bin"}


def test_what_is_no_secret_is_in_no_file() -> None:
    refused = refusal(TODO_PORT_FILE="/etc/hostname")
    assert (refused.code, refused.variable) == ("setting_unknown", "TODO_PORT_FILE")
    assert "is TODO_JWT_SECRET_FILE meant?" in str(refusal(TODO_JWT_SECRETS_FILE="/x"))


def test_a_password_may_end_in_a_blank(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f" {GOOD} \r\n")
    assert load_settings({"TODO_JWT_SECRET_FILE": f" {path} "}).secret == f" {GOOD} "


def test_the_mark_of_windows_is_no_part_of_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n")
    assert load_settings({"TODO_JWT_SECRET_FILE": str(path)}).secret == GOOD


def test_issuers_may_take_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "issuers"
    path.write_text(json.dumps(json.loads(ISSUERS), indent=2))
    assert load_settings({"TODO_ISSUERS_FILE": str(path)}).issuers == load_settings({"TODO_ISSUERS": ISSUERS}).issuers


@pytest.mark.parametrize("name", ["TODO_JWT_SECRET", "TODO_DATABASE_URL", "DATABASE_URL", "TODO_HOST", "TODO_ISSUERS"])
def test_bytes_that_are_no_text_are_called_so(name: str) -> None:
    refused = refusal(**{name: os.fsdecode(b"\xff" + GOOD.encode())})
    assert str(refused) == f"{name} holds bytes that are no text: write it in UTF-8."
    assert refused.variable == name


@pytest.mark.parametrize("name", IN_FILES)
def test_a_value_and_a_file_are_one_too_many(files: dict[str, str], name: str) -> None:
    refused = refusal(**{name: IN_FILES[name], f"{name}_FILE": files[f"{name}_FILE"]})
    assert str(refused) == f"{name} and {name}_FILE are both set: keep one of them."
    assert refused.code == "setting_twice"


def test_an_empty_variable_beside_a_file_counts_as_not_set(files: dict[str, str]) -> None:
    one = {"TODO_JWT_SECRET": " ", "TODO_JWT_SECRET_FILE": files["TODO_JWT_SECRET_FILE"]}
    assert load_settings(one).secret == GOOD
    assert load_settings({"TODO_JWT_SECRET_FILE": ""}) == load_settings({})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\xff\xfe", "cannot be read: it is not text"),
        (b"x" * 70_000, "holds nothing that could be used"),
        (GOOD.encode() + b"\0", "holds nothing that could be used"),
        (GOOD.encode() + b"\r\n" + GOOD.encode(), "holds more than one line: write the value on one"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    refused = refusal(TODO_JWT_SECRET_FILE=str(path))
    assert str(refused) == f"TODO_JWT_SECRET_FILE names the file {path}, which {says}."
    assert refused.code == "secret_file_unusable"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert str(refusal(TODO_JWT_SECRET_FILE=str(tmp_path))).endswith("which cannot be read: Is a directory.")


def test_what_is_wrong_in_a_file_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("swordfish")
    assert "swordfish" not in str(refusal(TODO_JWT_SECRET_FILE=str(tmp_path / "secret")))


WEAK = [
    "x" * 40,
    "ab" * 20,
    "correct horse " * 3,
    "changeme-changeme-changeme-please",
    "CHANGE_ME_to_something_very_long!",
    "your-secret-key-goes-here-in-production",
    "0123456789abcdef0123456789abcdef",
    "better-auth-secret-12345678901234567890",
    "openssl rand -base64 48 makes one",
]


@pytest.mark.parametrize("secret", WEAK)
def test_what_can_be_guessed_is_refused_where_it_matters(secret: str) -> None:
    refused = refusal(TODO_DATABASE_URL=URL, TODO_JWT_SECRET=secret)
    assert str(refused).startswith("TODO_JWT_SECRET can be guessed, because it ")
    assert str(refused).endswith("take a random one; `openssl rand -base64 48` makes one.")
    assert (refused.code, refused.variable) == ("secret_weak", "TODO_JWT_SECRET")
    assert secret not in str(refused)
    assert load_settings({"TODO_JWT_SECRET": secret}).secret == secret  # in development it is good enough


def test_so_are_the_secrets_of_others() -> None:
    production = {"TODO_DATABASE_URL": URL, "TODO_JWT_SECRET": GOOD}
    assert refusal(**production, BETTER_AUTH_SECRET=WEAK[0]).variable == "BETTER_AUTH_SECRET"
    issuers = [{"issuer": "a", "secret": WEAK[0]}, {"issuer": "b", "secret": GOOD}]
    assert refusal(**production, TODO_ISSUERS=json.dumps(issuers)).variable == "TODO_ISSUERS"


def test_random_secrets_are_good_enough() -> None:
    for seed in range(1_000):
        made = random.Random(seed).randbytes(48)  # noqa: S311
        assert weakness(made[:16].hex()) is None
        assert weakness(b64encode(made).decode()) is None
