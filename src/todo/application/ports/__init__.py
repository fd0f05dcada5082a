"""What the application needs from outside.

The docstrings are the contract, and `tests/contracts` holds every adapter to it. Whatever the cause, an
adapter that cannot do its work now raises `UnavailableError`.
"""

from todo.application.ports.accounts import PasswordHasher, UserDirectory, UserRepository
from todo.application.ports.machine import Clock, NewId
from todo.application.ports.store import Store, UnitOfWork
from todo.application.ports.tasks import TaskReader, TaskRepository
from todo.application.ports.tokens import AccessToken, Claims, TokenIssuer, TokenVerifier

__all__ = [
    "AccessToken",
    "Claims",
    "Clock",
    "NewId",
    "PasswordHasher",
    "Store",
    "TaskReader",
    "TaskRepository",
    "TokenIssuer",
    "TokenVerifier",
    "UnitOfWork",
    "UserDirectory",
    "UserRepository",
]
