"""Run each mutant's tests on a copy of the package that has its change, and print what came of it.

A program of its own, started by `test_sabotage.py`. It loads once what all runs need, but nothing of ours, and
then forks for each run.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.sabotage.generated import generated
from tests.sabotage.mutants import MUTANTS, UNTOUCHED
from tests.sabotage.targets import TARGETS

if TYPE_CHECKING:
    from tests.sabotage.generated import Generated
    from tests.sabotage.mutants import Mutant

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "todo"
AT_ONCE = 2
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin", "-p", "_hypothesis_pytestplugin")
TIME_LIMIT = 60 if sys.argv[1:] != ["generated"] else 400
"""Seconds that one run may take; where files were changed blindly, the tests are many."""
MOST_MEMORY = 2 * 1024**3
"""Bytes: a loop that does not end any more may collect without end."""
NEEDED_BY_ALL = (
    "alembic.command",
    "argon2",
    "asyncpg",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "dependency_injector.wiring",
    "fastapi",
    "httpx",
    "hypothesis",
    "jose.jwt",
    "msgspec",
    "pydantic.networks",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "structlog",
    "uuid_utils.compat",
)


def main() -> None:
    # Plugins that are found are also rewritten, for which they must not have been loaded: here they are named.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for module in NEEDED_BY_ALL:
        importlib.import_module(module)
    if any(name.partition(".")[0] == "todo" for name in sys.modules):
        sys.exit("The package itself was loaded, and its copies could not take its place.")
    waiting: list[Mutant | Generated] = [UNTOUCHED, *MUTANTS]
    if sys.argv[1:] == ["generated"]:
        its_tests = tuple(sorted({test for tests in TARGETS.values() for test in tests}))
        waiting = [UNTOUCHED._replace(tests=its_tests), *generated()]
    running: dict[int, tuple[Mutant | Generated, Path]] = {}
    with tempfile.TemporaryDirectory(prefix="todo-sabotage-") as directory:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                mutant = waiting.pop(0)
                place = Path(tempfile.mkdtemp(dir=directory))
                running[_start(mutant, place)] = mutant, place
            number, status = os.wait()
            mutant, place = running.pop(number)
            result = {"name": mutant.name, "exit": os.waitstatus_to_exitcode(status), "output": _output(place)}
            print(json.dumps(result), flush=True)  # noqa: T201
            shutil.rmtree(place)


def _start(mutant: Mutant | Generated, place: Path) -> int:
    number = os.fork()
    if number == 0:
        _run(mutant, place)
    return number


def _run(mutant: Mutant | Generated, place: Path) -> NoReturn:
    """What a child does: test the copy."""
    signal.alarm(TIME_LIMIT)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    with (place / "output").open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    try:
        shutil.copytree(PACKAGE, place / "todo")
        mutant.apply(place / "todo")
        sys.path.insert(0, str(place))
        os.environ["PYTHONPATH"] = str(place)  # the installed command, where a test starts it, is the changed one too
        code = int(pytest.main([*OPTIONS, *mutant.tests]))
        if Path(sys.modules["todo"].__file__ or "").parent != place / "todo":
            code = -1
    except BaseException as error:  # noqa: BLE001  # a child must never go on as if it were the parent
        print(repr(error))  # noqa: T201
        code = -1
    sys.stdout.flush()
    os._exit(code & 0xFF)


def _output(place: Path) -> str:
    return (place / "output").read_text(errors="replace")


if __name__ == "__main__":
    main()
