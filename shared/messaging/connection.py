"""How every client comes to Kafka: the one place that says what aiokafka is told of brokers and login."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError, SaslAuthenticationFailed, UnknownTopicOrPartitionError

from shared.settings import KafkaSettings

MECHANISM = "SCRAM-SHA-512"
KNOCK_MS = 5_000


def connection(kafka: KafkaSettings) -> dict[str, Any]:
    """Make what any client of aiokafka takes to connect. The password is read now, so a new one needs no restart.

    Raises OSError when its file is not there any more.
    """
    servers = {"bootstrap_servers": kafka.bootstrap_servers}
    if kafka.password_file is None:
        return servers
    return servers | {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": MECHANISM,
        "sasl_plain_username": kafka.user,
        "sasl_plain_password": kafka.password_file.read_text("utf-8").strip(),
    }


async def start(client: Any, kafka: KafkaSettings) -> None:
    """Start a client. Raises SaslAuthenticationFailed where it is not let in, else KafkaError."""
    try:
        await client.start()
    except KafkaConnectionError as nowhere:
        # of a refused login aiokafka says no more than of a broker that is away
        try:
            await knock(kafka)
        except SaslAuthenticationFailed:
            raise
        except (KafkaError, OSError):
            raise nowhere from None
        raise


async def knock(kafka: KafkaSettings) -> None:
    """Log in and go again. Raises SaslAuthenticationFailed, or the KafkaError or OSError that was in the way."""
    told = connection(kafka)
    host, port, _ = collect_hosts(told.pop("bootstrap_servers"))[0]
    reached = await create_conn(host, port, request_timeout_ms=KNOCK_MS, **told)
    reached.close()


async def see(client: Any, topics: Collection[str]) -> None:
    """Raise `not_seen` unless each topic is there for us: aiokafka itself would wait and say nothing."""
    if missing := set(topics) - await client.topics():
        raise not_seen(*missing)


def not_seen(*topics: str) -> KafkaError:
    """Say what a broker does not tell apart to whoever has no right."""
    named = ", ".join(sorted(topics))
    return UnknownTopicOrPartitionError(
        f"{named}: missing, or forbidden to us; `motcua provision` makes topics and gives the rights that are declared"
    )
