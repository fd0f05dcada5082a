"""What the application needs from outside.

The docstrings are the contract, and `tests/contracts` holds every adapter to it. Whatever the cause, an
adapter that cannot do its work now raises `UnavailableError`.
"""

from todo.application.ports.accounts import PasswordHasher, UserDirectory, UserRepository
from todo.application.ports.archive import Archive
from todo.application.ports.feed import NO_HORIZON, START, Changes, TaskFeed
from todo.application.ports.identities import Identity, IdentityDirectory, IdentityRepository, Subject
from todo.application.ports.limits import Hits, RateLimit, RateLimiter
from todo.application.ports.machine import Clock, NewId
from todo.application.ports.receipts import KeptReceipt, Once, Outcome, Receipt, ReceiptDirectory, ReceiptRepository
from todo.application.ports.sessions import RefreshToken, RefreshTokens, SessionDirectory, SessionRepository
from todo.application.ports.store import Store, UnitOfWork
from todo.application.ports.tasks import TaskReader, TaskRepository
from todo.application.ports.tokens import OWN_ISSUER, AccessToken, Claims, TokenIssuer, TokenVerifier, TrustedIssuer
from todo.application.ports.trash import TrashDirectory

__all__ = [
    "NO_HORIZON",
    "OWN_ISSUER",
    "START",
    "AccessToken",
    "Archive",
    "Changes",
    "Claims",
    "Clock",
    "Hits",
    "Identity",
    "IdentityDirectory",
    "IdentityRepository",
    "KeptReceipt",
    "NewId",
    "Once",
    "Outcome",
    "PasswordHasher",
    "RateLimit",
    "RateLimiter",
    "Receipt",
    "ReceiptDirectory",
    "ReceiptRepository",
    "RefreshToken",
    "RefreshTokens",
    "SessionDirectory",
    "SessionRepository",
    "Store",
    "Subject",
    "TaskFeed",
    "TaskReader",
    "TaskRepository",
    "TokenIssuer",
    "TokenVerifier",
    "TrashDirectory",
    "TrustedIssuer",
    "UnitOfWork",
    "UserDirectory",
    "UserRepository",
]
