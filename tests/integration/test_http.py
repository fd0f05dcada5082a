"""The HTTP contract on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers import postgres_container
from tests.http import (
    accounts,
    anything,
    batches,
    bodies,
    changes,
    fields,
    headers,
    list_filters,
    lists,
    preconditions,
    races,
    repeats,
    routes,
    sessions,
    tasks,
    tokens,
    trash,
)
from tests.http.service import ORIGIN, Service, running, suites

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="module")
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(postgres_container(database_url, cors_origins=(ORIGIN,))) as service:
        yield service


def test_no_suite_is_left_out() -> None:
    assert {base for one in globals().values() if isinstance(one, type) for base in one.__bases__} >= suites()


class TestMaking(tasks.Making): ...


class TestMakingWithAnId(tasks.MakingWithAnId): ...


class TestChanging(tasks.Changing): ...


class TestCompleting(tasks.Completing): ...


class TestDeleting(tasks.Deleting): ...


class TestTitles(fields.Titles): ...


class TestDescriptions(fields.Descriptions): ...


class TestTags(fields.Tags): ...


class TestPriorities(fields.Priorities): ...


class TestDues(fields.Dues): ...


class TestCharacters(fields.Characters): ...


class TestTypes(fields.Types): ...


class TestMalformedBodies(bodies.MalformedBodies): ...


class TestEmptyBodies(bodies.EmptyBodies): ...


class TestMediaTypes(bodies.MediaTypes): ...


class TestSizes(bodies.Sizes): ...


class TestWritingIfUnchanged(preconditions.WritingIfUnchanged): ...


class TestReadingIfChanged(preconditions.ReadingIfChanged): ...


class TestLists(lists.Lists): ...


class TestPages(lists.Pages): ...


class TestParameters(lists.Parameters): ...


class TestTamperedCursors(lists.TamperedCursors): ...


class TestEveryRoute(routes.EveryRoute): ...


class TestElsewhere(routes.Elsewhere): ...


class TestRegistering(accounts.Registering): ...


class TestLoggingIn(accounts.LoggingIn): ...


class TestTokens(tokens.Tokens): ...


class TestRequestIds(headers.RequestIds): ...


class TestCaching(headers.Caching): ...


class TestOtherOrigins(headers.OtherOrigins): ...


class TestRaces(races.Races): ...


class TestAnything(anything.Anything): ...


class TestRefreshing(sessions.Refreshing): ...


class TestLoggingOut(sessions.LoggingOut): ...


class TestSessions(sessions.Sessions): ...


class TestChangingOneself(sessions.ChangingOneself): ...


class TestLeaving(sessions.Leaving): ...


class TestExporting(sessions.Exporting): ...


class TestOAuth(sessions.OAuth): ...


class TestFilters(list_filters.Filters): ...


class TestRefusedParameters(list_filters.RefusedParameters): ...


class TestCursorsOfOtherLists(list_filters.CursorsOfOtherLists): ...


class TestUnchangedLists(list_filters.UnchangedLists): ...


class TestStats(list_filters.Stats): ...


class TestTrash(trash.Trash): ...


class TestRepeating(repeats.Repeating): ...


class TestNotRepeating(repeats.NotRepeating): ...


class TestBatches(batches.Batches): ...


class TestFeeding(changes.Feeding): ...
