"""Who comes in to Kafka, and what he may do there: all that is declared, and each other try is refused."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)

from deploy.local.stack import Stack
from deploy.provision import broker
from deploy.provision.database import SERVICES
from deploy.provision.rights import (
    RIGHTS,
    Operation,
    Pattern,
    Permission,
    Resource,
    Right,
    allowed,
    give,
    rights_on,
    take_away,
)
from deploy.provision.run import Report
from deploy.secret_files import ADMINISTRATOR, login_name
from shared.contracts.topics import CONTACTS, LIFECYCLE, OUTCOMES, TOPICS, Topic
from shared.messaging.connection import connection, knock, start
from shared.settings import KafkaSettings
from tests.waiting import until

PLANTED = (
    allowed("metrics", Operation.READ, Resource.TOPIC, CONTACTS.name),
    allowed("nobody", Operation.ALL, Resource.CLUSTER, "kafka-cluster"),
    Right(Resource.TOPIC, "dossier.", Pattern.PREFIXED, "User:*", "*", Operation.READ, Permission.MAY),
    Right(Resource.TOPIC, LIFECYCLE.name, Pattern.LITERAL, "User:intake", "*", Operation.WRITE, Permission.MAY_NOT),
)


@pytest.fixture(scope="module", autouse=True)
async def provisioned(stack: Stack) -> Report:
    return await stack.provision()


@asynccontextmanager
async def reading(kafka: KafkaSettings, group: str | None = None) -> AsyncIterator[Any]:
    client = AIOKafkaConsumer(
        **connection(kafka), group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


async def write(kafka: KafkaSettings, topic: str) -> None:
    # without idempotence, which would be refused before to whoever writes nothing at all
    client = AIOKafkaProducer(**connection(kafka), acks="all")
    try:
        await client.start()
        await client.send_and_wait(topic, key=b"k", value=b"{}", partition=0)
    finally:
        await client.stop()


async def read(kafka: KafkaSettings, topic: str) -> None:
    """Fetch a record, which only whoever may read gets; that there is one is seen to before."""
    place = TopicPartition(topic, 0)
    async with reading(kafka) as client:
        await client._client._wait_on_metadata(topic)
        client.assign([place])
        async with asyncio.timeout(30):
            await client.getone(place)


def may(service: str, operation: Operation, topic: Topic) -> bool:
    """Read off the declaration itself, not off the rights that were made of it."""
    return service in (topic.writers if operation is Operation.WRITE else topic.readers)


DO = {Operation.WRITE: write, Operation.READ: read}


@pytest.mark.parametrize("operation", DO, ids=lambda operation: operation.name.lower())
@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_does_with_a_topic_what_is_declared_and_nothing_else(
    stack: Stack, service: str, topic: Topic, operation: Operation
) -> None:
    await write(stack.kafka_login(), topic.name)
    doing = DO[operation](stack.kafka_login(service), topic.name)
    if may(service, operation, topic):
        await doing
    else:
        with pytest.raises(TopicAuthorizationFailedError):
            await doing


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
async def test_a_writer_writes_idempotently_and_whoever_writes_nothing_cannot(stack: Stack, topic: Topic) -> None:
    for service in SERVICES:
        client = AIOKafkaProducer(**connection(stack.kafka_login(service)), acks="all", enable_idempotence=True)
        try:
            if service in topic.writers:
                await client.start()
                await client.send_and_wait(topic.name, key=b"k", value=b"{}", partition=0)
            elif service == "metrics":
                with pytest.raises(ClusterAuthorizationFailedError):
                    await client.start()
        finally:
            await client.stop()


@pytest.mark.parametrize("group", [*SERVICES, "stranger"])
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_as_its_own_group_alone(stack: Stack, service: str, group: str) -> None:
    async def joined() -> bool:
        return bool(client.assignment())

    async def commit() -> None:
        async with asyncio.timeout(30):
            await client.getmany(timeout_ms=1000)
            await until(joined)
            await client.commit(dict.fromkeys(client.assignment(), 0))

    async with reading(stack.kafka_login(service), group) as client:
        client.subscribe([LIFECYCLE.name])
        if service == group:
            await commit()
        else:
            with pytest.raises(GroupAuthorizationFailedError):
                await commit()


async def test_nobody_lists_topics_that_are_not_for_him(stack: Stack) -> None:
    for service in SERVICES:
        async with reading(stack.kafka_login(service)) as client:
            told = await client.topics()
        assert told == {topic.name for topic in TOPICS if service in {*topic.writers, *topic.readers}}


async def test_no_service_makes_or_deletes_a_topic_or_gives_itself_a_right(stack: Stack) -> None:
    for service in SERVICES:
        login = stack.kafka_login(service)
        admin = AIOKafkaAdminClient(**connection(login))
        await admin.start()
        try:
            made = await admin.create_topics([NewTopic(f"{service}.own", 1, 1)])
            assert [code for _, code, *_ in made.topic_errors] == [TopicAuthorizationFailedError.errno]
            gone = await admin.delete_topics([LIFECYCLE.name])
            assert [code for _, code, *_ in gone.topic_error_codes] == [TopicAuthorizationFailedError.errno]
        finally:
            await admin.close()
        async with broker.connected(login) as reached:
            for asking in (rights_on(reached), give(reached, PLANTED), take_away(reached, RIGHTS)):
                with pytest.raises(ClusterAuthorizationFailedError):
                    await asking


@pytest.mark.parametrize("user", [ADMINISTRATOR, *SERVICES, "stranger"])
async def test_nobody_comes_in_with_a_wrong_password(stack: Stack, tmp_path: Path, user: str) -> None:
    (tmp_path / "password").write_text(secrets.token_urlsafe(24))
    wrong = KafkaSettings(
        bootstrap_servers=stack.kafka_login().bootstrap_servers, user=user, password_file=tmp_path / "password"
    )
    with pytest.raises(SaslAuthenticationFailed):
        await knock(wrong)
    client = AIOKafkaConsumer(**connection(wrong))
    try:
        with pytest.raises(SaslAuthenticationFailed):
            await start(client, wrong)
    finally:
        await client.stop()


@pytest.mark.parametrize("port", ["kafka", "kafka_controller"])
async def test_nobody_comes_in_without_a_login(stack: Stack, port: str) -> None:
    """By no port: the controller's would take rights and logins from anybody who reached it."""
    nameless = KafkaSettings(bootstrap_servers=f"127.0.0.1:{stack.ports.of(port)}")
    client = AIOKafkaConsumer(**connection(nameless), request_timeout_ms=3000)
    try:
        with pytest.raises(KafkaConnectionError):
            await client.start()
    finally:
        await client.stop()


