"""What a service is told from outside: environment variables `MOTCUA_…`, nested by `__`; secrets only from files.

A service composes the pieces below in its own `settings.py`. Nothing is guessed for a secret: `load_settings` refuses
to start and names every problem at once.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.jwks import UnusableKeys, parse_keys

ENV_PREFIX = "MOTCUA_"
CONFIGURATION_ERROR = os.EX_CONFIG
"""Exit code 78 of sysexits.h: the process was not configured as it must be."""


class Profile(StrEnum):
    """How strict the start is. Production is the default, so that nobody gets development's freedom by omission."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


def _holds_something(path: Path) -> Path:
    try:
        empty = not path.read_bytes().strip()
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        raise ValueError(message) from error
    if empty:
        raise ValueError("the file is empty")
    return path


def _networks(proxies: str) -> str:
    for each in filter(None, proxies.split(",")):
        ipaddress.ip_network(each.strip())
    return proxies


SecretFile = Annotated[Path, AfterValidator(_holds_something)]
"""Path of a readable file that is not empty; its content is read by whoever needs it and never kept here."""

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=600)]


class Piece(BaseModel):
    """What every group of settings shares: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DatabaseSettings(Piece):
    """Where PostgreSQL is and as whom the service comes."""

    host: str
    port: Port = 5432
    name: str = "motcua"
    user: str
    password_file: SecretFile


class KafkaSettings(Piece):
    """Where the brokers are: `host:port`, several by commas; and as whom we come (SCRAM-SHA-512).

    Without a user nobody logs in, which a broker of development may allow. `instance` names a process among those of
    its service: who comes under the name of one that died goes on at once where that one was, in the group and with the
    relay's lease, instead of when both have given it up (10 s). Two at a time must not have it.
    """

    bootstrap_servers: str
    user: Annotated[str, Field(min_length=1)] | None = None
    password_file: SecretFile | None = None
    instance: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")] | None = None

    @model_validator(mode="after")
    def _a_login_is_whole(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together")
        return self


class HttpSettings(Piece):
    """Where the service listens; loopback unless told otherwise.

    `proxies`: addresses or networks (CIDR), by commas, whose `X-Forwarded-For` names the client; nobody's unless told.
    """

    host: str = "127.0.0.1"
    port: Port
    proxies: Annotated[str, AfterValidator(_networks)] = ""


class LimitSettings(Piece):
    """What one process takes in from its callers; what is more is refused, and everybody else is served."""

    body_bytes: Annotated[int, Field(ge=1024, le=16 * 1024 * 1024)] = 256 * 1024
    """Of one body: 413."""
    head_bytes: Annotated[int, Field(ge=1024, le=1024 * 1024)] = 16 * 1024
    """Of one request line with its header fields: 431. A bearer token has 4 KiB at most."""
    unfinished_bytes: Annotated[int, Field(ge=1)] = 32 * 1024 * 1024
    """Of all requests together that have not come whole: who holds most of them is refused (503)."""
    json_depth: Annotated[int, Field(ge=4, le=200)] = 20
    """How deep arrays and objects stand in each other: 422."""
    connections: Annotated[int, Field(ge=2)] = 800
    """Open at once. For one more, the one that has waited longest for its client is closed."""
    requests: Annotated[int, Field(ge=1)] = 256
    """At work at once: 503."""
    client_requests: Annotated[int, Field(ge=1)] = 64
    """At work at once, of one client: 429. Several clients fit into `requests`, so that none is alone."""
    head_seconds: Seconds = 10.0
    """Until a head has come whole: 408."""
    body_seconds: Seconds = 10.0
    """From there until the body has: 408."""
    request_seconds: Seconds = 30.0
    """From there until the answer begins: 503. As long again until it is read."""
    idle_seconds: Annotated[int, Field(ge=1, le=600)] = 5
    """Until a kept connection brings its next request; clients let go of theirs earlier."""
    token_requests: Annotated[int, Field(ge=1)] = 500
    """A second, of one bearer token that is believed: 429. Several officers share their office's."""
    address_requests: Annotated[int, Field(ge=1)] = 200
    """A second, of one address (IPv6: of one /64) without such a token: 429."""
    guesses: Annotated[int, Field(ge=1)] = 10
    """A minute, of one address at tracking secrets: 429. Who is right is not counted."""

    @property
    def whole_bytes(self) -> int:
        """How long a request may be on the wire: a piece of one byte of a chunked body takes six there."""
        return self.head_bytes + 8 * self.body_bytes

    @model_validator(mode="after")
    def _limits_leave_room_for_each_other(self) -> Self:
        if self.requests >= self.connections:
            raise ValueError("requests must be fewer than connections, so that one is left to be refused on")
        if self.unfinished_bytes < self.whole_bytes:
            raise ValueError("unfinished_bytes must hold one request, head_bytes and eight times body_bytes")
        return self


