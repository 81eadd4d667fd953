"""Every Kafka client of the bench, all of them as the administrator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.stack import Stack
from shared.contracts.topics import LIFECYCLE, Topic
from shared.messaging.connection import connection
from shared.messaging.relay import RelayTuning
from shared.messaging.rules import RuleStore

AT_ONCE = 1000
"""Messages that are handed over before their acknowledgements are awaited together."""


async def rules(stack: Stack) -> RuleStore:
    """Read the rules as a service does."""
    store = RuleStore(stack.kafka_login())
    await store.load()
    return store


@asynccontextmanager
async def producer(stack: Stack) -> AsyncIterator[AIOKafkaProducer]:
    """Produce as the relay does: acknowledged by all, idempotent, in batches of the same bytes."""
    tuning = RelayTuning()
    client = AIOKafkaProducer(
        **connection(stack.kafka_login()),
        acks="all",
        enable_idempotence=True,
        max_batch_size=tuning.batch_bytes,
        linger_ms=0,
    )
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def produce(client: AIOKafkaProducer, messages: Sequence[tuple[str, dict[str, Any]]], at_once: int) -> None:
    """Send (topic, message) in order, so many at once, and await the acknowledgements of these together."""
    for first in range(0, len(messages), at_once):
        sent = [await client.send(topic, **message) for topic, message in messages[first : first + at_once]]
        await asyncio.gather(*sent)


async def fill(stack: Stack, topic: Topic, messages: Sequence[dict[str, Any]]) -> None:
    """Put messages on a topic."""
    async with producer(stack) as client:
        await produce(client, [(topic.name, message) for message in messages], AT_ONCE)


async def batches(stack: Stack, topic: Topic, records: int, most: int) -> list[list[Any]]:
    """Read so many records of a topic from its beginning, in batches of at most `most` as a consumer polls them."""
    client = AIOKafkaConsumer(**connection(stack.kafka_login()), enable_auto_commit=False, auto_offset_reset="earliest")
    await client.start()
    try:
        client.assign(_places(topic))
        found: list[list[Any]] = []
        while sum(map(len, found)) < records:
            polled = await client.getmany(timeout_ms=1000, max_records=most)
            if polled:
                found.append([record for place in polled.values() for record in place])
        return found
    finally:
        await client.stop()


async def begin_again(stack: Stack, group: str, topic: Topic = LIFECYCLE) -> None:
    """Let a group without members read a topic from its beginning."""
    client = AIOKafkaConsumer(**connection(stack.kafka_login()), group_id=group, enable_auto_commit=False)
    await client.start()
    try:
        client.assign(_places(topic))
        await client.commit(dict.fromkeys(_places(topic), 0))
    finally:
        await client.stop()


def _places(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]
