"""What an absent-minded change could do, and the tests that have to notice it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Mutant(NamedTuple):
    """One text of one file of the package, replaced by another. The text stands there exactly once."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def apply(self, package: Path) -> None:
        """Change the package that lies there."""
        path = package / self.file
        source = path.read_text()
        if source.count(self.old) != 1:
            raise LookupError(f"{self.file} has moved on: bring the mutant {self.name!r} up to date.")
        path.write_text(source.replace(self.old, self.new))


_TASK_SERVICE = "tests/unit/test_task_service.py"
_MEMORY = "tests/unit/test_memory.py"
_POSTGRES = "tests/integration/test_postgres.py"
_ISOLATION = "tests/integration/test_isolation.py"
_NAMES_THE_OWNER = (
    "tests/integration/test_statements.py::test_every_statement_names_the_owner_for_each_table_that_has_one"
)

MUTANTS = [
    # use cases
    Mutant(
        "a write is not committed",
        "application/tasks.py",
        "            await work.commit()\n            return outcome\n",
        "            return outcome\n",
        ("tests/integration/test_races.py",),
    ),
    Mutant(
        "an account is not committed",
        "application/accounts.py",
        "            await work.commit()\n        return signed_in\n",
        "        return signed_in\n",
        ("tests/unit/test_account_service.py",),
    ),
    Mutant(
        "what the caller saw does not matter",
        "application/tasks.py",
        "operation.seen is not None and task.revision not in operation.seen",
        "operation.seen is not None and False",
        (f"{_TASK_SERVICE}::TestChanging",),
    ),
    Mutant(
        "a client's id makes a second task",
        "application/tasks.py",
        "existing = await work.tasks.find(task_id) if task_id else None",
        "existing = None",
        (f"{_TASK_SERVICE}::TestCreating",),
    ),
    Mutant(
        "a change of nothing is a change",
        "domain/task.py",
        "if all(getattr(self, name) == value for name, value in fields.items()):",
        "if not fields and False:",
        ("tests/unit/test_task.py::TestAChange",),
    ),
    # the store in memory
    Mutant(
        "memory: a stale change overwrites",
        "adapters/memory/tasks.py",
        "if stored.revision != task.revision:",
        "if stored.revision < 0:",
        (f"{_MEMORY}::TestTaskRepository",),
    ),
    Mutant(
        "memory: everything is stored at once",
        "adapters/memory/store.py",
        "replace(self._original, tasks=dict(self._original.tasks)",
        "replace(self._original, tasks=self._original.tasks",
        (f"{_MEMORY}::TestUnitOfWork",),
    ),
    # PostgreSQL: the owner in every statement
    Mutant(
        "get: any owner's task",
        "adapters/postgres/tasks.py",
        ".where(tasks.c.owner_id == asking.c.owner, tasks.c.id == _ID, _NOT_IN_TRASH)",
        ".where(tasks.c.id == _ID, _NOT_IN_TRASH)",
        (f"{_ISOLATION}::TestReadingWithoutPolicies",),
    ),
    Mutant(
        "page: any owner's tasks",
        "adapters/postgres/task_lists.py",
        "and_(tasks.c.owner_id == asking.c.owner, *_states(tasks, shape), *_filters(shape))",
        "and_(*_states(tasks, shape), *_filters(shape))",
        (f"{_ISOLATION}::TestReadingWithoutPolicies",),
    ),
    Mutant(
        "search: any owner's signatures",
        "adapters/postgres/task_lists.py",
        "select(signed.c.id).where(signed.c.owner_id == asking.c.owner, ",
        "select(signed.c.id).where(",
        (_NAMES_THE_OWNER,),
    ),
    Mutant(
        "search: a change of the text is not signed",
        "adapters/postgres/rows.py",
        '"signature": signature_of(search)',
        '"signature": signature_of("")',
        (f"{_POSTGRES}::TestTaskLists",),
    ),
    Mutant(
        "find: any owner's task",
        "adapters/postgres/tasks.py",
        "and_(tasks.c.owner_id == users.c.id, tasks.c.id == _ID)",
        "tasks.c.id == _ID",
        (f"{_ISOLATION}::TestWritingWithoutPolicies",),
    ),
    Mutant(
        "update: any owner's task",
        "adapters/postgres/task_writes.py",
        "tasks.c.owner_id == before.c.owner, ",
        "",
        (_NAMES_THE_OWNER,),
    ),
    Mutant(
        "feed: any owner's changes",
        "adapters/postgres/feed.py",
        ".where(tasks.c.owner_id == asking.c.owner, behind)",
        ".where(behind)",
        (_NAMES_THE_OWNER,),
    ),
    # PostgreSQL: the numbers
    Mutant(
        "update: without waiting for the turn",
        "adapters/postgres/task_writes.py",
        "me(turn=True)",
        "me()",
        ("tests/integration/test_races.py",),
    ),
    Mutant(
        "a change takes no number",
        "adapters/postgres/task_writes.py",
        '(asking.c.revision + literal_column("1"))',
        '(asking.c.revision + literal_column("0"))',
        (f"{_POSTGRES}::TestUnitOfWork",),
    ),
    Mutant(
        "a new task takes no number",
        "adapters/postgres/task_writes.py",
        'users.c.revision + literal_column("1")',
        'users.c.revision + literal_column("0")',
        (f"{_POSTGRES}::TestUnitOfWork",),
    ),
    Mutant(
        "a change is not counted",
        "adapters/postgres/task_writes.py",
        "users.c.open_tasks - changed.c.is_open + is_open",
        "users.c.open_tasks + is_open",
        (f"{_POSTGRES}::TestStore",),
    ),
    Mutant(
        "a new task takes every owner's number",
        "adapters/postgres/task_writes.py",
        ".where(users.c.id == asking.c.owner)",
        ".where(asking.c.owner.is_not(None))",
        (f"{_POSTGRES}::TestStore",),
    ),
    Mutant(
        "units of work do not wait for each other",
        "adapters/postgres/database.py",
        " FOR NO KEY UPDATE",
        "",
        (f"{_POSTGRES}::TestUnitOfWork",),
    ),
    Mutant(
        "what is not committed is kept",
        "adapters/postgres/database.py",
        'execute("ROLLBACK")',
        'execute("COMMIT")',
        (f"{_POSTGRES}::TestUnitOfWork",),
    ),
    Mutant(
        "what is committed is not kept",
        "adapters/postgres/database.py",
        'execute("COMMIT")',
        'execute("ROLLBACK")',
        (f"{_POSTGRES}::TestUnitOfWork",),
    ),
    Mutant(
        "a write whose answer got lost is done again",
        "adapters/postgres/database.py",
        "may_repeat = not statement.writes",
        "may_repeat = True",
        ("tests/databases/test_waking.py::TestAConnectionThatIsLost",),
    ),
    Mutant(
        "a change whose answer got lost is stored again",
        "adapters/postgres/database.py",
        "if statement.writes or not self._connection.is_closed():",
        "if not self._connection.is_closed():",
        ("tests/databases/test_waking.py::TestAConnectionThatIsLost",),
    ),
    # PostgreSQL: the policies
    Mutant(
        "a transaction has no owner",
        "adapters/postgres/database.py",
        "SELECT set_config('{OWNER_SETTING}', E'{literal}', true)",
        "SELECT set_config('{OWNER_SETTING}', '', true)",
        (f"{_POSTGRES}::TestUnitOfWork",),
    ),
    Mutant(
        "an owner outlives the transaction",
        "adapters/postgres/database.py",
        "E'{literal}', true)",
        "E'{literal}', false)",
        (f"{_ISOLATION}::TestAForgetfulStatement",),
    ),
    Mutant(
        "an owner's quotes are not quoted",
        "adapters/postgres/database.py",
        """.replace("'", "''")""",
        "",
        (f"{_POSTGRES}::TestTaskRepository",),
    ),
    Mutant(
        "an owner's backslashes are not quoted",
        "adapters/postgres/database.py",
        r""".replace("\\", "\\\\")""",
        "",
        (f"{_POSTGRES}::TestTaskRepository",),
    ),
    Mutant(
        "a superuser stays one",
        "adapters/postgres/connector.py",
        'role = "" if is_bound else APPLICATION_ROLE',
        'role = ""',
        (f"{_ISOLATION}::TestAForgetfulStatement",),
    ),
    Mutant(
        "the owner of the tables is above the policies",
        "adapters/postgres/migrations/versions/0001_initial.py",
        'op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")',
        "pass",
        (f"{_ISOLATION}::TestAForgetfulStatement",),
    ),
    Mutant(
        "a constraint is forgotten in the migration",
        "adapters/postgres/migrations/versions/0001_initial.py",
        '        sa.CheckConstraint("due_on IS NULL OR due_at IS NULL", name="tasks_due_once_check"),\n',
        "",
        ("tests/integration/test_migrations.py::TestTheSchema",),
    ),
    # accounts
    Mutant(
        "an address is a pattern",
        "adapters/postgres/users.py",
        'users.c.email == bindparam("email", type_=Text)',
        'users.c.email.like(bindparam("email", type_=Text))',
        (f"{_POSTGRES}::TestAccounts",),
    ),
    # the pool
    Mutant(
        "the pool opens one connection too many",
        "adapters/postgres/pool.py",
        "if self._opened < self._size:",
        "if self._opened <= self._size:",
        ("tests/unit/test_pool.py",),
    ),
]

UNTOUCHED = Mutant(
    "nothing",
    "__init__.py",
    "__version__ = ",
    "__version__ = ",
    tuple(sorted({test for mutant in MUTANTS for test in mutant.tests})),
)
"""No change, and all of those tests: they must be green, or their turning red would mean nothing."""