async def test_a_second_provisioning_changes_nothing_and_says_so(stack: Stack) -> None:
    async with broker.connected(stack.kafka_login()) as reached:
        before = await rights_on(reached)
        again = await stack.provision()
        assert await rights_on(reached) == before == RIGHTS
    assert (again.logins, again.given, again.taken_away) == ([], [], [])
    assert again.lines() == [
        "nothing new",
        f"{again.granted} rights in the database and {len(RIGHTS)} on Kafka stand as declared",
    ]


async def test_what_is_not_declared_is_taken_away_and_what_is_missing_given_back(stack: Stack) -> None:
    missing = allowed("metrics", Operation.READ, Resource.TOPIC, OUTCOMES.name)
    assert missing in RIGHTS
    async with broker.connected(stack.kafka_login()) as reached:
        await give(reached, PLANTED)
        await take_away(reached, [missing])

        async def planted() -> bool:
            return await rights_on(reached) == (RIGHTS | set(PLANTED)) - {missing}

        await until(planted)
        report = await stack.provision()
        assert set(report.taken_away) == {str(right) for right in PLANTED}
        assert report.given == [str(missing)]

        async def declared() -> bool:
            return await rights_on(reached) == RIGHTS

        await until(declared)


async def test_a_planted_right_is_a_right_so_that_the_refusals_above_are_the_lists(stack: Stack) -> None:
    async def reads() -> bool:
        try:
            await read(stack.kafka_login("metrics"), CONTACTS.name)
        except TopicAuthorizationFailedError:
            return False
        return True

    async def refused() -> bool:
        return not await reads()

    await write(stack.kafka_login(), CONTACTS.name)
    assert not await reads()
    async with broker.connected(stack.kafka_login()) as reached:
        await give(reached, PLANTED[:1])
    await until(reads)
    await stack.provision()
    await until(refused)


async def test_a_changed_password_is_in_force_after_provisioning(stack: Stack) -> None:
    path = stack.folder.secrets / login_name("metrics")
    before = path.read_bytes()
    path.write_bytes(secrets.token_urlsafe(24).encode())
    with pytest.raises(SaslAuthenticationFailed):
        await knock(stack.kafka_login("metrics"))
    assert (await stack.provision()).logins == ["metrics"]
    await knock(stack.kafka_login("metrics"))
    path.write_bytes(before)
    assert (await stack.provision()).logins == ["metrics"]


async def test_no_password_stands_in_the_brokers_settings_or_log(stack: Stack) -> None:
    places = [*stack.folder.kafka.glob("*"), stack.folder.logs / "kafka.log"]
    passwords = [(stack.folder.secrets / login_name(user)).read_bytes() for user in (ADMINISTRATOR, *SERVICES)]
    found = [place for place in places if place.is_file() and any(each in place.read_bytes() for each in passwords)]
    assert found == []
