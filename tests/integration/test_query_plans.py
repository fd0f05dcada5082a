"""How PostgreSQL finds tasks: always by a range of an index under the owner, however many others there are."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.servers import connected, new_database
from todo.adapters.postgres import task_stats
from todo.adapters.postgres.connector import Connector
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.migrate import migrate
from todo.adapters.postgres.task_lists import Shape, page_statement, read_page, shape_of, values_of
from todo.application.queries import Sort, TaskQuery
from todo.domain.values import UserId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import asyncpg
    from asyncpg import Record

    from todo.adapters.postgres.statements import Statement

OWNER = UserId("u7")
SPREADS = {"many owners": (200, 150, 150), "an owner of nearly everything": (7, 4, 1500)}
"""Owners, tasks of each, and tasks of the owner that is looked at."""


def _fill(owners: int, each: int, own: int) -> str:
    return f"""
INSERT INTO users (id, created_at, revision) SELECT 'u' || owner, now(), {own}
    FROM generate_series(1, {owners}) AS owner;
INSERT INTO tasks (owner_id, id, title, completed_at, priority, tags, tag_keys, due_on, due_at, created_at, updated_at,
        deleted_at, revision, search, signature)
    SELECT 'u' || owner, gen_random_uuid(), title, CASE WHEN n % 3 = 0 THEN now() END,
        (ARRAY[0, 1, 3, 5, 9])[1 + n % 5], ARRAY['home'], ARRAY['home'],
        CASE WHEN n % 4 = 0 THEN current_date + n END, CASE WHEN n % 4 = 1 THEN now() + n * interval '1 hour' END,
        now() - n * interval '1 hour', now() - n * 7 % 50 * interval '1 hour', CASE WHEN n % 20 = 0 THEN now() END,
        n, lower(title) || E'\\n', ('x' || md5(title) || md5(title || n))::bit(256)
    FROM generate_series(1, {owners}) AS owner,
        LATERAL generate_series(1, CASE WHEN 'u' || owner = '{OWNER}' THEN {own} ELSE {each} END) AS n,
        LATERAL (SELECT 'Task ' || md5(n || ' ' || owner) AS title) AS titled
    ORDER BY n, owner;
"""  # noqa: S608


def _shapes() -> Iterator[Shape]:
    yield from (
        Shape(
            in_trash=False,
            open=is_open,
            completed=completed,
            is_filtered=is_filtered,
            sort=sort,
            descending=descending,
            goes_on=goes_on,
            goes_on_without_key=without_key,
            is_narrowed=is_narrowed,
        )
        for (is_open, completed), (is_filtered, is_narrowed), sort, descending, (
            goes_on,
            without_key,
        ) in itertools.product(
            [(True, True), (True, False), (False, True)],
            [(False, False), (True, False), (True, True)],
            [sort for sort in Sort if sort is not Sort.DELETED_AT],
            [True, False],
            [(False, False), (True, False), (True, True)],
        )
        if not without_key or sort in (Sort.DUE, Sort.PRIORITY)
    )
    for goes_on in (True, False):
        yield Shape(
            in_trash=True,
            open=True,
            completed=True,
            is_filtered=False,
            sort=Sort.DELETED_AT,
            descending=True,
            goes_on=goes_on,
            goes_on_without_key=False,
            is_narrowed=False,
        )


@pytest.fixture(scope="module", params=list(SPREADS))
async def filled_url(request: pytest.FixtureRequest, server_url: str) -> AsyncIterator[str]:
    async with new_database(server_url) as url:
        await migrate(url)
        async with connected(url) as admin:
            await admin.execute(_fill(*SPREADS[request.param]))
            await admin.execute("CHECKPOINT")  # what is not on the disk yet is not taken for visible to everyone
            await admin.execute("VACUUM tasks")
            await admin.execute("ANALYZE")
        yield url


@pytest.fixture(scope="module")
async def service(filled_url: str) -> AsyncIterator[asyncpg.Connection[Record]]:
    """The service's own connection."""
    connection = await Connector(filled_url, pooler="none").connect()
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    yield connection._driver
    await connection.close()


async def test_every_list_is_a_range_of_an_index_under_the_owner(service: asyncpg.Connection[Record]) -> None:
    for shape in _shapes():
        scans = await _scans_of_tasks(service, page_statement(shape))
        counts = shape.goes_on and (shape.is_filtered or shape.in_trash)
        assert len(scans) == (1 + counts) * (1 + shape.is_narrowed), shape
        assert all("(owner_id = " in scan for scan in scans), (shape, scans)


