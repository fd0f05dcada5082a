"""The tables can be spread over nodes by their owner, and the statements know where to look.

Citus is not here to try it on. So its rules, as its documentation has them, are checked one by one.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.owners import is_owner_led
from tests.integration.servers import connected, new_database
from todo.adapters import postgres
from todo.adapters.postgres.migrate import migrate
from todo.adapters.postgres.tables import metadata

ADAPTER = Path(postgres.__file__).parent
SCRIPT = Path(__file__).parents[2] / "deploy" / "citus.sql"

SPREAD = {"users": "id", "tasks": "owner_id", "receipts": "owner_id", "sessions": "user_id"}
"""The column by which each table is spread."""

ACROSS_OWNERS = {
    "users._FIND_BY_EMAIL": "who logs in gives an address, and is not known yet",
    "users._PAGE": "operators list all accounts",
    "users._ADD": "a new account has an id of its own, not one that asks",
    "identities._PROVISION": "a new account of another issuer, likewise",
    "sessions._OWNER_OF": "a refresh token names its session, and not its user",
    "signals._LOOK": "the revisions of all users who watch here, some at a time",
    "tasks._OWNERS_OF_TRASH": "the purge asks who has old trash, by a note on the account",
    "receipts._OWNERS": "the same for receipts",
}
NOT_LED_BY_OWNER = {
    "users_email_key": "dropped by the script; see docs/scaling.md",
    "sessions_id_key": "dropped by the script; see docs/scaling.md",
    "users_trash_since_idx": "for the purge, which asks every node",
    "users_receipts_since_idx": "the same for receipts",
}

# In a process of its own, where no other test has made statements.
_COLLECT = """
import enum, gc, importlib, itertools, json, pkgutil, typing
from todo.adapters import postgres
from todo.adapters.postgres.statements import Statement
found = {}
for module in pkgutil.walk_packages(postgres.__path__, postgres.__name__ + "."):
    if ".migrations" not in module.name:
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Statement):
                found[id(value)] = f"{module.name.rpartition('.')[2]}.{name}", value
for thing in gc.get_objects():
    if isinstance(thing, Statement) and id(thing) not in found:
        found[id(thing)] = f"somewhere.{thing.sql[:60]}", thing
from todo.adapters.postgres.task_lists import Shape, page_statement
kinds = typing.get_type_hints(Shape).values()
values = [list(kind) if issubclass(kind, enum.Enum) else [False, True] for kind in kinds]
for shape in itertools.starmap(Shape, itertools.product(*values)):
    if (shape.open or shape.completed) and shape.goes_on >= shape.goes_on_without_key:
        found[shape] = f"task_lists.{shape}", page_statement(shape)
