"""The service, put together for tests: real parts throughout, with cheap passwords and no limits on abuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dependency_injector import providers

from tests.builders import CHEAP_PASSWORDS
from todo.adapters.clock import SystemClock
from todo.adapters.memory.rate_limiter import MemoryRateLimiter
from todo.adapters.memory.store import MemoryStore
from todo.application.limits import AbuseLimits
from todo.entrypoints.container import Container
from todo.entrypoints.settings import Settings

if TYPE_CHECKING:
    from todo.application import ports

SECRET = "a secret for tests, which is long enough"


def no_limits(clock: ports.Clock) -> AbuseLimits:
    """For tests that do more than any person would."""
    limiter = MemoryRateLimiter(clock)
    return AbuseLimits(limiter, limiter, clock, SECRET, is_on=False)


def memory_container(clock: ports.Clock | None = None, **settings: Any) -> Container:
    """Everything in memory, and gone with the container."""
    memory: providers.Provider[ports.Store] = providers.Singleton(MemoryStore)
    limiter: providers.Provider[ports.RateLimiter] = providers.Singleton(MemoryRateLimiter, clock or SystemClock())
    return _container(settings, clock, store=memory, rate_limiter=limiter)


def postgres_container(database_url: str, clock: ports.Clock | None = None, **settings: Any) -> Container:
    """On this database, which must be migrated. Close its store after use."""
    return _container({"database_url": database_url, **settings}, clock)


def _container(settings: dict[str, Any], clock: ports.Clock | None, **parts: providers.Provider[Any]) -> Container:
    if clock:
        parts["clock"] = providers.Object(clock)
    chosen = Settings(**{"jwt_secret": SECRET, "rate_limit": "off", **settings})
    return Container(settings=providers.Object(chosen), passwords=providers.Object(CHEAP_PASSWORDS), **parts)
