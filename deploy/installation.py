"""An installation as its operator sees it: where PostgreSQL and Kafka are, and the folder of its secrets.

`deploy.local` knows that of the stack that it runs. Elsewhere, in a container for one, the environment tells it:
MOTCUA_SECRETS, MOTCUA_DATABASE__HOST, MOTCUA_KAFKA__BOOTSTRAP_SERVERS, and what else `InstallationSettings` has.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, DirectoryPath
from pydantic_settings import BaseSettings

from deploy.faults import DeployError
from deploy.provision.database import OWNER, SERVICES, SUPERUSER
from deploy.provision.run import Target
from deploy.secret_files import ADMINISTRATOR, login_name, password_name
from shared.settings import FROM_ENVIRONMENT, KafkaSettings, Port, load_settings

DATABASE = "motcua"


class SecretMissing(DeployError):
    """A secret's file cannot be read; the message names it."""


@dataclass(frozen=True)
class Installation:
    """Where the servers are, and the folder with one file for each secret."""

    host: str
    port: int
    database: str
    bootstrap_servers: str
    secrets: Path

    def password_file(self, role: str) -> Path:
        """Name the file of a database role's password."""
        return self.secrets / password_name(role)

    def dsn(self, role: str = SUPERUSER, database: str | None = None) -> str:
        """Say where and as whom to reach a database, its own unless another is named. Raises SecretMissing."""
        password = quote(self._password(role), safe="")
        return f"postgresql://{role}:{password}@{self.host}:{self.port}/{database or self.database}"

    def kafka_login(self, user: str = ADMINISTRATOR) -> KafkaSettings:
        """Say where and as whom to reach Kafka: as the administrator, or as a service. Raises SecretMissing."""
        path = self.secrets / login_name(user)
        _read(path, f"with which {user} logs in to Kafka")
        return KafkaSettings(bootstrap_servers=self.bootstrap_servers, user=user, password_file=path)

    def target(self) -> Target:
        """Gather what provision needs. Raises SecretMissing."""
        return Target(
            server_dsn=self.dsn(database="postgres"),
            database=self.database,
            passwords={role: self._password(role) for role in (OWNER, *SERVICES)},
            kafka=self.kafka_login(),
            logins={service: self.kafka_login(service) for service in SERVICES},
        )

    def _password(self, role: str) -> str:
        return _read(self.password_file(role), f"of {role}")


def _read(path: Path, whose: str) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise SecretMissing(f"{path}, the password {whose}, cannot be read: {error.strerror}") from error


class ServerSettings(BaseModel):
    """Where PostgreSQL is. Role and password of a service may stand beside it: an operator comes as others."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    host: str
    port: Port = 5432
    name: str = DATABASE


class BrokerSettings(BaseModel):
    """Where Kafka is. Login and password of a service may stand beside it: an operator comes as others."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    bootstrap_servers: str


class InstallationSettings(BaseSettings):
    """What a command of an operator is told from outside (`MOTCUA_…`)."""

    model_config = FROM_ENVIRONMENT

    secrets: DirectoryPath
    database: ServerSettings
    kafka: BrokerSettings


def named_by_environment() -> Installation | None:
    """Read the installation that the environment names; None unless it has MOTCUA_SECRETS.

    On any problem all of them are told on stderr, and the process ends with exit code 78.
    """
    if "MOTCUA_SECRETS" not in os.environ:
        return None
    told = load_settings(InstallationSettings)
    place = told.database
    return Installation(place.host, place.port, place.name, told.kafka.bootstrap_servers, told.secrets)
