"""The composition root: the only place that picks adapters.

Nothing is injected behind anyone's back. Providers are asked by name, and what a test puts in the place
of one goes to the constructor: `Container(settings=…, store=providers.Singleton(MemoryStore))`.
"""

from __future__ import annotations

from dependency_injector import containers, providers

from todo.adapters.argon2 import Argon2Passwords
from todo.adapters.clock import SystemClock, new_id
from todo.adapters.jose.own import OwnTokenIssuer, OwnTokenVerifier
from todo.adapters.postgres.database import Database
from todo.adapters.postgres.store import PostgresStore
from todo.application import ports
from todo.application.accounts import AccountService
from todo.application.admission import AdmissionService
from todo.application.tasks import TaskService
from todo.entrypoints.http.cursors import Cursors
from todo.entrypoints.settings import Settings


class Container(containers.DeclarativeContainer):
    """One of everything, made when it is first asked for."""

    settings = providers.Dependency(instance_of=Settings)

    clock: providers.Provider[ports.Clock] = providers.Singleton(SystemClock)
    new_id: providers.Provider[ports.NewId] = providers.Object(new_id)
    database = providers.Singleton(Database, url=settings.provided.database_url)
    store: providers.Provider[ports.Store] = providers.Singleton(PostgresStore, database)
    passwords: providers.Provider[ports.PasswordHasher] = providers.Singleton(Argon2Passwords)
    token_issuer: providers.Provider[ports.TokenIssuer] = providers.Singleton(
        OwnTokenIssuer, settings.provided.secret, clock
    )
    token_verifier: providers.Provider[ports.TokenVerifier] = providers.Singleton(
        OwnTokenVerifier, settings.provided.secret, clock
    )

    admission_service = providers.Singleton(AdmissionService, token_verifier)
    task_service = providers.Singleton(TaskService, store, clock, new_id)
    account_service = providers.Singleton(AccountService, store, clock, new_id, passwords, token_issuer)
    cursors = providers.Singleton(Cursors, settings.provided.secret)