print(json.dumps([[name, each.sql, each.names] for name, each in found.values()]))
"""


class Named(NamedTuple):
    name: str
    sql: str
    parameters: list[str]


@pytest.fixture(scope="module")
def statements() -> list[Named]:
    """Every statement that the adapter can send, however it is kept, and every shape of a list."""
    told = subprocess.run([sys.executable, "-c", _COLLECT], capture_output=True, text=True, timeout=120, check=True)
    return [Named(*each) for each in json.loads(told.stdout)]


def test_statements_are_made_at_import_or_by_shape() -> None:
    """So none can be made that the fixture above does not see."""
    for path in ADAPTER.glob("*.py"):
        tree = ast.parse(path.read_text())
        builders = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _makes(node)}
        assert {name for name in builders if not name.startswith("_")} <= {"page_statement"}, path.name
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name not in builders:
                called = {_called(node) for node in ast.walk(function) if isinstance(node, ast.Call)}
                assert not called & {"Statement", *(builders - {"page_statement"})}, f"{path.name}: {function.name}"


def _makes(function: ast.FunctionDef) -> bool:
    return function.returns is not None and "Statement" in ast.unparse(function.returns)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


@pytest.mark.slow
def test_every_statement_carries_the_owner_of_every_row(statements: list[Named]) -> None:
    assert len(statements) > 400
    led = {each.name: is_owner_led(each.sql, each.parameters, SPREAD) for each in statements}
    assert {name for name, is_led in led.items() if not is_led} == set(ACROSS_OWNERS)


@pytest.mark.parametrize(
    "forgetful",
    [
        "SELECT tasks.id FROM tasks WHERE tasks.id = $1",
        "SELECT tasks.id FROM tasks WHERE tasks.owner_id = $1",
        "SELECT tasks.id FROM tasks WHERE tasks.owner_id = $2 OR tasks.id = $1",
        "SELECT tasks.id FROM tasks WHERE tasks.owner_id <> $2",
        "SELECT tasks.id FROM tasks WHERE NOT (tasks.owner_id = $2)",
        "SELECT tasks.id FROM tasks LEFT JOIN users ON users.id = $2 AND tasks.owner_id = $2",
        "SELECT users.id FROM users LEFT JOIN tasks ON tasks.id = $1 WHERE users.id = $2",
        "SELECT users.id FROM users WHERE users.id = $2 AND EXISTS (SELECT FROM tasks WHERE tasks.id = $1)",
        (
            "WITH me AS (SELECT users.revision AS owner FROM users WHERE users.id = $2)"
            " SELECT tasks.id FROM me JOIN tasks ON tasks.owner_id = me.owner"
        ),
        (
            "WITH me AS (SELECT users.id AS owner FROM users)"
            " SELECT tasks.id FROM me JOIN tasks ON tasks.owner_id = me.owner"
        ),
        (
            "WITH gone AS (DELETE FROM tasks WHERE tasks.id = $1 RETURNING tasks.owner_id)"
            " UPDATE users SET revision = 0 WHERE users.id = $2"
        ),
        "UPDATE tasks SET title = '' FROM users WHERE users.id = $2 AND tasks.id = $1",
        "DELETE FROM tasks USING users WHERE users.id = $2",
        "INSERT INTO tasks (id, owner_id) VALUES ($2, $1)",
        "INSERT INTO tasks (id, owner_id) SELECT users.id, users.name FROM users WHERE users.id = $2",
    ],
)
def test_a_statement_that_forgets_the_owner_is_noticed(forgetful: str) -> None:
    assert not is_owner_led(forgetful, ["id_of_task", "owner"], SPREAD)


def test_no_statement_is_sent_that_is_not_a_statement() -> None:
    """What is run as a script is the frame of a transaction, which begins with the owner's own row."""
    frames = [
        "COMMIT",
        "ROLLBACK",
        "SELECT",
    ]
    for path in (ADAPTER / "connection.py", ADAPTER / "database.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "execute":
                (script,) = node.args
                assert not isinstance(script, ast.Constant) or script.value in frames


def test_keys_and_indexes_lead_with_the_owner() -> None:
    seen = set()
    for name, column in SPREAD.items():
        table = metadata.tables[name]
        keys = {str(table.primary_key.name or f"{name}_pkey"): [key.name for key in table.primary_key]}
        keys |= {str(index.name): [part.name for part in index.columns] for index in table.indexes}
        for constraint in table.constraints:
            if type(constraint).__name__ == "UniqueConstraint":
                keys[f"{name}_{next(iter(constraint.columns)).name}_key"] = [part.name for part in constraint.columns]  # type: ignore[attr-defined]
        for key, columns in keys.items():
            assert columns[0] == column or key in NOT_LED_BY_OWNER, key
            seen.add(key)
    assert set(NOT_LED_BY_OWNER) <= seen


# The script, on a PostgreSQL whose Citus only takes notes

_STAND_IN = """
CREATE TABLE notes (place serial, what text, relation regclass, by_column text, beside text);
CREATE FUNCTION create_distributed_table(
    relation regclass, by_column text, distribution_type text DEFAULT 'hash', colocate_with text DEFAULT 'default'
) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO notes (what, relation, by_column, beside) VALUES ('spread', relation, by_column, colocate_with) $$;
CREATE FUNCTION create_reference_table(relation regclass) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO notes (what, relation) VALUES ('everywhere', relation) $$;
"""
_UNIQUE = """
SELECT indexrelid::regclass::text AS name, ARRAY(
    SELECT attname::text FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey)
) AS columns FROM pg_index WHERE indisunique AND indrelid = $1::regclass
"""
_REFERENCES = """
SELECT conname, confrelid::regclass::text AS there, ARRAY(
    SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)
) AS columns FROM pg_constraint WHERE contype = 'f' AND conrelid = $1::regclass
"""


async def test_the_script_fits_the_tables_and_the_rules_of_citus(server_url: str) -> None:
    async with new_database(server_url) as url:
        await migrate(url)
        async with connected(url) as admin:
            await admin.execute(_STAND_IN)
            await admin.execute(SCRIPT.read_text())
            notes = await admin.fetch("SELECT what, relation::text, by_column, beside FROM notes ORDER BY place")
            spread = {note["relation"]: note["by_column"] for note in notes if note["what"] == "spread"}
            assert spread == SPREAD
            assert [note["beside"] for note in notes if note["what"] == "spread"] == ["none"] + ["users"] * 3
            for table, column in spread.items():
                kind = (
                    "SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2"
                )
                assert await admin.fetchval(kind, table, column) == "text", "all in the same unit"
                for unique in await admin.fetch(_UNIQUE, table):
                    assert column in unique["columns"], f"{unique['name']} cannot be kept on one node"
                for reference in await admin.fetch(_REFERENCES, table):
                    assert reference["columns"] == [column], f"{reference['conname']} leaves its node"
                    assert reference["there"] in spread
            for table in {note["relation"] for note in notes} - set(spread):
                assert not [each for each in await admin.fetch(_REFERENCES, table) if each["there"] in spread]
