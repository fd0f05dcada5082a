"""What can be set from outside: `TODO_…` variables in the environment, read once.

A `.env` file is not read: what is in force is what the environment says, and nothing else.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from todo.application.ports import TrustedIssuer
from todo.entrypoints.issuers import better_auth, distinct, origin_of, parse_issuers
from todo.entrypoints.neighbours import check_redis_url, parse_proxies

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX: Final = "TODO_"
_OF_FRONTEND: Final = "better_auth_"  # read by the names that the frontend has for them, without our prefix
_SECRET_LENGTH: Final = 32
_MAKE_A_SECRET: Final = "`openssl rand -base64 48` makes one"

# Kubernetes tells every pod of a service named `todo…` where it is in variables that look like ours.
# Its TODO_PORT=tcp://10.0.0.1:80 is one of them.
_SERVICE_LINK: Final = re.compile(
    r"TODO_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?=|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=|PORT=(tcp|udp|sctp)://)"
)


class SettingsError(Exception):
    """A setting is wrong or missing. One sentence that names the variable and says what is expected."""


def _origins(value: object) -> object:
    """Origins as browsers name themselves (RFC 6454, section 6.2), from a list with commas in between."""
    if not isinstance(value, str):
        return value
    origins = tuple(origin.strip().lower() for origin in value.split(",") if origin.strip())
    if "*" in origins:
        raise ValueError(
            "must name each origin: `*` would let every web site act for whoever is logged in, and browsers refuse it"
            " together with credentials."
        )
    for origin in origins:
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#@*]+", origin):
            raise ValueError(
                f"holds {origin!r}, but an origin is scheme://host or scheme://host:port, as in https://app.example.com."
            )
    return origins


def _better_auth_url(url: str | None) -> str | None:
    if url and not origin_of(url):
        raise ValueError("must be a URL like https://app.example.com or http://localhost:3000.")
    return url


class Settings(BaseModel):
    """The settings. Secrets appear neither in its text nor in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: Annotated[str, Field(description="The address to listen on. 0.0.0.0 listens on every IPv4 address.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Field(ge=0, le=65_535, description="The TCP port to listen on. 0 takes a free one.")] = 8000
    data_dir: Annotated[
        Path,
        Field(
            description="Where the embedded PostgreSQL and the development secret are kept. Not used with a"
            " database URL and a secret of your own."
        ),
    ] = Path(".data")
    database_url: Annotated[
        str | None,
        Field(
            repr=False,
            description="The PostgreSQL database, as postgresql://user:password@host:5432/name. DATABASE_URL serves"
            " as well. Without either, a PostgreSQL server of its own is started.",
        ),
    ] = None
    jwt_secret: Annotated[
        str | None,
        Field(
            repr=False,
            min_length=_SECRET_LENGTH,
            description="What access tokens are signed with, of at least 32 characters. Required with a database URL;"
            " otherwise one is made once and kept in the data directory.",
        ),
    ] = None
    cors_origins: Annotated[
        tuple[str, ...],
        BeforeValidator(_origins),
        Field(
            description="The web origins whose pages may call the API, with commas in between:"
            " https://app.example.com,http://localhost:3000."
        ),
    ] = ()
    rate_limit: Annotated[
        Literal["on", "off"],
        BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
        Field(description="Whether log-ins, sign-ups and requests are limited against abuse: on or off."),
    ] = "on"
    rate_limit_storage: Annotated[
        str | None,
        AfterValidator(check_redis_url),
        Field(
            repr=False,
            description="A Redis or Valkey server that counts log-ins and sign-ups for all processes, as"
            " redis://:password@host:6379/0. Without it, the database counts them.",
        ),
    ] = None
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network | Literal["unix"], ...],
        BeforeValidator(parse_proxies),
        Field(
            description="The proxies whose X-Forwarded-For is believed: addresses and networks with commas in between,"
            " 127.0.0.1,10.0.0.0/8, and unix for whoever connects through a Unix socket."
        ),
    ] = ()
    issuers: Annotated[
        tuple[TrustedIssuer, ...],
        BeforeValidator(parse_issuers),
        Field(
            repr=False,
            description="Whose tokens are accepted besides our own: a JSON list of objects with issuer, audience, and"
            " either jwks_url or secret; algorithms and require_issuer if need be. See docs/better-auth.md.",
        ),
    ] = ()
    better_auth_secret: Annotated[
        str | None,
        Field(
            repr=False,
            min_length=_SECRET_LENGTH,
            description="The secret of a Better Auth frontend, whose HS256 tokens are then accepted.",
        ),
    ] = None
    better_auth_url: Annotated[
        str | None,
        AfterValidator(_better_auth_url),
        Field(description="The address of a Better Auth frontend, whose tokens are then accepted by its public keys."),
    ] = None
    trash_days: Annotated[
        int,
        Field(ge=1, le=36_500, description="For how many days the trash is kept before it is removed for good."),
    ] = 30
    workers: Annotated[int, Field(ge=1, le=256, description="How many processes serve requests.")] = 1
    log_level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
        Field(description="The least important lines to log: debug, info, warning, error or critical."),
    ] = "info"

    @property
    def limits_abuse(self) -> bool:
        """Whether there are limits at all."""
        return self.rate_limit == "on"

    @property
    def trash_kept(self) -> timedelta:
        """How long the trash is kept."""
        return timedelta(days=self.trash_days)

    @property
    def rate_limit_counter(self) -> Literal["postgres", "redis"]:
        """What counts for all processes."""
        return "redis" if self.rate_limit_storage else "postgres"

    @property
    def trusted_issuers(self) -> tuple[TrustedIssuer, ...]:
        """Whose tokens are accepted besides our own. `SettingsError` if a token could belong to two of them."""
        try:
            return distinct((*better_auth(self.better_auth_secret, self.better_auth_url), *self.issuers))
        except ValueError as error:
            raise SettingsError(f"TODO_ISSUERS, with BETTER_AUTH_SECRET and BETTER_AUTH_URL, {error}") from None

    @property
    def secret(self) -> str:
        """What tokens are signed with: `jwt_secret`, or in development the one in the data directory.

        That one is made if there is none yet. `SettingsError` if there is a database URL and no `jwt_secret`.
        """
        if self.database_url and not self.jwt_secret:
            raise SettingsError(
                f"TODO_JWT_SECRET must be set when a database URL is: {_SECRET_LENGTH} characters or more, the same for"
                f" every process and kept over restarts; {_MAKE_A_SECRET}."
            )
        return self.jwt_secret or _kept_secret(self.data_dir)


