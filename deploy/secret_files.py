"""The secrets of an installation: one file each, made once and never changed by us. The keys are for development."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.faults import DeployError
from deploy.local.folder import own_folder, random_text, write_private
from deploy.provision.database import OWNER, SERVICES, SUPERUSER
from shared.tokens import new_development_keys

JWKS_SECRET, TRACKING_SECRET, KEY_SECRET = "jwks.json", "tracking-jwks.json", "keyring.key"
SMS_SECRET, RECEIPTS_SECRET, GRAFANA_SECRET = "sms.token", "receipts.token", "grafana.password"
WEBHOOK_SECRET, NOBODY_IS_TOLD = "alert_webhook_url", b"http://127.0.0.1:9/"
ADMINISTRATOR = "kafka"
"""May do everything on Kafka: the brokers themselves, provision, whoever uses Kafka's own tools. No service is he."""


class FolderUnfit(DeployError):
    """The folder cannot hold the secrets; the message says why. It is left as it was."""


def password_name(role: str) -> str:
    """Name the file of a database role's password."""
    return f"{role}.password"


def login_name(user: str) -> str:
    """Name the file of the password with which a user logs in to Kafka."""
    return password_name(user if user == ADMINISTRATOR else f"{ADMINISTRATOR}_{user}")


def _key() -> bytes:
    return base64.b64encode(secrets.token_bytes(32))


def _keys() -> bytes:
    return new_development_keys().encode()


SECRETS: Mapping[str, Callable[[], bytes]] = {
    **{password_name(role): random_text for role in (SUPERUSER, OWNER, *SERVICES)},
    **{login_name(user): random_text for user in (ADMINISTRATOR, *SERVICES)},
    JWKS_SECRET: _keys,
    TRACKING_SECRET: _keys,
    KEY_SECRET: _key,
    SMS_SECRET: random_text,
    RECEIPTS_SECRET: random_text,
}
"""The file of each secret that servers, services and sinks share, and how its content is made."""

CONTAINER_SECRETS = {**SECRETS, GRAFANA_SECRET: random_text, WEBHOOK_SECRET: lambda: NOBODY_IS_TOLD}
"""Those of an installation in containers: Grafana has an administrator, alerts go where operators want them."""


def make_missing(folder: Path, wanted: Mapping[str, Callable[[], bytes]] = SECRETS) -> list[str]:
    """Make each secret that is not there, readable by its owner alone; answer the names of the new ones."""
    missing = [name for name in wanted if not (folder / name).exists()]
    for name in missing:
        write_private(folder / name, wanted[name]())
    return missing


def make_for_containers(folder: Path) -> list[str]:
    """Make the missing secrets of an installation in containers; answer their names. Raises FolderUnfit.

    Compose mounts a secret's file as it is, and each image has a user of its own: so the files can be read by all, and
    the folder is closed to all but its owner.
    """
    try:
        foreign = [path for path in folder.iterdir() if path.name not in CONTAINER_SECRETS] if folder.exists() else []
        if foreign:
            raise FolderUnfit(f"{foreign[0]} is no secret of an installation; name a folder for the secrets alone")
        own_folder(folder, 0o700)
        made = make_missing(folder, CONTAINER_SECRETS)
        for name in CONTAINER_SECRETS:
            (folder / name).chmod(0o444)
    except OSError as error:
        raise FolderUnfit(
            f"{folder} cannot be written: {error.strerror}; make the folder around it first, as who is to own them"
        ) from error
    return made
