"""Who does what with which fact: each service's subscriptions as one table, type → function."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from deploy.demo.quiet import READERS
from services.intake.handlers.following import SUBSCRIPTIONS
from services.metrics.handlers import counting as metrics
from services.notification.handlers.facts import Requests
from services.processing.handlers import accepting as processing
from shared.clocks import machine_now
from shared.contracts.topics import CONTACTS, LIFECYCLE, OFFICERS, OUTCOMES, RULES, TOPICS
from shared.messaging.batch import Subscription
from shared.messaging.rules import RuleStore
from shared.settings import KafkaSettings

TABLE: dict[str, dict[str, dict[str, str]]] = {
    "intake": {
        LIFECYCLE.name: {
            "vn.motcua.dossier.assigned.v1": "follow",
            "vn.motcua.dossier.supplement_requested.v1": "follow",
            "vn.motcua.dossier.supplement_received.v1": "follow",
            "vn.motcua.dossier.refused_after_limit.v1": "follow",
            "vn.motcua.dossier.payment_demanded.v1": "follow",
            "vn.motcua.dossier.payment_recorded.v1": "follow",
            "vn.motcua.dossier.withdrawn.v1": "follow",
            "vn.motcua.dossier.stopped.v1": "follow",
            "vn.motcua.dossier.result_ready.v1": "follow",
            "vn.motcua.dossier.result_handed_over.v1": "follow",
            "vn.motcua.dossier.result_reopened.v1": "follow",
        },
    },
    "processing": {
        LIFECYCLE.name: {
            "vn.motcua.dossier.accepted.v1": "on_accepted",
            "vn.motcua.dossier.papers_received.v1": "on_papers_received",
            "vn.motcua.dossier.withdrawal_requested.v1": "on_withdrawal_requested",
        },
    },
    "notification": {
        LIFECYCLE.name: {
            "vn.motcua.dossier.registered.v1": "Requests.on_begun",
            "vn.motcua.dossier.refused.v1": "Requests.on_begun",
            "vn.motcua.dossier.papers_requested.v1": "Requests.on_told",
            "vn.motcua.dossier.registration_withdrawn.v1": "Requests.on_told",
            "vn.motcua.dossier.withdrawal_requested.v1": "Requests.on_told",
            "vn.motcua.dossier.accepted.v1": "Requests.on_begun",
            "vn.motcua.dossier.result_ready.v1": "Requests.on_told",
            "vn.motcua.dossier.apologised.v1": "Requests.on_told",
            "vn.motcua.dossier.became_overdue.v1": "Requests.on_told",
            "vn.motcua.dossier.result_reopened.v1": "Requests.on_told",
            "vn.motcua.dossier.result_corrected.v1": "Requests.on_told",
            "vn.motcua.dossier.deadline_reissued.v1": "Requests.on_reissued",
            "vn.motcua.dossier.limit_reissued.v1": "Requests.on_reissued",
            "vn.motcua.dossier.supplement_requested.v1": "Requests.on_told",
            "vn.motcua.dossier.supplement_received.v1": "Requests.on_told",
            "vn.motcua.dossier.refused_after_limit.v1": "Requests.on_told",
            "vn.motcua.dossier.payment_demanded.v1": "Requests.on_told",
            "vn.motcua.dossier.payment_recorded.v1": "Requests.on_told",
            "vn.motcua.dossier.clock_paused.v1": "Requests.on_told",
            "vn.motcua.dossier.clock_resumed.v1": "Requests.on_told",
            "vn.motcua.dossier.withdrawn.v1": "Requests.on_told",
            "vn.motcua.dossier.stopped.v1": "Requests.on_told",
        },
        CONTACTS.name: {
            "vn.motcua.dossier.contact_stated.v1": "Requests.on_contact",
        },
    },
    "metrics": {
        LIFECYCLE.name: {
            "vn.motcua.dossier.accepted.v1": "on_accepted",
            "vn.motcua.dossier.result_ready.v1": "count_dossiers",
            "vn.motcua.dossier.apologised.v1": "count_dossiers",
            "vn.motcua.dossier.result_reopened.v1": "count_dossiers",
            "vn.motcua.dossier.deadline_reissued.v1": "on_reissued",
            "vn.motcua.dossier.supplement_requested.v1": "count_dossiers",
            "vn.motcua.dossier.payment_demanded.v1": "count_dossiers",
            "vn.motcua.dossier.clock_paused.v1": "count_dossiers",
            "vn.motcua.dossier.supplement_received.v1": "count_dossiers",
            "vn.motcua.dossier.payment_recorded.v1": "count_dossiers",
            "vn.motcua.dossier.clock_resumed.v1": "count_dossiers",
            "vn.motcua.dossier.became_overdue.v1": "count_dossiers",
            "vn.motcua.dossier.refused_after_limit.v1": "count_dossiers",
            "vn.motcua.dossier.withdrawn.v1": "count_dossiers",
            "vn.motcua.dossier.stopped.v1": "count_dossiers",
        },
        OUTCOMES.name: {
            "vn.motcua.notice.handed_over.v1": "count_notices",
            "vn.motcua.notice.delivered.v1": "count_notices",
            "vn.motcua.notice.failed.v1": "count_notices",
            "vn.motcua.notice.unknown.v1": "count_notices",
        },
    },
}


def subscriptions(service: str) -> Sequence[Subscription]:
    rules = RuleStore(KafkaSettings(bootstrap_servers="127.0.0.1:9"))
    match service:
        case "intake":
            return SUBSCRIPTIONS
        case "processing":
            return processing.subscriptions(rules)
        case "notification":
            return Requests(rules, machine_now, asyncio.Event()).subscriptions()
        case _:
            return metrics.subscriptions(rules)


def function(handler: Any) -> str:
    return str((handler.func if isinstance(handler, partial) else handler).__qualname__)


@pytest.mark.parametrize("service", TABLE)
def test_each_type_has_its_function(service: str) -> None:
    found = {
        one.topic: {kind: function(handler) for kind, handler in one.handlers.items()} for one in subscriptions(service)
    }
    assert found == TABLE[service]


@pytest.mark.parametrize("service", TABLE)
def test_every_type_of_a_topic_that_is_read_has_a_function_or_a_reason_for_none(service: str) -> None:
    writers = {topic.name: topic.writers for topic in TOPICS}
    for one in subscriptions(service):
        others = [written for writer, written in writers[one.topic].items() if writer != service]
        assert one.handlers.keys() | one.ignored.keys() == {fact.TYPE for written in others for fact in written}
        assert one.own == (service if service in writers[one.topic] else "")
        assert not one.handlers.keys() & one.ignored.keys()
        assert all(one.ignored.values())


@pytest.mark.parametrize("service", TABLE)
def test_a_topic_is_read_as_it_is_kept(service: str) -> None:
    compacted = {topic.name: topic.compacted for topic in TOPICS}
    assert all(one.compacted is compacted[one.topic] for one in subscriptions(service))


@pytest.mark.parametrize("service", TABLE)
def test_quiet_waits_for_every_reader_of_a_topic(service: str) -> None:
    """What is applied is compared with what its writers journaled; a service passes over its own facts."""
    writers = {topic.name: topic.writers.keys() - {service} for topic in TOPICS}
    read = {(writer, one.topic) for one in subscriptions(service) for writer in writers[one.topic]}
    assert set(READERS[service]) == read


@pytest.mark.parametrize("service", TABLE)
def test_a_service_is_a_reader_of_what_it_reads_and_of_nothing_else(service: str) -> None:
    """Rights on the broker are read off `readers`; rules and officers are read without a subscription."""
    followed = {RULES.name} | ({OFFICERS.name} if service in {"intake", "notification"} else set())
    read = {one.topic for one in subscriptions(service)} | followed
    assert {topic.name for topic in TOPICS if service in topic.readers} == read
