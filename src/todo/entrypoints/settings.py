"""What can be set from outside. Each setting is a field of `Settings`: its type, its default and its meaning.

`environment.py` reads them from the environment, and `docs/settings.md` is made from them.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from todo.application.ports import TrustedIssuer
from todo.entrypoints.expectations import Expected, SettingsError
from todo.entrypoints.issuers import better_auth, check_frontend_url, distinct, parse_issuers
from todo.entrypoints.neighbours import check_collector_url, check_redis_url, lower, parse_origins, parse_proxies
from todo.entrypoints.signing_secret import MAKE_ONE, SHORTEST, kept_secret


class Settings(BaseModel):
    """The settings. Fields with `repr=False` hold secrets: they are shown nowhere, and can be read from files."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: Annotated[
        str,
        Expected("a host name or an IP address"),
        Field(description="The address to listen on. 0.0.0.0 listens on every IPv4 address."),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Expected("a whole number from 0 to 65535"),
        Field(ge=0, le=65_535, description="The TCP port to listen on. 0 takes a free one."),
    ] = 8000
    data_dir: Annotated[
        Path,
        Expected("a path"),
        Field(
            description="Where the embedded PostgreSQL and the development secret are kept. Not used with a"
            " database URL and a secret of your own."
        ),
    ] = Path(".data")
    database_url: Annotated[
        str | None,
        Expected("a URL like postgresql://user:password@host:5432/name"),
        Field(
            repr=False,
            description="The PostgreSQL database, as postgresql://user:password@host:5432/name. DATABASE_URL serves"
            " as well. Without either, a PostgreSQL server of its own is started.",
        ),
    ] = None
    database_pooler: Annotated[
        Literal["auto", "transaction", "none"],
        BeforeValidator(lower),
        Expected("auto, transaction or none"),
        Field(
            description="Whether a pooler that shares sessions between transactions stands before the database:"
            " transaction, none, or auto to find out. See docs/databases.md."
        ),
    ] = "auto"
    jwt_secret: Annotated[
        str | None,
        Expected(f"at least {SHORTEST} characters long; {MAKE_ONE}"),
        Field(
            repr=False,
            min_length=SHORTEST,
            description="What access tokens are signed with, of at least 32 characters. Required with a database URL;"
            " otherwise one is made once and kept in the data directory.",
        ),
    ] = None
    cors_origins: Annotated[
        tuple[str, ...],
        BeforeValidator(parse_origins),
        Expected("a list of origins with commas in between"),
        Field(
            description="The web origins whose pages may call the API, with commas in between:"
            " https://app.example.com,http://localhost:3000."
        ),
    ] = ()
    rate_limit: Annotated[
        Literal["on", "off"],
        BeforeValidator(lower),
        Expected("on or off"),
        Field(description="Whether log-ins, sign-ups and requests are limited against abuse: on or off."),
    ] = "on"
    rate_limit_storage: Annotated[
        str | None,
        AfterValidator(check_redis_url),
        Expected("a URL like redis://:password@host:6379/0"),
        Field(
            repr=False,
            description="A Redis or Valkey server that counts log-ins, sign-ups and requests for all processes, as"
            " redis://:password@host:6379/0. Without it, the database counts them.",
        ),
    ] = None
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network | Literal["unix"], ...],
        BeforeValidator(parse_proxies),
        Expected("a list of addresses and networks with commas in between"),
        Field(
            description="The proxies whose X-Forwarded-For is believed: addresses and networks with commas in between,"
            " 127.0.0.1,10.0.0.0/8, and unix for whoever connects through a Unix socket."
        ),
    ] = ()
    issuers: Annotated[
        tuple[TrustedIssuer, ...],
        BeforeValidator(parse_issuers),
        Expected("a JSON list"),
        Field(
            repr=False,
            description="Whose tokens are accepted besides our own: a JSON list of objects with issuer, audience, and"
            " either jwks_url or secret; algorithms and require_issuer if need be. See docs/better-auth.md.",
        ),
    ] = ()
    better_auth_secret: Annotated[
        str | None,
        Expected(f"at least {SHORTEST} characters long"),
        Field(
            repr=False,
            min_length=SHORTEST,
            description="The secret of a Better Auth frontend, whose HS256 tokens are then accepted.",
        ),
    ] = None
    better_auth_url: Annotated[
        str | None,
        AfterValidator(check_frontend_url),
        Expected("a URL like https://app.example.com"),
        Field(description="The address of a Better Auth frontend, whose tokens are then accepted by its public keys."),
    ] = None
    trash_days: Annotated[
        int,
        Expected("a whole number from 1 to 36500"),
        Field(ge=1, le=36_500, description="For how many days the trash is kept before it is removed for good."),
    ] = 30
    workers: Annotated[
        int,
        Expected("a whole number from 1 to 256"),
        Field(ge=1, le=256, description="How many processes serve requests."),
    ] = 1
    shutdown_seconds: Annotated[
        int,
        Expected("a whole number from 1 to 3600"),
        Field(
            ge=1,
            le=3600,
            description="Told to stop, for how many seconds it may finish what is under way. Orchestrators must wait"
            " longer than that: Kubernetes waits for 30.",
        ),
    ] = 20
    metrics: Annotated[
        Literal["on", "off"],
        BeforeValidator(lower),
        Expected("on or off"),
        Field(
            description="Whether metrics are shown at /metrics, as Prometheus reads them. They hold no data of users,"
            " but whoever reaches the port can read them. See docs/observability.md."
        ),
    ] = "on"
    metrics_port: Annotated[
        int | None,
        Expected("a whole number from 0 to 65535"),
        Field(
            ge=0,
            le=65_535,
            description="A TCP port of their own for the metrics, which are then not shown on the port of the service."
            " 0 takes a free one.",
        ),
    ] = None
    metrics_host: Annotated[
        str,
        Expected("a host name or an IP address"),
        Field(description="The address that the metrics listen on, if they have a port of their own."),
    ] = "127.0.0.1"
    traces: Annotated[
        str | None,
        AfterValidator(check_collector_url),
        Expected("a URL like http://127.0.0.1:4318"),
        Field(
            description="Where traces are sent: an OpenTelemetry collector that takes OTLP over HTTP, as"
            " http://127.0.0.1:4318. Without it, nothing is traced."
        ),
    ] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        BeforeValidator(lower),
        Expected("debug, info, warning, error or critical"),
        Field(description="The least important lines to log: debug, info, warning, error or critical."),
    ] = "info"

    @property
    def limits_abuse(self) -> bool:
        """Whether there are limits at all."""
        return self.rate_limit == "on"

    @property
    def shows_metrics(self) -> bool:
        """Whether metrics are shown on the port of the service."""
        return self.metrics == "on" and self.metrics_port is None

    @property
    def gathers_numbers(self) -> bool:
        """Whether processes have to put their numbers together, for metrics to be shown."""
        return self.metrics == "on" and (self.workers > 1 or self.metrics_port is not None)

    @property
    def is_traced(self) -> bool:
        """Whether requests are traced."""
        return self.traces is not None

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
            sentence = f"TODO_ISSUERS, with BETTER_AUTH_SECRET and BETTER_AUTH_URL, {error}"
            raise SettingsError(sentence, variable="TODO_ISSUERS") from None

    @property
    def secret(self) -> str:
        """What tokens are signed with: `jwt_secret`, or in development the one in the data directory.

        That one is made if there is none yet. `SettingsError` if there is a database URL and no `jwt_secret`.
        """
        if self.database_url and not self.jwt_secret:
            raise SettingsError(
                f"TODO_JWT_SECRET must be set when a database URL is: {SHORTEST} characters or more, the same for"
                f" every process and kept over restarts; {MAKE_ONE}.",
                code="secret_missing",
                variable="TODO_JWT_SECRET",
            )
        try:
            return self.jwt_secret or kept_secret(self.data_dir)
        except ValueError as error:
            raise SettingsError(f"TODO_DATA_DIR: {error}", code="data_dir_unusable", variable="TODO_DATA_DIR") from None
