"""Encryption of the way to the database, as URLs ask for it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

from todo.adapters.postgres.flaws import DatabaseUrlError, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

TLS_PARAMETERS: Final = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslnegotiation",
    "ssl_min_protocol_version",
)

_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OTHER_WORDS: Final = {"true": "verify-full", "false": "disable", "no-verify": "require"}
_NEGOTIATIONS: Final = ("postgres", "direct")
_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def in_words_of_libpq(named: Mapping[str, str]) -> dict[str, str]:
    """The same parameters, with `sslmode` where SQLAlchemy and JDBC have `ssl`, and node-postgres `no-verify`."""
    said = dict(named)
    mode = said.get("sslmode", said.get("ssl"))
    if mode is not None:
        said.pop("ssl", None)
        said["sslmode"] = _OTHER_WORDS.get(mode, mode)
    if mode == "no-verify":
        said.pop("sslrootcert", None)
    return said


def encryption(named: Mapping[str, str], *, is_local: bool) -> dict[str, Any]:
    """The arguments `ssl` and `direct_tls` of `asyncpg.connect`. `DatabaseUrlError` for what is not understood."""
    mode = one_of("sslmode", named.get("sslmode", "prefer"), _SSL_MODES)
    direct = one_of("sslnegotiation", named.get("sslnegotiation", "postgres"), _NEGOTIATIONS) == "direct"
    if is_local or mode == "disable":
        return {"ssl": False}
    if mode in {"allow", "prefer"}:
        if direct:
            raise DatabaseUrlError("asks for sslnegotiation=direct, which needs sslmode=require or stricter.")
        return {"ssl": mode}
    return {"ssl": _context(mode, named)} | ({"direct_tls": True} if direct else {})


def _context(mode: str, named: Mapping[str, str]) -> ssl.SSLContext:
    """Made once here: given a mode, asyncpg would make one anew for every connection."""
    authorities = named.get("sslrootcert")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lowest = one_of("ssl_min_protocol_version", named.get("ssl_min_protocol_version", "TLSv1.2"), tuple(_VERSIONS))
    context.minimum_version = _VERSIONS[lowest]
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
            # an empty password, because without one OpenSSL would ask for it at the terminal
            context.load_cert_chain(named["sslcert"], named.get("sslkey"), named.get("sslpassword", ""))
    except (OSError, ValueError):
        raise DatabaseUrlError(problem) from None
    return context
