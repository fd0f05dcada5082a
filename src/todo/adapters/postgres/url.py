"""Database URLs as people paste them, turned into what asyncpg understands.

No error in here repeats any part of a URL that could hold a password.
"""

from __future__ import annotations

import ssl
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

_SCHEMES: Final = ("postgres", "postgresql", "postgresql+asyncpg")
_PORT: Final = 5432
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_BINDINGS: Final = ("disable", "prefer", "require")
_NEGOTIATIONS: Final = ("postgres", "direct")


class DatabaseUrlError(ValueError):
    """The database URL cannot be used. One sentence, without the password."""

    def __init__(self, flaw: str) -> None:
        super().__init__(f"The database URL {flaw}")


def connect_arguments(url: str) -> dict[str, Any]:
    """Keyword arguments for `asyncpg.connect`, read from a URL as libpq, Neon or SQLAlchemy write it.

    The meaning of each parameter is libpq's, with two differences. Verifying modes without `sslrootcert`
    (or with `sslrootcert=system`) trust the authorities that this machine trusts. `channel_binding` is
    accepted and changes nothing: asyncpg cannot do it, and Neon puts it into every URL it hands out.

    What the URL leaves out is left out here too, except for the port (5432) and TLS: neither follows the
    environment. `timeout` is in seconds. `DatabaseUrlError` for anything that is not understood.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES or not rest:
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
    return _arguments({name: value for name, value in named.items() if value} | dict(query))


def is_pooler(url: str) -> bool:
    """Whether the host is one that hands each transaction to another session, as far as its name tells.

    Neon's poolers have `-pooler` in the first label; Supabase's listen on port 6543. Behind one of them a
    prepared statement or a setting does not outlive its transaction.
    """
    arguments = connect_arguments(url)
    host = str(arguments.get("host", ""))
    is_neon = host.partition(".")[0].endswith("-pooler") and not host.startswith("/")
    return is_neon or (host.endswith((".supabase.co", ".supabase.com")) and arguments["port"] == 6543)


def place(url: str) -> str:
    """Where the database is, for people to read: without the user and the password."""
    arguments = connect_arguments(url)
    host, port = arguments.get("host", "localhost"), arguments["port"]
    return f"{f'[{host}]' if ':' in host else host}:{port}/{arguments.get('database', '')}".rstrip("/")


def _arguments(named: dict[str, str]) -> dict[str, Any]:
    rest = dict(named)

    def take(*names: str) -> dict[str, str]:
        return {name: rest.pop(name) for name in names if name in rest}

    arguments: dict[str, Any] = {"port": _PORT} | take("host", "port", "user", "password", "target_session_attrs")
    arguments["port"] = _whole_number("port", str(arguments["port"]), 65_535)
    if "," in arguments.get("host", ""):
        raise DatabaseUrlError("names several hosts; name one.")
    for name in take("dbname"):
        arguments["database"] = named[name]
    for name in take("connect_timeout"):
        # To libpq, zero is for ever.
        arguments["timeout"] = _whole_number(name, named[name], 86_400) or None
    for name in take("channel_binding"):
        _one_of(name, named[name], _BINDINGS)
    if settings := take("application_name", "options"):
        arguments["server_settings"] = settings
    arguments |= _encryption(
        take("sslmode", "ssl", "sslrootcert", "sslcert", "sslkey", "sslnegotiation"),
        is_local=arguments.get("host", "").startswith("/"),
    )
    for name in rest:
        raise DatabaseUrlError(f"has a parameter that is not known here: {name!r}.")
    return arguments


def _encryption(named: dict[str, str], *, is_local: bool) -> dict[str, Any]:
    mode = _one_of("sslmode", named.get("sslmode", named.get("ssl", "prefer")), _SSL_MODES)
    direct = _one_of("sslnegotiation", named.get("sslnegotiation", "postgres"), _NEGOTIATIONS) == "direct"
    if is_local or mode == "disable":
        return {"ssl": False}
    if mode in {"allow", "prefer"}:
        if direct:
            raise DatabaseUrlError("asks for sslnegotiation=direct, which needs sslmode=require or stricter.")
        return {"ssl": mode}
    return {"ssl": _context(mode, named)} | ({"direct_tls": True} if direct else {})


def _context(mode: str, named: dict[str, str]) -> ssl.SSLContext:
    """Made once here: given a mode, asyncpg would make one anew for every connection."""
    authorities = named.get("sslrootcert")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = mode == "verify-full" or authorities == "system"
    if mode == "require" and not authorities:
        context.verify_mode = ssl.CERT_NONE
    problem = "names a certificate or key file (sslrootcert, sslcert, sslkey) that cannot be used."
    try:
        if authorities and authorities != "system":
            context.load_verify_locations(cafile=authorities)
        else:
            context.load_default_certs()
        if "sslcert" in named:
            context.load_cert_chain(named["sslcert"], named.get("sslkey"), password="")
    except (OSError, ValueError):
        raise DatabaseUrlError(problem) from None
    return context


def _whole_number(name: str, text: str, highest: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= highest):
        raise DatabaseUrlError(f"has a {name} that is not a whole number from 0 to {highest}.")
    return int(text)


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise DatabaseUrlError(f"has a {name} that is none of {', '.join(allowed)}.")
    return text
