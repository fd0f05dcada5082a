"""A database that is written to a file and made again from it is the same database, and goes on where it was."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.builders import NOON, a_session, a_task, keep, keep_change, keep_session, sign_up
from tests.contracts.receipts import ONCE, add, found
from tests.integration.servers import connected, elsewhere, new_database, new_login
from tests.integration.test_migrations import CATALOG
from todo.adapters.postgres import migrate as migrations
from todo.adapters.postgres.backup import BackupError, back_up, examine, restore
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.migrate import MigrationError, migrate
from todo.adapters.postgres.store import PostgresStore
from todo.adapters.postgres.tables import metadata
from todo.application.ports import START, Outcome
from todo.domain.errors import CursorExpiredError, NotFoundError
from todo.domain.values import Revision, Title
from todo.entrypoints import cli

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from todo.domain.user import User

SECURITY = {
    "row security": """
        SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        """,
    "policies": "SELECT tablename, policyname, cmd, roles, qual, with_check FROM pg_policies",
    "rights": """
        SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = 'todo_app'
        """,
    "right to the schema": "SELECT has_schema_privilege('todo_app', 'public', 'USAGE')",
}


async def everything(url: str, queries: dict[str, str]) -> dict[str, list[str]]:
    async with connected(url) as admin:
        return {name: sorted(map(repr, await admin.fetch(query))) for name, query in queries.items()}


async def rows(url: str, *, as_restored: bool = True) -> dict[str, list[str]]:
    kept = [table.name for table in metadata.sorted_tables if table.name != "rate_limits"]  # worth nothing later
    queries = {table: f"SELECT * FROM {table}" for table in kept}  # noqa: S608
    if as_restored:
        raised = "'revision', 'purged_revision'"
        queries["users"] = f"SELECT (to_jsonb(users) - ARRAY[{raised}])::text FROM users"  # noqa: S608
    return await everything(url, queries)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(Database(url, size=2))
    yield store
    await store.close()


async def live(url: str) -> User:
    """A person who leaves a trace in every table, and a second one beside them."""
    async with opened(url) as store:
        user = await sign_up(store)
        for title in ("open", "changed", "in the trash", "purged"):
            await keep(store, a_task(user.id, title=Title(title)))
        changed, trashed, purged = [
            task for task in await store.archive.tasks(user.id, None, 9) if task.title != "open"
        ]
        await keep_change(store, changed.toggled(NOON))
        for task in (trashed, purged):
            await keep_change(store, task.deleted(NOON))
        async with store.unit_of_work(user.id) as work:
            await work.tasks.purge(purged.id)
            await work.commit()
        await keep_session(store, a_session(user.id))
        await add(store, user.id, ONCE, Outcome((changed,)))
        other = await sign_up(store)
        await keep(store, a_task(other.id, title=Title("Line\none\ttab \\N \\. 'quote' 😀")))
        await store.identities.provision(
            "https://issuer.example", "them", issued_at=NOON, fresh_id=other.id, now=NOON + timedelta(seconds=1)
        )
        return user


async def kept(url: str, path: Path) -> Path:
    await asyncio.to_thread(back_up, url, path)
    return path


async def made_again(url: str, path: Path, *, replace: bool = False) -> None:
    await asyncio.to_thread(lambda: restore(url, examine(path), replace=replace))


@pytest.fixture(scope="module")
async def lived_in(server_url: str) -> AsyncIterator[tuple[str, User]]:
    async with new_database(server_url) as url:
        await migrate(url)
        yield url, await live(url)


@pytest.fixture(scope="module")
async def archive(lived_in: tuple[str, User], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await kept(lived_in[0], tmp_path_factory.mktemp("backup") / "file")


@pytest.fixture
async def empty(server_url: str) -> AsyncIterator[str]:
    async with new_database(server_url) as url:
        yield url


async def test_what_comes_back_is_what_was_there(lived_in: tuple[str, User], archive: Path, empty: str) -> None:
    await made_again(empty, archive)
    before = await rows(lived_in[0])
    assert all(before.values()), "a table was empty from the start"
    assert await rows(empty) == before
    assert await everything(empty, CATALOG) == await everything(lived_in[0], CATALOG)


async def test_what_comes_back_is_guarded_as_it_was(lived_in: tuple[str, User], archive: Path, empty: str) -> None:
    await made_again(empty, archive)
    guarded = await everything(empty, SECURITY)
    assert guarded == await everything(lived_in[0], SECURITY)
    assert "<Record relname='tasks' relrowsecurity=True relforcerowsecurity=True>" in guarded["row security"]


async def test_the_service_goes_on_where_it_was(lived_in: tuple[str, User], archive: Path, empty: str) -> None:
    await made_again(empty, archive)
    await migrate(empty)
    url, user = lived_in
    async with opened(url) as store:
        changes = (await store.feed.changes(user.id, START, 9)).tasks
    async with opened(empty) as store:
        await store.check()
        seen = await store.feed.changes(user.id, START, 2)
        rest = await store.feed.changes(user.id, seen.until, 9, seen.horizon)
        assert [*seen.tasks, *rest.tasks] == changes
        added = await keep(store, a_task(user.id))
        assert added.revision == rest.until + 1
        assert (await store.feed.changes(user.id, rest.until, 9, rest.horizon)).tasks == [added]
        assert await found(store, user.id)
        assert len(await store.sessions.of(user.id)) == 1
        with pytest.raises(NotFoundError):
            await store.tasks.get(user.id, a_task().id)


async def test_who_has_seen_what_is_lost_starts_over(lived_in: tuple[str, User], archive: Path, empty: str) -> None:
    """What was written after the backup is lost, and its revisions may have been seen: none is ever given again."""
    user = lived_in[1].id
    lost: list[Revision] = []
    for _ in range(3):
        await made_again(empty, archive, replace=True)
        async with opened(empty) as store:
            for until in lost:
                with pytest.raises(CursorExpiredError):
                    await store.feed.changes(user, until, 9)
            written = [(await keep(store, a_task(user))).revision for _ in range(3)]
            assert min(written) > max(lost, default=Revision(0))
            for until in lost:
                with pytest.raises(CursorExpiredError):
                    await store.feed.changes(user, until, 9)
            lost += written


async def test_a_database_in_use_is_left_alone(lived_in: tuple[str, User], archive: Path, empty: str) -> None:
    await migrate(empty)
    async with opened(empty) as store:
        await sign_up(store)
        before = await rows(empty)
        with pytest.raises(BackupError, match=r"has accounts already: .* --force"):
            await made_again(empty, archive)
        assert await rows(empty) == before
        await made_again(empty, archive, replace=True)
        assert await rows(empty) == await rows(lived_in[0])
        assert await store.users.get(lived_in[1].id)  # by connections that were open all the time


async def test_a_schema_without_accounts_gives_way(lived_in: tuple[str, User], archive: Path, empty: str) -> None:
    await migrate(empty)
    await made_again(empty, archive)
    assert await rows(empty) == await rows(lived_in[0])


async def test_all_of_it_comes_back_or_nothing(archive: Path, empty: str, tmp_path: Path) -> None:
    await migrate(empty)
    async with opened(empty) as store:
        await sign_up(store)
    before = await rows(empty, as_restored=False)
    cut = tmp_path / "cut"
    whole = await asyncio.to_thread(archive.read_bytes)
    for length in (0, 100, len(whole) // 2, len(whole) - 100):
        cut.write_bytes(whole[:length])
        with pytest.raises(BackupError):
            await made_again(empty, cut, replace=True)
        assert await rows(empty, as_restored=False) == before, length
    async with connected(empty) as admin:
        await admin.execute("CREATE VIEW theirs AS SELECT id FROM users")
    with pytest.raises(BackupError, match=r"nothing has changed: .*other objects depend on"):
        await made_again(empty, archive, replace=True)
    assert await rows(empty, as_restored=False) == before


async def test_a_login_that_sees_nothing_backs_nothing_up(server_url: str, archive: Path, tmp_path: Path) -> None:
    async with new_login(server_url, "NOSUPERUSER NOBYPASSRLS") as login, new_database(server_url, login) as url:
        await made_again(url, archive)  # which it may, and the policies bind it afterwards
        async with connected(url) as theirs:
            assert await theirs.fetchval("SELECT count(*) FROM tasks") == 0
            assert await theirs.fetchval("SELECT count(*) FROM users") == 3
        with pytest.raises(BackupError, match="is bound by row-level security"):
            await kept(url, tmp_path / "nothing")


async def test_a_login_that_no_policy_binds_is_enough(server_url: str, archive: Path, tmp_path: Path) -> None:
    async with (
        new_login(server_url, "NOSUPERUSER BYPASSRLS CREATEROLE") as login,
        new_database(server_url, login) as url,
        new_database(server_url) as again,
    ):
        async with connected(server_url) as admin:
            # before version 16, who may make roles may grant any
            if admin.get_server_version().major >= 16:
                await admin.execute(f"GRANT todo_app TO {login} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
        await made_again(url, archive)
        await made_again(again, await kept(url, tmp_path / "file"))
        assert await rows(again) == await rows(url)
        async with opened(url) as store:
            await store.check()


async def test_no_refusal_holds_the_password(server_url: str, archive: Path, tmp_path: Path) -> None:
    parts = urlsplit(elsewhere(server_url, database="postgres"))
    url = parts._replace(netloc=f"nobody:hunter2@{parts.netloc.rpartition('@')[2]}").geturl()
    for refused in (kept(url, tmp_path / "file"), made_again(url, archive)):
        with pytest.raises(MigrationError) as refusal:
            await refused
        assert "hunter2" not in str(refusal.value)


async def test_what_is_no_backup_of_ours_is_refused(empty: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="no schema of todo"):
        await kept(empty, tmp_path / "file")
    async with connected(empty) as admin:
        await admin.execute("CREATE TABLE users (theirs int)")
    with pytest.raises(BackupError, match=r"not todo's, but have their names \(users\)"):
        await kept(empty, tmp_path / "file")


async def test_a_newer_schema_is_neither_backed_up_nor_restored(
    lived_in: tuple[str, User], server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with new_database(server_url, template=lived_in[0].rpartition("/")[2]) as url:
        with monkeypatch.context() as newer:
            newer.setattr(migrations, "_DIRECTORY", with_one_more(tmp_path))
            await migrate(url)
            path = await kept(url, tmp_path / "file")
        with pytest.raises(MigrationError, match="another version of todo"):
            await kept(url, tmp_path / "other")
        with pytest.raises(BackupError, match="by a newer version of todo"):
            examine(path)


async def test_an_older_backup_is_brought_up_to_date(
    archive: Path, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_DIRECTORY", with_one_more(tmp_path))
    monkeypatch.setenv("TODO_DATABASE_URL", empty)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(cli, "heed_termination", lambda: None)  # which only the main thread may do
    assert await asyncio.to_thread(cli.main, ["restore", str(archive)]) == 0
    async with connected(empty) as admin:
        assert await admin.fetchval("SELECT version_num FROM alembic_version") == "9000"
        assert await admin.fetchval("SELECT count(one_more) FROM users") == 3


def with_one_more(directory: Path) -> Path:
    """The migrations of a later version."""
    later = directory / "migrations"
    shutil.copytree(Path(migrations.__file__).parent / "migrations", later)
    latest = migrations.head()
    later.joinpath("versions", "9000_one_more.py").write_text(
        "from alembic import op\n"
        f'revision, down_revision = "9000", "{latest}"\n\n'
        'def upgrade() -> None:\n    op.execute("ALTER TABLE users ADD one_more int DEFAULT 1")\n'
    )
    return later
