"""A topic read raw, as anybody may read it: from its beginning to where it ends now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messaging.connection import connection
from shared.settings import KafkaSettings


async def records_of(kafka: KafkaSettings, topic: str, partitions: int) -> AsyncIterator[Any]:
    """Yield every record of a topic, each partition in its order."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    client = AIOKafkaConsumer(**connection(kafka), auto_offset_reset="earliest")
    await client.start()
    try:
        client.assign(places)
        ends = await client.end_offsets(places)
        while any([await client.position(place) < ends[place] for place in places]):
            for records in (await client.getmany(timeout_ms=200)).values():
                for record in records:
                    yield record
    finally:
        await client.stop()
