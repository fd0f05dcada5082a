"""Which statements may be run once more on another connection: those that only read."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest
from sqlalchemy import select, text

from todo.adapters import postgres
from todo.adapters.postgres.statements import Statement
from todo.adapters.postgres.tables import users

_MODULES = [module.name for module in pkgutil.iter_modules(postgres.__path__)]
STATEMENTS = {
    f"{module}.{name}": value
    for module in _MODULES
    for name, value in vars(importlib.import_module(f"{postgres.__name__}.{module}")).items()
    if isinstance(value, Statement)
}
_WRITING = re.compile(r"\b(INSERT INTO|DELETE FROM|(?<!FOR )(?<!KEY )UPDATE) ")


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_says_whether_it_writes(name: str) -> None:
    statement = STATEMENTS[name]
    assert statement.writes == bool(_WRITING.search(statement.sql))


def test_there_are_some_of_either_kind() -> None:
    assert {statement.writes for statement in STATEMENTS.values()} == {True, False}


def test_what_is_written_by_hand_is_not_trusted() -> None:
    assert Statement(text("SELECT 1")).writes
    assert Statement(select(users.c.id).where(text("something()"))).writes
    assert not Statement(select(users.c.id).with_for_update()).writes