def _holds_keys(path: Path) -> Path:
    parse_keys(path.read_bytes(), symmetric=True)
    return path


KeySetFile = Annotated[SecretFile, AfterValidator(_holds_keys)]
"""Path of a JWK set (RFC 7517) with keys that can verify tokens."""


class TokenSettings(Piece):
    """Which bearer tokens are believed: keys, issuer, audience (RFC 7519). Changes of the file are followed."""

    jwks_file: KeySetFile
    issuer: str = "motcua"
    audience: str = "motcua"


class ClockSettings(Piece):
    """The file of the scenario clock; without it the legal clock is the system's."""

    scenario_file: Path | None = None


class KeyringSettings(Piece):
    """The key-encryption key: 32 bytes in base64."""

    key_file: SecretFile


class LogSettings(Piece):
    """From which level on a service speaks."""

    level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"


FROM_ENVIRONMENT = SettingsConfigDict(
    env_prefix=ENV_PREFIX,
    env_nested_delimiter="__",
    extra="ignore",
    frozen=True,
    hide_input_in_errors=True,
    nested_model_default_partial_update=True,
)


class ServiceSettings(BaseSettings):
    """What every service needs."""

    model_config = FROM_ENVIRONMENT

    profile: Profile = Profile.PRODUCTION
    database: DatabaseSettings
    kafka: KafkaSettings
    http: HttpSettings
    limits: LimitSettings = LimitSettings()
    tokens: TokenSettings
    clock: ClockSettings = ClockSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.profile is not Profile.PRODUCTION:
            return self
        faults = []
        if self.kafka.user is None:
            faults.append(f"{ENV_PREFIX}KAFKA__USER: a production profile logs in to Kafka")
        if self.clock.scenario_file is not None:
            faults.append(f"{ENV_PREFIX}CLOCK__SCENARIO_FILE: a production profile runs on the system's clock")
        try:
            parse_keys(self.tokens.jwks_file.read_bytes(), symmetric=False)
        except UnusableKeys as fault:
            faults.append(f"{ENV_PREFIX}TOKENS__JWKS_FILE: {fault}")
        if faults:
            raise ValueError("; ".join(faults))
        return self


Loaded = TypeVar("Loaded", bound=BaseSettings)


def load_settings(settings: type[Loaded]) -> Loaded:
    """Read the environment; on any problem print all of them to stderr and leave with exit code 78."""
    try:
        return settings()
    except ValidationError as error:
        refuse_to_start(problems(settings, error))


def refuse_to_start(found: list[str]) -> NoReturn:
    """Print every problem of the configuration and leave with exit code 78."""
    lines = "\n".join(f"  - {problem}" for problem in found)
    sys.stderr.write(f"The configuration has {len(found)} problem(s):\n{lines}\n")
    raise SystemExit(CONFIGURATION_ERROR)


def problems(settings: type[BaseSettings], error: ValidationError) -> list[str]:
    """List every problem as `MOTCUA_NAME: what is wrong`, without the value that was given."""
    return [line for item in error.errors(include_input=False, include_url=False) for line in _lines(settings, item)]


def _lines(settings: type[BaseSettings], item: Any) -> Iterator[str]:
    path = [str(part) for part in item["loc"]]
    if item["type"] == "missing":
        for missing in _required(settings, path):
            yield f"{_variable(missing)}: is not set"
    elif path:
        yield f"{_variable(path)}: {item['msg']}"
    else:
        yield from item["msg"].removeprefix("Value error, ").split("; ")


def _required(settings: type[BaseModel], path: list[str]) -> Iterator[list[str]]:
    """Name the variables behind a missing field: a missing group stands for each of its required members."""
    field: FieldInfo | None = settings.model_fields.get(path[0])
    group = field.annotation if field is not None else None
    if not (isinstance(group, type) and issubclass(group, BaseModel)):
        yield path
    elif len(path) > 1:
        yield from ([path[0], *rest] for rest in _required(group, path[1:]))
    else:
        yield from ([path[0], name] for name, member in group.model_fields.items() if member.is_required())


def _variable(path: list[str]) -> str:
    return ENV_PREFIX + "__".join(path).upper()
