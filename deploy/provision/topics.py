"""The Kafka topics, made as `shared.contracts.topics` declares them."""

from __future__ import annotations

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from deploy.faults import DeployError
from shared.contracts.topics import TOPICS, Topic
from shared.messaging.connection import connection
from shared.settings import KafkaSettings


class TopicDiffers(DeployError):
    """A topic exists with another number of partitions: keys would change their partition, hence their order."""


async def create_topics(kafka: KafkaSettings, replication: int = 1) -> list[str]:
    """Make every declared topic that is not there; answer the names of the new ones.

    Raises TopicDiffers, or the KafkaError of a topic that could not be made.
    """
    admin = AIOKafkaAdminClient(**connection(kafka), client_id="motcua-provision")
    await admin.start()
    try:
        wanted = [_new(topic, replication) for topic in TOPICS]
        answer = await admin.create_topics(wanted)
        made = [name for name, code, *_ in answer.topic_errors if _was_made(code)]
        await _refuse_other_partitions(admin, [topic for topic in TOPICS if topic.name not in made])
    finally:
        await admin.close()
    return made


def _new(topic: Topic, replication: int) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.config)


def _was_made(code: int) -> bool:
    if code == 0:
        return True
    error = for_code(code)
    if error is TopicAlreadyExistsError:
        return False
    raise error


async def _refuse_other_partitions(admin: AIOKafkaAdminClient, standing: list[Topic]) -> None:
    """Hold the topics that stood before to their declaration; a new one is unknown to the broker for a moment."""
    found = {topic["topic"]: len(topic["partitions"]) for topic in await _describe(admin, standing)}
    for topic in standing:
        if found[topic.name] != topic.partitions:
            raise TopicDiffers(f"{topic.name} has {found[topic.name]} partitions, declared are {topic.partitions}")


async def _describe(admin: AIOKafkaAdminClient, topics: list[Topic]) -> list[dict[str, Any]]:
    # No names at all would ask for every topic.
    return list(await admin.describe_topics([topic.name for topic in topics])) if topics else []