async def test_the_newest_open_or_completed_tasks_are_found_without_reading_the_others(
    service: asyncpg.Connection[Record],
) -> None:
    for shape in _shapes():
        if shape.open != shape.completed and shape.sort is Sort.CREATED_AT:
            condition = "(completed_at IS NULL)" if shape.open else "(completed_at IS NOT NULL)"
            scans = await _scans_of_tasks(service, page_statement(shape))
            found = [scan for scan in scans if "(id = signed" not in scan]
            assert found
            assert all(condition in scan for scan in found), (shape, scans)


async def test_what_may_hold_a_word_is_told_by_the_index_alone(service: asyncpg.Connection[Record]) -> None:
    narrowed = [shape for shape in _shapes() if shape.is_narrowed]
    assert narrowed
    for shape in narrowed:
        nodes = [node for node in await _plan(service, page_statement(shape)) if node.get("Relation Name") == "tasks"]
        for node in nodes:
            if node["Alias"].startswith("signed"):
                assert (node["Node Type"], node.get("Index Name")) == ("Index Only Scan", "tasks_newest_first_idx"), (
                    shape
                )
                assert "(signature & " in node["Filter"]
            else:
                assert (node["Node Type"], node["Index Name"]) == ("Index Scan", "tasks_pkey"), shape


async def test_stats_are_ranges_of_an_index_under_the_owner(service: asyncpg.Connection[Record]) -> None:
    scans = await _scans_of_tasks(service, task_stats.STATS)
    assert len(scans) == 2
    assert all("(owner_id = " in scan for scan in scans), scans


async def test_the_newest_come_from_their_index_in_order(service: asyncpg.Connection[Record]) -> None:
    for after in (False, True):
        shape = Shape(
            in_trash=False,
            open=True,
            completed=True,
            is_filtered=False,
            sort=Sort.CREATED_AT,
            descending=True,
            goes_on=after,
            goes_on_without_key=False,
            is_narrowed=False,
        )
        nodes = await _plan(service, page_statement(shape))
        page = [node for node in nodes if node.get("Index Name") == "tasks_newest_first_idx"]
        assert any(("ROW(created_at, id)" in node.get("Index Cond", "")) == after for node in page)
        assert "Sort" not in {node["Node Type"] for node in nodes}


@pytest.mark.parametrize("sort", [sort for sort in Sort if sort is not Sort.DELETED_AT])
async def test_a_page_deep_in_the_list_reads_no_more_than_the_first(
    service: asyncpg.Connection[Record], filled_url: str, sort: Sort
) -> None:
    database, owner = Database(filled_url), OWNER
    first = query = TaskQuery(sort=sort, limit=10)
    while page := (await read_page(database, owner, query)).next:
        query = TaskQuery(sort=sort, limit=10, after=page)
    await database.close()
    a_few = 10  # of the catalogue, now and then
    assert await _blocks_read(service, owner, query) <= await _blocks_read(service, owner, first) + a_few


async def _blocks_read(connection: asyncpg.Connection[Record], owner: UserId, query: TaskQuery) -> int:
    statement = page_statement(shape_of(query))
    arguments = statement.arguments(values_of(owner, query))
    plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.sql}", *arguments)
    whole = json.loads(plan)[0]["Plan"]
    return int(whole["Shared Hit Blocks"] + whole["Shared Read Blocks"])


async def _scans_of_tasks(connection: asyncpg.Connection[Record], statement: Statement) -> list[str]:
    """The conditions on the indexes by which tasks are found; of a scan without one, its kind."""
    nodes = await _plan(connection, statement)
    bitmaps = [node for node in nodes if node["Node Type"] == "Bitmap Index Scan"]
    scans = [node for node in nodes if node.get("Relation Name") == "tasks" and node["Node Type"] != "Bitmap Heap Scan"]
    return [node.get("Index Cond", node["Node Type"]) for node in bitmaps + scans]


async def _plan(connection: asyncpg.Connection[Record], statement: Statement) -> list[dict[str, Any]]:
    """The nodes of the plan that serves whatever the parameters are."""
    nulls = ", ".join(["NULL"] * len(statement.arguments(defaultdict(None.__class__))))
    await connection.execute(f"PREPARE planned AS {statement.sql}")
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE planned({nulls})")
    await connection.execute("DEALLOCATE planned")
    return [*_nodes(json.loads(plan)[0]["Plan"])]


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)
