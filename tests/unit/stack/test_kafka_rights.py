"""The brokers' rights are read off the topics: what nobody declared, nobody has."""

from __future__ import annotations

import dataclasses

import pytest

from deploy.provision.database import SERVICES
from deploy.provision.rights import RIGHTS, Operation, Pattern, Permission, Resource, Right, allowed, rights_of
from deploy.secret_files import ADMINISTRATOR
from shared.contracts.topics import CONTACTS, LIFECYCLE, TOPICS, Topic


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_names_writers_and_readers_that_exist(topic: Topic) -> None:
    assert topic.writers, "nobody may write it"
    assert topic.readers, "nobody may read it"
    assert {*topic.writers, *topic.readers} <= set(SERVICES)
    assert len(set(topic.readers)) == len(topic.readers)


def test_a_topic_without_readers_can_be_read_by_nobody() -> None:
    silent = dataclasses.replace(LIFECYCLE, readers=())
    assert {right.operation for right in rights_of([silent])} == {Operation.WRITE}


def test_only_notification_reads_contacts() -> None:
    readers = {
        right.principal for right in RIGHTS if right.name == CONTACTS.name and right.operation != Operation.WRITE
    }
    assert readers == {"User:notification"}


def test_a_right_is_for_one_operation_on_one_thing() -> None:
    for right in RIGHTS:
        assert right.pattern == Pattern.LITERAL
        assert right.permission == Permission.MAY
        assert right.operation in {Operation.READ, Operation.WRITE}
        assert right.resource in {Resource.TOPIC, Resource.GROUP}
        assert right.name != "*"
    assert {right.principal for right in RIGHTS} == {f"User:{service}" for service in SERVICES}
    assert ADMINISTRATOR not in SERVICES


def test_a_service_reads_as_its_own_group_alone() -> None:
    groups = {(right.principal, right.name) for right in RIGHTS if right.resource == Resource.GROUP}
    assert groups == {(f"User:{service}", service) for service in SERVICES}


def test_rights_are_said_in_words_those_of_others_too() -> None:
    assert str(allowed("intake", Operation.WRITE, Resource.TOPIC, "a.v1")) == "intake may write topic a.v1"
    foreign = Right(5, "some", Pattern.PREFIXED, "Group:x", "10.0.0.1", 11, Permission.MAY_NOT)
    assert str(foreign) == "Group:x may not operation 11 resource 5 some… from 10.0.0.1"
