"""What a compose file must keep, each rule a function from the file to what is wrong in it.

The rules hold it against the settings models, the table of ports, the embedded stack and the table of secrets.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from deploy.cli.application import COMMANDS
from deploy.cli.options import FolderOption
from deploy.installation import InstallationSettings
from deploy.local import jars, kafka, postgres
from deploy.local.folder import Folder
from deploy.local.ports import Ports
from deploy.local.services import TODAYS_BOARD
from deploy.provision.database import OWNER, SERVICES, SUPERUSER
from deploy.secret_files import ADMINISTRATOR, CONTAINER_SECRETS, JWKS_SECRET, login_name, password_name
from services.intake.settings import Settings as Intake
from services.metrics.settings import Settings as Metrics
from services.notification.settings import Settings as Notification
from services.processing.settings import Settings as Processing
from shared.runtime import END_SECONDS
from shared.settings import ENV_PREFIX
from tests.compose.reading import OURS, ROOT
from tests.unit.watching.alerts import ALERTS, rules

Compose = Mapping[str, Any]
Rule = Callable[[Compose], Iterator[str]]
Models = Mapping[str, type[BaseModel]]

MODELS: Models = {
    "intake": Intake,
    "processing": Processing,
    "notification": Notification,
    "metrics": Metrics,
    "provision": InstallationSettings,
    "operator": InstallationSettings,
}
COMMAND_VARIABLES = {FolderOption.__metadata__[0].envvar}
OPERATED = {password_name(role) for role in (OWNER, *SERVICES)} | {login_name(user) for user in SERVICES}
ALERTMANAGER = (ROOT / "deploy/prometheus/alertmanager.yml").read_text("utf-8")
GRANTED = {
    "provision": OPERATED | {password_name(SUPERUSER), login_name(ADMINISTRATOR)},
    "operator": OPERATED | {JWKS_SECRET},
    "alertmanager": set(re.findall(r"/run/secrets/(\w+)", ALERTMANAGER)),
}
"""Who reads secrets that its part of the compose file does not name."""
PORTS = Ports.from_base()
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}
"""Of sizes, as Compose reads them."""
BIND_MOUNTS = {
    "./deploy/prometheus",
    "./deploy/prometheus/alertmanager.yml",
    "./deploy/grafana/provisioning",
    "./deploy/grafana/dashboards",
}
SECRETS_PLACE = "var/compose/secrets"
KAFKA_PLACES = {
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "listeners",
    "advertised.listeners",
    "log.dirs",
    "heap.opts",
}
"""What a broker in a container must have otherwise than one on the loopback."""
POSTGRES_PLACES = {"listen_addresses", "unix_socket_directories"}


def containers(compose: Compose) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from compose["services"].items()


def runs_once(container: Mapping[str, Any]) -> bool:
    return bool(container["restart"] == "no")


def said(container: Mapping[str, Any]) -> str:
    """All that a container is told: command, environment and health check, as one text."""
    return json.dumps([container.get(key) for key in ("command", "environment", "healthcheck")])


def settings_of(model: type[BaseModel], prefix: str = ENV_PREFIX, *, needed: bool = True) -> Iterator[tuple[str, bool]]:
    """Every variable that a settings model reads, and whether it must be given."""
    for name, field in model.model_fields.items():
        variable, required, kind = f"{prefix}{name}".upper(), needed and field.is_required(), field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_of(kind, f"{variable}__", needed=required)
        else:
            yield variable, required


def variables(compose: Compose, models: Models = MODELS) -> Iterator[str]:
    """Each variable is a setting of its service, and each setting that must be given is."""
    for name, container in containers(compose):
        given = {key for key in container.get("environment", {}) if key.startswith(ENV_PREFIX)} - COMMAND_VARIABLES
        known = dict(settings_of(models[name])) if name in models else {}
        for variable in sorted(given - known.keys()):
            yield f"{name}: {variable} is no setting"
        for variable in sorted({variable for variable, required in known.items() if required} - given):
            yield f"{name}: {variable} is not given"


def ports(compose: Compose) -> Iterator[str]:
    """A port is published on the loopback alone, and is the one that the health check asks."""
    for name, container in containers(compose):
        for published in container.get("ports", ()):
            host, _, inside = published.rpartition(":")
            if not re.fullmatch(r"127\.0\.0\.1:\d+", host):
                yield f"{name}: {published} is not on the loopback alone"
            if f":{inside}" not in container["healthcheck"]["test"][-1]:
                yield f"{name}: the health check does not ask {inside}"


def addresses(compose: Compose) -> Iterator[str]:
    """Services and sinks listen on the ports of the table, and a service is asked there whether it is ready."""
    for name in SERVICES:
        container, port = compose["services"][name], PORTS.of(name)
        if container["environment"]["MOTCUA_HTTP__PORT"] != port:
            yield f"{name}: listens elsewhere than on {port}"
        if container["ports"] != [f"127.0.0.1:{port}:{port}"]:
            yield f"{name}: publishes {container['ports']} and not {port}"
        if container["healthcheck"]["test"][-1] != f"http://127.0.0.1:{port}/readyz":
            yield f"{name}: the health check does not ask {port} whether it is ready"
    sinks = shlex.join(compose["services"]["sinks"]["command"])
    if f"--sms-port {PORTS.sms} --mail-port {PORTS.mail}" not in sinks:
        yield f"sinks: listen elsewhere than on {PORTS.sms} and {PORTS.mail}"


def secrets(compose: Compose) -> Iterator[str]:
    """Each secret is made by our command, and given to those alone who read it."""
    if compose["secrets"].keys() != CONTAINER_SECRETS.keys():
        yield f"secrets: {set(compose['secrets']) ^ set(CONTAINER_SECRETS)} are made or declared alone"
    for name, secret in compose["secrets"].items():
        if secret != {"file": f"{SECRETS_PLACE}/{name}"}:
            yield f"secrets: {name} is not read from {SECRETS_PLACE}"
    for name, container in containers(compose):
        given = set(container.get("secrets", ()))
        read = GRANTED.get(name) or set(re.findall(r"/run/secrets/([\w.-]+)", said(container)))
        for secret in sorted(given ^ read):
            yield f"{name}: {secret} is " + ("given and not read" if secret in given else "read and not given")


def logins(compose: Compose) -> Iterator[str]:
    """A service comes to the servers as itself."""
    for name in SERVICES:
        told = compose["services"][name]["environment"]
        for server, password in {"DATABASE": password_name(name), "KAFKA": login_name(name)}.items():
            wanted = {"USER": name, "PASSWORD_FILE": f"/run/secrets/{password}"}
            for variable, value in wanted.items():
                if told.get(f"MOTCUA_{server}__{variable}") != value:
                    yield f"{name}: MOTCUA_{server}__{variable} is not {value}"


def hardened(compose: Compose) -> Iterator[str]:
    """No container has more rights than it needs, or takes more of the machine than it may."""
    for name, container in containers(compose):
        wanted: dict[str, Any] = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"], "init": True}
        if container["image"] == OURS:
            wanted |= {"read_only": True, "user": None}
        for key, value in wanted.items():
            if container.get(key) != value:
                yield f"{name}: {key} is {container.get(key)}"
        for key in ("cpus", "mem_limit", "pids_limit", "logging"):
            if key not in container:
                yield f"{name}: has no {key}"
        if {"privileged", "cap_add", "devices", "pid", "ipc"} & container.keys():
            yield f"{name}: has rights that nobody needs"


def warned_before_killed(compose: Compose) -> Iterator[str]:
    """A service whose memory grows is an alert before its container may have no more."""
    memory = next(rule["expr"] for rule in rules() if rule.get("labels") == {"resource": "memory"})
    whole, share = float(memory.rpartition(" / ")[2]), float(ALERTS["Saturated"]["expr"].rpartition(" > ")[2])
    for name in SERVICES:
        limit = str(compose["services"][name].get("mem_limit", "0m"))
        if int(limit[:-1]) * UNITS[limit[-1]] <= whole * share:
            yield f"{name}: killed at {limit}, the alert comes at {whole * share / 1e6:.0f} MB"


def watched(compose: Compose) -> Iterator[str]:
    """Whoever goes on running has a health check of its own program, and is waited for by it; who ends, by its end.

    `docker compose up --wait` fails for a container that ended unless another one waits for that.
    """
    found = dict(containers(compose))
    awaited_by_others = {other for container in found.values() for other in container.get("depends_on", {})}
    for name, container in found.items():
        if runs_once(container) and "profiles" not in container and name not in awaited_by_others:
            yield f"{name}: ends, and nobody waits for it"
        test = container.get("healthcheck", {}).get("test", ())
        if runs_once(container) == bool(test):
            yield f"{name}: has a health check and ends, or has none and goes on"
        if test and (test[0] != "CMD" or "curl" in test):
            yield f"{name}: the health check is no plain command"
        for other, how in container.get("depends_on", {}).items():
            awaited = "service_completed_successfully" if runs_once(found[other]) else "service_healthy"
            if how["condition"] != awaited:
                yield f"{name}: waits for {other} by {how['condition']}"
        if name in SERVICES and not container.get("depends_on", {}).keys() >= {"postgres", "kafka", "provision"}:
            yield f"{name}: does not wait for what it needs"


def time_to_end(compose: Compose) -> Iterator[str]:
    """A service is given more time to end than it takes by itself."""
    for name in SERVICES:
        period = re.fullmatch(r"(\d+)s", compose["services"][name].get("stop_grace_period", "10s"))
        if period is None or int(period[1]) <= END_SECONDS:
            yield f"{name}: is killed while it may still be draining"


def hosts(compose: Compose) -> Iterator[str]:
    """Whoever is named as a host is a container on a network of the one that names it."""
    networks = {name: set(container.get("networks", {"default"})) for name, container in containers(compose)}
    for name, container in containers(compose):
        named = set(re.findall(r"\b([a-z]+):\d{4}\b", said(container)))
        named |= {value for key, value in container.get("environment", {}).items() if key.endswith("__HOST")}
        for host in sorted(named - {"0.0.0.0", name}):  # noqa: S104 - what a service listens on
            if not networks.get(host, set()) & networks[name]:
                yield f"{name}: {host} is on no network of its own"


def volumes(compose: Compose) -> Iterator[str]:
    """Data lie in declared volumes; of the checkout only configuration is mounted, and it cannot be written."""
    used = set()
    for name, container in containers(compose):
        for mount in container.get("volumes", ()):
            source, target, *how = mount.split(":")
            if not source.startswith("."):
                used.add(source)
            elif source == f"./{Path(SECRETS_PLACE).parent}":
                if container["command"] != ["motcua", "secrets", f"{target}/{Path(SECRETS_PLACE).name}"]:
                    yield f"{name}: does not make the secrets where they are read"
            elif source not in BIND_MOUNTS or how != ["ro"]:
                yield f"{name}: mounts {mount}"
    for volume in sorted(used ^ set(compose["volumes"])):
        yield f"volumes: {volume} is declared or used alone"


def commands(compose: Compose) -> Iterator[str]:
    """What our image is told to run is in it."""
    for name, container in containers(compose):
        if container["image"] != OURS:
            continue
        if container["build"] != ".":
            yield f"{name}: is not built from the Dockerfile"
        for words in (container["command"], container.get("healthcheck", {}).get("test", ["CMD", "motcua", "up"])[1:]):
            match words:
                case ["python", "-m", str(module), *_] if importlib.util.find_spec(module):
                    continue
                case ["motcua", str(command), *_] if command in COMMANDS:
                    continue
                case ["--help"] if container.get("entrypoint") == ["motcua"]:
                    continue
            yield f"{name}: there is no {shlex.join(words)}"


def images(compose: Compose) -> Iterator[str]:
    """Images of others have a version; Kafka's is that of the embedded stack."""
    version = next(jar.version for jar in jars.locked() if jar.artifact.startswith("kafka_"))
    for name, container in containers(compose):
        if container["image"] != OURS and not re.search(r":v?\d+", container["image"]):
            yield f"{name}: {container['image']} has no version"
    if compose["services"]["kafka"]["image"] != f"apache/kafka:{version}":
        yield f"kafka: is not {version}"
    if compose["services"]["postgres"]["image"] != "postgres:18":
        yield "postgres: is not 18"


