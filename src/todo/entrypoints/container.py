"""The composition root: the only place that picks adapters.

Nothing is injected behind anyone's back. Providers are asked by name, and what a test puts in the place
of one goes to the constructor: `Container(settings=…, store=providers.Singleton(MemoryStore))`.
"""

from __future__ import annotations

from dependency_injector import containers, providers

from todo.adapters.argon2 import Argon2Passwords
from todo.adapters.clock import SystemClock, new_id
from todo.adapters.jose.own import OwnTokenIssuer
from todo.adapters.jose.verifier import JoseTokenVerifier
from todo.adapters.memory.rate_limiter import MemoryRateLimiter
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.rate_limiter import PostgresRateLimiter
from todo.adapters.postgres.store import PostgresStore
from todo.adapters.refresh_tokens import SealedRefreshTokens
from todo.application import ports
from todo.application.accounts import AccountService
from todo.application.admission import AdmissionService
from todo.application.feed import FeedService
from todo.application.limits import AbuseLimits
from todo.application.operators import OperatorService
from todo.application.purging import TrashPurge
from todo.application.sessions import SessionService
from todo.application.tasks import TaskService
from todo.entrypoints.http.clients import Clients
from todo.entrypoints.http.cursors import Cursors
from todo.entrypoints.metrics.tally import Tally
from todo.entrypoints.metrics.traced import TracedTally
from todo.entrypoints.process import Readiness
from todo.entrypoints.pseudonyms import Pseudonyms
from todo.entrypoints.request_log import request_log
from todo.entrypoints.settings import Settings


def _redis_rate_limiter(url: str) -> ports.RateLimiter:
    # Few need it, and it is a tenth of all that is imported.
    from todo.adapters.redis import RedisRateLimiter

    return RedisRateLimiter(url)


def _tally(is_traced: bool) -> Tally:
    return TracedTally() if is_traced else Tally()


class Container(containers.DeclarativeContainer):
    """One of everything, made when it is first asked for."""

    settings = providers.Dependency(instance_of=Settings)

    clock: providers.Provider[ports.Clock] = providers.Singleton(SystemClock)
    new_id: providers.Provider[ports.NewId] = providers.Object(new_id)
    tally = providers.Singleton(_tally, settings.provided.is_traced)
    database = providers.Singleton(
        Database,
        url=settings.provided.database_url,
        pooler=settings.provided.database_pooler,
        is_traced=settings.provided.is_traced,
        waited=tally.provided.pool_waits.add,
    )
    store: providers.Provider[ports.Store] = providers.Singleton(PostgresStore, database)
    passwords: providers.Provider[ports.PasswordHasher] = providers.Singleton(Argon2Passwords)
    token_issuer: providers.Provider[ports.TokenIssuer] = providers.Singleton(
        OwnTokenIssuer, settings.provided.secret, clock
    )
    refresh_tokens: providers.Provider[ports.RefreshTokens] = providers.Singleton(
        SealedRefreshTokens, settings.provided.secret
    )
    token_verifier: providers.Provider[ports.TokenVerifier] = providers.Singleton(
        JoseTokenVerifier,
        settings.provided.secret,
        settings.provided.trusted_issuers,
        clock,
        fetched=tally.provided.fetched_keys,
    )

    rate_limiter: providers.Provider[ports.RateLimiter] = providers.Selector(
        settings.provided.rate_limit_counter,
        postgres=providers.Singleton(PostgresRateLimiter, database, clock),
        redis=providers.Singleton(_redis_rate_limiter, settings.provided.rate_limit_storage),
    )
    abuse_limits = providers.Singleton(
        AbuseLimits,
        own=providers.Singleton(MemoryRateLimiter, clock),
        shared=rate_limiter,
        clock=clock,
        secret=settings.provided.secret,
        is_on=settings.provided.limits_abuse,
    )
    clients = providers.Singleton(Clients, settings.provided.trusted_proxies)

    admission_service = providers.Singleton(AdmissionService, token_verifier, store, clock, new_id)
    task_service = providers.Singleton(TaskService, store, clock, new_id)
    feed_service = providers.Singleton(FeedService, store, clock)
    trash_purge = providers.Singleton(TrashPurge, store, clock, settings.provided.trash_kept)
    session_service = providers.Singleton(
        SessionService, store, clock, new_id, passwords, token_issuer, refresh_tokens, abuse_limits
    )
    account_service = providers.Singleton(
        AccountService, store, clock, new_id, passwords, session_service, admission_service, abuse_limits
    )
    operator_service = providers.Singleton(OperatorService, store, clock, new_id, passwords)
    request_log = providers.Singleton(request_log, providers.Singleton(Pseudonyms, settings.provided.secret))
    cursors = providers.Singleton(Cursors, settings.provided.secret)
    readiness = providers.Singleton(Readiness)
