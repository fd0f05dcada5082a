"""Better Auth from npm, installed once and kept in pytest's cache. Where that cannot be, the run says so."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
OLDEST_NODE = 20
INSTALLING = 180
"""Seconds that npm may take."""

_REASON = pytest.StashKey[str]()


def pytest_report_collectionfinish(items: Sequence[pytest.Item]) -> str | None:
    if not any("npm_packages" in getattr(item, "fixturenames", ()) for item in items):
        return None
    reason = _no_node()
    return f"Better Auth: NOT TRIED, because {reason}" if reason else f"Better Auth: tried on Node {_node_version()}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if reason := config.stash.get(_REASON, None):
        terminalreporter.section("Better Auth was NOT tried", yellow=True)
        terminalreporter.line(f"The guide docs/better-auth.md was not run, because {reason}")


@pytest.fixture(scope="session")
def npm_packages(pytestconfig: pytest.Config) -> Path:
    """A directory with `node_modules` of exactly the versions in package.json."""
    reason = _no_node()
    if reason is None:
        package = (HERE / "package.json").read_bytes()
        directory = pytestconfig.cache.mkdir("better-auth") / sha256(package).hexdigest()[:16]
        reason = None if (directory / "installed").exists() else _install(directory, package)
        if reason is None:
            return directory
    pytestconfig.stash[_REASON] = reason
    pytest.skip(f"Better Auth was not tried, because {reason}")


def _install(directory: Path, package: bytes) -> str | None:
    """Why it could not be done."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / "package.json").write_bytes(package)
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=INSTALLING)
    except subprocess.TimeoutExpired:
        return f"npm took more than {INSTALLING} seconds."
    except subprocess.CalledProcessError as error:
        return f"npm could not install it (exit status {error.returncode})."
    (directory / "installed").touch()
    return None


def _no_node() -> str | None:
    """Why there is no Node that would do."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "there is no Node, or no npm, on the PATH."
    version = _node_version()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        return f"Node {version} is older than {OLDEST_NODE}."
    return None


def _node_version() -> str:
    command = [str(shutil.which("node")), "--version"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()
