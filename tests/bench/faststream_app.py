"""The rival, `python -m tests.bench.faststream_app MODE`: FastStream on the same topic, the same row for each fact.

Per message (`message`): as many workers as FastStream lets share the partitions, each fact a statement of its own. In
batches (`batch`): of our size, each a statement. Both as its documentation has them for whoever may lose nothing and
wants it fast: acknowledged only after the handler (`NACK_ON_ERROR`), no validation that nobody needs (`apply_types`),
a decoder that picks what the handler takes; bodies are parsed as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.security import SASLScram512

from shared.contracts.topics import LIFECYCLE
from shared.messaging.consumer import Tuning
from tests.bench.effects import ADD_EFFECT, ADD_EFFECTS

WORKERS = LIFECYCLE.partitions
"""One for each partition: of 1, 2, 4 and 12 the fastest on two cores."""
Effect = tuple[UUID, str, int, datetime, Any]
"""Id, subject, sequence and legal time of a fact, and its body, which the row leaves out."""


def effect_of(headers: dict[str, Any], body: bytes) -> Effect:
    """Read one fact."""
    at = datetime.fromisoformat(headers["ce_time"])
    return UUID(headers["ce_id"]), headers["ce_subject"], int(headers["ce_sequence"]), at, json.loads(body)


async def decode_message(message: KafkaMessage) -> Effect:
    """Decode the record of one fact."""
    return effect_of(message.headers, message.body)


async def decode_batch(message: KafkaMessage) -> list[Effect]:
    """Decode the records of a batch."""
    return list(map(effect_of, message.batch_headers, message.body))


def subscribe(broker: KafkaBroker, pool: asyncpg.Pool[asyncpg.Record], mode: str) -> None:
    """Register the handler of a mode."""
    common: dict[str, Any] = {
        "group_id": f"faststream-{mode}",
        "auto_offset_reset": "earliest",
        "ack_policy": AckPolicy.NACK_ON_ERROR,
    }
    if mode == "message":

        @broker.subscriber(LIFECYCLE.name, max_workers=WORKERS, decoder=decode_message, **common)
        async def on_fact(effect: Effect) -> None:
            await pool.execute(ADD_EFFECT, *effect[:-1])

        return

    @broker.subscriber(LIFECYCLE.name, batch=True, max_records=Tuning().max_records, decoder=decode_batch, **common)
    async def on_facts(effects: list[Effect]) -> None:
        columns = list(zip(*effects, strict=True))
        await pool.execute(ADD_EFFECTS, *columns[:-1])


async def keep_session(_connection: object) -> None:
    """Spare asyncpg's `RESET ALL` after each statement, as our own pools do."""


async def main() -> None:
    """Consume until SIGTERM."""
    server = json.loads(os.environ["BENCH_KAFKA"])
    settings = {"search_path": "metrics", "timezone": "UTC", "jit": "off"}
    async with asyncpg.create_pool(
        os.environ["BENCH_DSN"], min_size=0, max_size=12, reset=keep_session, server_settings=settings
    ) as pool:
        broker = KafkaBroker(
            server["bootstrap_servers"],
            security=SASLScram512(server["sasl_plain_username"], server["sasl_plain_password"], use_ssl=False),
            apply_types=False,
            allow_auto_create_topics=False,
            logger=None,
        )
        subscribe(broker, pool, sys.argv[1])
        await FastStream(broker, logger=None).run()


if __name__ == "__main__":
    uvloop.run(main())
