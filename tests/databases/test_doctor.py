"""`todo doctor` before a pooler, a password and a certificate that are not as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.databases.debian import needs_pgbouncer
from todo.adapters.postgres.checkup import examine

if TYPE_CHECKING:
    from tests.databases.pgbouncer import Bouncer
    from todo.adapters.postgres.startup import Pooler

pytestmark = needs_pgbouncer


async def found(url: str, pooler: Pooler = "auto") -> dict[str, str]:
    """Level by code."""
    return {finding.code: finding.level async for finding in examine(url, pooler=pooler, processes=1)}


async def test_a_pooler_that_is_declared_is_as_it_should_be(database_url: str, bouncer: Bouncer) -> None:
    there = await found(bouncer.url(database_url, hints=False), "transaction")
    assert "problem" not in there.values()
    assert there["pooler_as_declared"] == there["row_security"] == there["database_encrypted"] == "ok"


async def test_a_pooler_that_nobody_told_us_about(database_url: str, bouncer: Bouncer) -> None:
    assert (await found(bouncer.url(database_url, hints=False)))["pooler_not_declared"] == "warning"
    assert (await found(bouncer.url(database_url, hints=False), "none"))["pooler_not_declared"] == "problem"


async def test_a_wrong_password(database_url: str, bouncer: Bouncer) -> None:
    url = bouncer.url(database_url).replace("@", "%20@", 1)
    assert await found(url) == {"database_login_refused": "problem"}


async def test_a_certificate_that_nobody_vouches_for(database_url: str, bouncer: Bouncer) -> None:
    url = bouncer.url(database_url, "sslmode=verify-full")
    assert await found(url) == {"database_tls_failed": "problem"}