def as_embedded(compose: Compose) -> Iterator[str]:
    """Servers and board are set as in the embedded stack, but for the places of things."""
    variables = compose["services"]["kafka"]["environment"].items()
    broker = {_property(key): str(value) for key, value in variables if key.startswith("KAFKA_")}
    folder = Folder(Path())
    properties = kafka.properties(folder, PORTS).replace(str(folder.secrets), "/run/secrets")
    yield from _differences("kafka", broker, dict(line.split("=", 1) for line in properties.splitlines()), KAFKA_PLACES)
    told = compose["services"]["kafka"]["command"][-1].partition("format.properties <<END")[2].partition("END")[0]
    made = dict(line.split("=", 1) for line in told.split())
    if not made or made.items() - broker.items():
        yield f"kafka: its storage is made with {made.items() - broker.items()} besides"
    server = compose["services"]["postgres"]
    options = shlex.split(server["command"])
    settings = dict(option.split("=", 1) for option in options if "=" in option)
    yield from _differences("postgres", settings, postgres.SETTINGS, POSTGRES_PLACES)
    cluster = {option for option in postgres._CLUSTER if not option.startswith("--username")}
    if set(shlex.split(server["environment"]["POSTGRES_INITDB_ARGS"])) != cluster:
        yield "postgres: the cluster is made otherwise"
    if compose["services"]["metrics"]["environment"]["MOTCUA_BOARD__AGENCY"] != TODAYS_BOARD:
        yield "metrics: the board shows another agency"


def _property(variable: str) -> str:
    """The broker's name of a variable, as its image reads it."""
    name = variable.removeprefix("KAFKA_").lower()
    return name.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")


def _differences(name: str, here: Mapping[str, str], there: Mapping[str, str], places: set[str]) -> Iterator[str]:
    for key in sorted((here.keys() | there.keys()) - places):
        if here.get(key) != there.get(key):
            yield f"{name}: {key} is {here.get(key)}, embedded {there.get(key)}"


RULES: tuple[Rule, ...] = (
    variables,
    ports,
    addresses,
    secrets,
    logins,
    hardened,
    warned_before_killed,
    watched,
    time_to_end,
    hosts,
    volumes,
    commands,
    images,
    as_embedded,
)
