"""Who may do what on Kafka: read off the table of topics, and nothing else, for brokers refuse what no entry allows.

A service writes the topics that name it as a writer, reads those that name it as a reader, and reads as its own group
alone. To write or read a topic is also to be told of it, and whoever writes any topic may do so idempotently (KIP-679):
no service has a right on the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from enum import IntEnum

from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest_v1

from deploy.provision.broker import Broker, refuse_errors, until_in_force
from shared.contracts.topics import TOPICS, Topic


class Resource(IntEnum):
    """What a right is about, as the protocol numbers it."""

    TOPIC = 2
    GROUP = 3
    CLUSTER = 4


class Operation(IntEnum):
    """What is done with it."""

    ALL = 2
    READ = 3
    WRITE = 4
    DESCRIBE = 8


class Pattern(IntEnum):
    """How a name stands for resources: itself, or whatever begins with it."""

    LITERAL = 3
    PREFIXED = 4


class Permission(IntEnum):
    """Whether an entry allows or denies."""

    MAY_NOT = 2
    MAY = 3


_ANY = 1
"""A filter's place that everything fits."""


@dataclass(frozen=True, order=True)
class Right:
    """One entry of the brokers' list, its fields in the order of the protocol."""

    resource: int
    name: str
    pattern: int
    principal: str
    host: str
    operation: int
    permission: int

    def __str__(self) -> str:
        """Say it in words."""
        place = "" if self.host == "*" else f" from {self.host}"
        return (
            f"{self.principal.removeprefix('User:')} {_word(Permission, self.permission)}"
            f" {_word(Operation, self.operation)} {_word(Resource, self.resource)}"
            f" {self.name}{'…' if self.pattern == Pattern.PREFIXED else ''}{place}"
        )


def _word(names: type[IntEnum], number: int) -> str:
    """Name what we know; others' entries may have what we never use."""
    return (
        names(number).name.lower().replace("_", " ") if number in list(names) else f"{names.__name__.lower()} {number}"
    )


def allowed(user: str, operation: Operation, resource: Resource, name: str) -> Right:
    """Let a user do this with this one resource, wherever he comes from."""
    return Right(resource, name, Pattern.LITERAL, f"User:{user}", "*", operation, Permission.MAY)


def rights_of(topics: Iterable[Topic]) -> frozenset[Right]:
    """Read off who may write, who may read, and as which group."""
    topics = tuple(topics)
    readers = {service for topic in topics for service in topic.readers}
    return frozenset(
        [
            *(
                allowed(service, Operation.WRITE, Resource.TOPIC, topic.name)
                for topic in topics
                for service in topic.writers
            ),
            *(
                allowed(service, Operation.READ, Resource.TOPIC, topic.name)
                for topic in topics
                for service in topic.readers
            ),
            *(allowed(service, Operation.READ, Resource.GROUP, service) for service in readers),
        ]
    )


RIGHTS = rights_of(TOPICS)
"""All that the brokers allow anybody but the administrator."""


async def rights_on(broker: Broker) -> frozenset[Right]:
    """List every entry of the brokers. Raises KafkaError."""
    found = await broker.ask(DescribeAclsRequest_v1(_ANY, None, _ANY, None, None, _ANY, _ANY))
    refuse_errors([(found.error_code, found.error_message)])
    return frozenset(
        Right(resource, name, pattern, *entry)
        for resource, name, pattern, entries in found.resources
        for entry in entries
    )


async def give(broker: Broker, rights: Iterable[Right]) -> None:
    """Add entries. Raises KafkaError."""
    answer = await broker.ask(CreateAclsRequest_v1([astuple(right) for right in rights]))
    refuse_errors(answer.creation_responses)


async def take_away(broker: Broker, rights: Iterable[Right]) -> None:
    """Remove entries. Raises KafkaError."""
    answer = await broker.ask(DeleteAclsRequest_v1([astuple(right) for right in rights]))
    refuse_errors([(code, message) for code, message, _ in answer.filter_responses])


async def declare(broker: Broker, wanted: frozenset[Right] = RIGHTS) -> tuple[list[str], list[str]]:
    """Bring the brokers' list to the declared one; answer what was given and what was taken away, in words.

    The list is the installation's own, whoever made an entry. What is new comes first, so that nobody is refused for
    a moment. Raises KafkaError, NotInForce.
    """
    found = await rights_on(broker)
    given, taken = sorted(wanted - found), sorted(found - wanted)
    if given:
        await give(broker, given)
    if taken:
        await take_away(broker, taken)

    async def stand() -> bool:
        return await rights_on(broker) == wanted

    await until_in_force("rights", stand)
    return [str(right) for right in given], [str(right) for right in taken]
