"""Database URLs as people paste them, turned into what asyncpg understands.

No error in here repeats any part of a URL that could hold a password.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from todo.adapters.postgres.flaws import DatabaseUrlError, one_of, whole_number
from todo.adapters.postgres.startup import is_known_pooler, split_options
from todo.adapters.postgres.tls import TLS_PARAMETERS, encryption, in_words_of_libpq

__all__ = ["DatabaseUrlError", "connect_arguments", "is_pooler", "parameters", "place"]

_SCHEME: Final = re.compile(r"postgres(ql)?(\+(asyncpg|psycopg|psycopg2|psycopg_async|pg8000))?")
_PORT: Final = 5432
_WORDS: Final = {
    "channel_binding": ("disable", "prefer", "require"),
    "client_encoding": ("auto", "utf8", "utf-8"),
    "gssencmode": ("disable", "prefer"),
    "pgbouncer": ("true", "false"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}
"""Parameters that hold one of a few words."""
_OF_POOLS: Final = (
    "connection_limit",
    "max_client_connections",
    "pool_size",
    "pool_timeout",
    "prepared_statement_cache_size",
    "single_use_connections",
    "socket_timeout",
    "statement_cache_size",
    "supa",
)
"""What Prisma, SQLAlchemy and Vercel write for the pools and caches of other drivers. Ours has its own."""
_OF_LIBPQ: Final = (
    "fallback_application_name",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "sslcompression",
    "sslsni",
    "tcp_user_timeout",
)
"""What is as it should be without them."""


def connect_arguments(url: str) -> dict[str, Any]:
    """Keyword arguments for `asyncpg.connect`, read from a URL as libpq, Neon or SQLAlchemy write it.

    The meaning of each parameter is libpq's, with two differences. Verifying modes without `sslrootcert`
    (or with `sslrootcert=system`) trust the authorities that this machine trusts. `channel_binding` is
    accepted and changes nothing: asyncpg cannot do it, and Neon puts it into every URL it hands out. So are
    the parameters that other drivers have for their own pools.

    What the URL leaves out is left out here too, except for the port (5432) and TLS: neither follows the
    environment. `timeout` is in seconds. `DatabaseUrlError` for anything that is not understood.
    """
    return _arguments(parameters(url))


def parameters(url: str) -> dict[str, str]:
    """What the URL says, by libpq's names for it, as it stands there. `DatabaseUrlError` if it is no URL."""
    scheme, _, rest = url.partition("://")
    if not (_SCHEME.fullmatch(scheme) and rest):
        raise DatabaseUrlError("must be a URL that begins with postgresql:// or postgres://.")
    if "#" in url:
        raise DatabaseUrlError("holds a '#'; inside a user name or password it is written %23.")
    try:
        parts = urlsplit(f"postgresql://{rest}")
        if "@" in parts.query and "@" not in parts.netloc:
            raise ValueError("a '?' in the password ended the host part")
        host, port = parts.hostname, parts.port
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), errors="strict")
        named = {
            "host": unquote(host or "", errors="strict"),
            "port": str(port or ""),
            "user": unquote(parts.username or "", errors="strict"),
            "password": unquote(parts.password or "", errors="strict"),
            "dbname": unquote(parts.path.removeprefix("/"), errors="strict"),
        }
    except ValueError:
        # The message of urllib quotes the part it stumbled over, which may be half of a password.
        raise DatabaseUrlError(
            "is not a well-formed URL; in a user name or password '/' is written %2F, '?' %3F, '@' %40 and '%' %25."
        ) from None
    return in_words_of_libpq({name: value for name, value in named.items() if value} | dict(query))


def is_pooler(url: str) -> bool:
    """Whether the host is one that hands each transaction to another session, as far as the URL tells.

    Behind one of them a prepared statement or a setting does not outlive its transaction. Prisma's
    `pgbouncer=true` says so; else the names and ports of those that are known do.
    """
    named = parameters(url)
    return named.get("pgbouncer") == "true" or is_known_pooler(_arguments(named))


def place(url: str) -> str:
    """Where the database is, for people to read: without the user and the password."""
    arguments = connect_arguments(url)
    host, port = arguments.get("host", "localhost"), arguments["port"]
    return f"{f'[{host}]' if ':' in host else host}:{port}/{arguments.get('database', '')}".rstrip("/")


def _arguments(named: dict[str, str]) -> dict[str, Any]:
    rest = dict(named)

    def take(*names: str) -> dict[str, str]:
        return {name: rest.pop(name) for name in names if name in rest}

    arguments: dict[str, Any] = {"port": _PORT} | take("host", "port", "user", "password")
    arguments["port"] = whole_number("port", str(arguments["port"]), 65_535)
    if "," in arguments.get("host", ""):
        raise DatabaseUrlError("names several hosts; name one.")
    for name in take("dbname"):
        arguments["database"] = named[name]
    for name in take("connect_timeout"):
        # To libpq, zero is for ever.
        arguments["timeout"] = whole_number(name, named[name], 86_400) or None
    arguments |= {name: named[name] for name in named if name == "target_session_attrs"}
    for name in take(*_WORDS):
        one_of(name, named[name].lower(), _WORDS[name])
    if settings := _settings(take("application_name", "options", "schema")):
        arguments["server_settings"] = settings
    arguments |= encryption(take(*TLS_PARAMETERS), is_local=arguments.get("host", "").startswith("/"))
    take(*_OF_POOLS, *_OF_LIBPQ)
    for name in rest:
        raise DatabaseUrlError(f"has a parameter that is not known here: {name!r}.")
    return arguments


def _settings(named: dict[str, str]) -> dict[str, str]:
    settings = {name: text for name, text in named.items() if name != "schema"}
    split_options(settings.get("options", ""))
    if "schema" in named:  # as Prisma has it
        settings["search_path"] = '"' + named["schema"].replace('"', '""') + '"'
    return settings