_EXPECTED: Final = {
    "host": "a host name or an IP address",
    "port": "a whole number from 0 to 65535",
    "data_dir": "a path",
    "database_url": "a URL like postgresql://user:password@host:5432/name",
    "jwt_secret": f"at least {_SECRET_LENGTH} characters long; {_MAKE_A_SECRET}",
    "cors_origins": "a list of origins with commas in between",
    "rate_limit": "on or off",
    "rate_limit_storage": "a URL like redis://:password@host:6379/0",
    "trusted_proxies": "a list of addresses and networks with commas in between",
    "issuers": "a JSON list",
    "better_auth_secret": f"at least {_SECRET_LENGTH} characters long",
    "better_auth_url": "a URL like https://app.example.com",
    "trash_days": "a whole number from 1 to 36500",
    "workers": "a whole number from 1 to 256",
    "log_level": "debug, info, warning, error or critical",
}


def variable(field: str) -> str:
    """The environment variable of a field."""
    return field.upper() if field.startswith(_OF_FRONTEND) else _PREFIX + field.upper()


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that the environment asks for. Empty variables count as not set. `SettingsError` if it is wrong.

    A `TODO_…` variable that is not a setting is an error, because a misspelt setting would otherwise be one
    that silently does nothing. Those that Kubernetes adds for a service named `todo` are passed over.
    """
    environ = os.environ if environ is None else environ
    fields = {variable(field): field for field in Settings.model_fields}
    values: dict[str, Any] = {}
    for name in sorted(environ):
        value = environ[name]
        is_ours = name in fields or name.startswith(_PREFIX)
        if not is_ours or _SERVICE_LINK.match(f"{name}={value}"):
            continue
        if name not in fields:
            near = get_close_matches(name, fields, 1)
            hint = f"is {near[0]} meant?" if near else f"these are: {', '.join(fields)}."
            raise SettingsError(f"{name} is not a setting; {hint}")
        if value.strip():
            # A password may well end in a blank; everything else was pasted with it.
            values[fields[name]] = value if name.endswith("_SECRET") else value.strip()
    if "database_url" not in values and environ.get("DATABASE_URL", "").strip():
        values["database_url"] = environ["DATABASE_URL"].strip()
    if "data_dir" in values:
        values["data_dir"] = Path(values["data_dir"]).expanduser()
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error, values)) from None
    _ = settings.trusted_issuers  # in each other's way or not
    return settings


def _sentence(error: ValidationError, values: Mapping[str, object]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field = str(first["loc"][0])
    if first["type"] == "value_error":
        return f"{variable(field)} {first['ctx']['error']}"
    shown = "" if not Settings.model_fields[field].repr else f", not {values[field]!r}"
    return f"{variable(field)} must be {_EXPECTED[field]}{shown}."


def _kept_secret(directory: Path) -> str:
    """The secret in the directory. One is made if there is none; of several processes that do so, one wins."""
    path = directory / "jwt_secret"
    try:
        if not path.exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Written aside and then linked: whoever finds the file finds all of it, and nobody's is replaced.
            draft = directory / f"jwt_secret.{secrets.token_hex(8)}"
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_urlsafe(48) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(FileExistsError):
                    path.hardlink_to(draft)
            finally:
                draft.unlink()
        secret = path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"The development secret {path} cannot be used: {error.strerror}.") from error
    if len(secret) < _SECRET_LENGTH:
        raise SettingsError(f"{path} holds no usable secret: delete it, and a new one is made.")
    return secret
