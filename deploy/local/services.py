"""The four services and the sinks as supervised parts, with the environment each of them gets."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from deploy.installation import DATABASE
from deploy.local.folder import Folder
from deploy.local.parts import Part, refuses_connections
from deploy.local.ports import Ports
from deploy.local.processes import Launch
from deploy.provision import database
from deploy.secret_files import (
    JWKS_SECRET,
    KEY_SECRET,
    RECEIPTS_SECRET,
    SMS_SECRET,
    TRACKING_SECRET,
    login_name,
    password_name,
)
from shared.http.wire import ConnectionLost, Wire
from shared.tokens import issue_token

SERVICES = database.SERVICES
MOST_REPLICAS = 2
"""How many processes of each service there may be: each listens on a port of its own."""
ISSUER = "motcua"
AUDIENCE = "motcua"
_KEY_READERS = {"intake", "notification"}
PASSED_ON = (
    *("MOTCUA_BOARD__", "MOTCUA_LIMITS__", "MOTCUA_LOG__", "MOTCUA_NOTICES__"),
    *("MOTCUA_HTTP__PROXIES", "MOTCUA_TRACKING__TOKEN_SECONDS"),
)
"""Settings that the caller's environment may change; all others are the stack's own."""
TODAYS_BOARD = "H56.90"
"""Whose figures the board shows by today's clock: the province's, for the measuring case's district ended in 2025."""


@dataclass(frozen=True)
class Setting:
    """What every part of one stack shares. `scenario` is the file of the scenario clock, None for the system's."""

    folder: Folder
    ports: Ports
    scenario: Path | None = None
    log_level: str = "info"


def replicas_of(service: str, replicas: int) -> tuple[str, ...]:
    """Name the parts that are processes of one service: `intake`, `intake_2`."""
    return (service, *(f"{service}_{number}" for number in range(2, replicas + 1)))


def service_of(part: str) -> str:
    """Name the service of which a part is a process; a part that is none is named as it is."""
    service = part.partition("_")[0]
    return service if service in SERVICES else part


def token(secrets: Path, *, role: str, agency: str = "", subject: str = "developer", seconds: int = 8 * 3600) -> str:
    """Issue a bearer token that is believed by the services to whom the secrets of this folder belong."""
    return issue_token(
        secrets / JWKS_SECRET,
        subject=subject,
        role=role,
        agency=agency,
        seconds=seconds,
        issuer=ISSUER,
        audience=AUDIENCE,
    )


def environment(setting: Setting, part: str) -> dict[str, str]:
    """Make the whole environment of one replica: ours, and of the caller's only what is `PASSED_ON`."""
    folder, ports, service = setting.folder, setting.ports, service_of(part)
    settings = {
        "MOTCUA_PROFILE": "development",
        "MOTCUA_LOG__LEVEL": setting.log_level,
        "MOTCUA_DATABASE__HOST": "127.0.0.1",
        "MOTCUA_DATABASE__PORT": str(ports.postgres),
        "MOTCUA_DATABASE__NAME": DATABASE,
        "MOTCUA_DATABASE__USER": service,
        "MOTCUA_DATABASE__PASSWORD_FILE": str(folder.secrets / password_name(service)),
        "MOTCUA_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{ports.kafka}",
        "MOTCUA_KAFKA__INSTANCE": part,
        "MOTCUA_KAFKA__USER": service,
        "MOTCUA_KAFKA__PASSWORD_FILE": str(folder.secrets / login_name(service)),
        "MOTCUA_HTTP__HOST": "127.0.0.1",
        "MOTCUA_HTTP__PORT": str(ports.of(part)),
        "MOTCUA_TOKENS__JWKS_FILE": str(folder.secrets / JWKS_SECRET),
        "MOTCUA_TOKENS__ISSUER": ISSUER,
        "MOTCUA_TOKENS__AUDIENCE": AUDIENCE,
    }
    if service in _KEY_READERS:
        settings["MOTCUA_KEYRING__KEY_FILE"] = str(folder.secrets / KEY_SECRET)
    if service == "processing":
        settings["MOTCUA_TRACKING__JWKS_FILE"] = str(folder.secrets / TRACKING_SECRET)
    if service == "notification":
        settings |= _channels(folder, ports)
    if setting.scenario is not None:
        settings["MOTCUA_CLOCK__SCENARIO_FILE"] = str(setting.scenario)
    elif service == "metrics":
        settings["MOTCUA_BOARD__AGENCY"] = TODAYS_BOARD
    return _inherited() | settings | _passed_on()


def _channels(folder: Folder, ports: Ports) -> dict[str, str]:
    return {
        "MOTCUA_SMS__URL": f"http://127.0.0.1:{ports.sms}",
        "MOTCUA_SMS__TOKEN_FILE": str(folder.secrets / SMS_SECRET),
        "MOTCUA_RECEIPTS__TOKEN_FILE": str(folder.secrets / RECEIPTS_SECRET),
        "MOTCUA_MAIL__HOST": "127.0.0.1",
        "MOTCUA_MAIL__PORT": str(ports.mail),
        "MOTCUA_MAIL__SENDER": "mot-cua@motcua.example",
        "MOTCUA_ZALO__URL": f"http://127.0.0.1:{ports.sms}",
        "MOTCUA_ZALO__TOKEN_FILE": str(folder.secrets / SMS_SECRET),
    }


def _inherited() -> dict[str, str]:
    kept = {"PATH", "HOME", "TZ", "LANG", "LD_LIBRARY_PATH"}
    return {name: value for name, value in os.environ.items() if name in kept} | {"PYTHONUNBUFFERED": "1"}


def _passed_on() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}


def service_part(setting: Setting, name: str) -> Part:
    """One replica of a service as a supervised part, ready when `/readyz` says so."""
    launch = Launch(
        command=[sys.executable, "-m", f"services.{service_of(name)}"],
        environment=environment(setting, name),
        log=setting.folder.logs / f"{name}.log",
        folder=setting.folder.path,
    )
    return Part(name, launch, lambda: not_ready(setting.ports.of(name)))


def sinks_part(setting: Setting) -> Part:
    """Describe the SMS gateway and the mail server that only write down what they get."""
    folder, ports = setting.folder, setting.ports
    options = {
        "--sms-port": ports.sms,
        "--mail-port": ports.mail,
        "--log-folder": folder.sinks,
        "--token-file": folder.secrets / SMS_SECRET,
        "--receipts-url": f"http://127.0.0.1:{ports.notification}/v1/receipts/sms",
        "--receipts-token-file": folder.secrets / RECEIPTS_SECRET,
    }
    command = [sys.executable, "-m", "deploy.local.sinks"]
    command += [str(word) for option in options.items() for word in option]
    launch = Launch(command=command, environment=_inherited(), log=folder.logs / "sinks.log", folder=folder.path)
    return Part("sinks", launch, lambda: sinks_not_ready(ports.sms, ports.mail))


async def sinks_not_ready(sms_port: int, mail_port: int) -> str | None:
    """None when both sinks accept, else the reason."""
    return await refuses_connections(sms_port) or await refuses_connections(mail_port)


async def not_ready(port: int, seconds: float = 5) -> str | None:
    """None when `/readyz` on this port answers 200, else what it answered or why it could not be asked."""
    with contextlib.closing(Wire("127.0.0.1", port, timeout_seconds=seconds)) as wire:
        try:
            answer = await wire.request("GET", "/readyz")
        except ConnectionLost as error:
            return str(error)
    return None if answer.status == HTTPStatus.OK else f"answers {answer.status}"
