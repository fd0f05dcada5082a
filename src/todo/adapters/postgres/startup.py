"""What a URL wants to be set from the start of a session, and whether there is a session to set it in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from asyncpg import ProtocolViolationError

from todo.adapters.postgres.flaws import DatabaseUrlError

if TYPE_CHECKING:
    from collections.abc import Mapping

Pooler = Literal["auto", "transaction", "none"]
"""Whether transactions may each come to another session of the server: `auto` finds out."""

_SETTING: Final = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.]*)=(\S*)")


def is_known_pooler(arguments: Mapping[str, Any]) -> bool:
    """Whether these arguments for `asyncpg.connect` name a transaction pooler, as far as a name tells.

    Neon's have `-pooler` in their first label, Fly's are called `pgbouncer`; Supabase's listen on port 6543,
    those of DigitalOcean on 25061. 6432 is the port of PgBouncer itself, and of the one that Azure offers.
    """
    host, port = str(arguments.get("host", "")), arguments.get("port")
    if host.startswith("/"):
        return False
    first, _, rest = host.partition(".")
    is_so_called = first.endswith("-pooler") or (first == "pgbouncer" and rest.endswith(".flympg.net"))
    is_there = (port == 6543 and rest.endswith((".supabase.co", ".supabase.com"))) or (
        port == 25061 and rest.endswith(".db.ondigitalocean.com")
    )
    return is_so_called or is_there or port == 6432


def split_options(options: str) -> tuple[str, dict[str, str]]:
    """What is for a proxy on the way (`endpoint=…` for Neon's), and the settings (`-c name=value`), of `options`.

    `DatabaseUrlError` if they hold anything else.
    """
    words = options.replace("\\ ", "\0")
    settings = {name.lower(): value.replace("\0", " ") for name, value in _SETTING.findall(words)}
    left = _SETTING.sub("", words).split()
    if any(word.startswith("-") or "=" not in word for word in left):
        raise DatabaseUrlError("has options that are neither -c name=value nor meant for a proxy, as endpoint=name is.")
    return " ".join(left).replace("\0", "\\ "), settings


def fit_for_pooler(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The arguments for `asyncpg.connect` that a transaction pooler takes, and the settings for each transaction.

    It is told the name of the application, and of the options only those that are meant for it.
    """
    kept = dict(arguments)
    # It is the pooler's to choose the server; asking would take a session.
    kept.pop("target_session_attrs", None)
    named = dict(kept.pop("server_settings", {}))
    for_proxy, settings = split_options(named.pop("options", ""))
    told = {"application_name": named.pop("application_name", ""), "options": for_proxy}
    return kept | {"server_settings": {name: text for name, text in told.items() if text}}, settings | named


def is_refused_setting(error: Exception) -> bool:
    """Whether this is how a pooler refuses what is set at the start of a session."""
    return isinstance(error, ProtocolViolationError) and "startup parameter" in str(error)


def setting_them(settings: Mapping[str, str]) -> str:
    """A statement that makes the settings, until the end of the transaction."""
    return "SELECT " + ", ".join(
        f"set_config({_quoted(name)}, {_quoted(text)}, true)" for name, text in settings.items()
    )


def _quoted(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
