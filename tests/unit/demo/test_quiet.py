from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.quiet import READERS, Figures
from shared.contracts.topics import CONTACTS, LIFECYCLE, OUTCOMES


def figures(**changes: Any) -> Figures:
    journaled = {
        "intake": {LIFECYCLE.name: 3, CONTACTS.name: 3},
        "processing": {LIFECYCLE.name: 9},
        "notification": {OUTCOMES.name: 5},
        "metrics": {},
    }
    quiet = {"unsent": 0, "parked": 0, "timers_due": 0, "messages_waiting": 0}
    services = {
        name: {
            **quiet,
            "journaled": journaled[name],
            "applied": {f"{source}/{topic}": journaled[source][topic] for source, topic in READERS[name]},
        }
        for name in READERS
    }
    for name, change in changes.items():
        services[name].update(change)
    return Figures(services)


def test_all_applied_and_nothing_waiting_is_quiet() -> None:
    assert figures().waiting() == []


@pytest.mark.parametrize("service", READERS)
@pytest.mark.parametrize("name", ["unsent", "timers_due", "messages_waiting"])
def test_whatever_waits_anywhere_is_named(service: str, name: str) -> None:
    assert figures(**{service: {name: 2}}).waiting() == [f"{service} {name} 2"]


@pytest.mark.parametrize(("service", "source", "topic"), [(s, *read) for s, reads in READERS.items() for read in reads])
def test_a_fact_not_yet_applied_by_one_reader_is_named(service: str, source: str, topic: str) -> None:
    held = figures()
    applied = dict(held.by_service[service]["applied"])
    applied[f"{source}/{topic}"] -= 1
    assert figures(**{service: {"applied": applied}}).waiting() == [f"{service} lacks 1 of {source}/{topic}"]


def test_every_topic_of_dossiers_has_a_reader() -> None:
    read = {topic for reads in READERS.values() for _, topic in reads}
    assert read == {LIFECYCLE.name, CONTACTS.name, OUTCOMES.name}


def test_a_source_that_wrote_on_since_it_was_asked_is_asked_again() -> None:
    ahead = figures()
    applied = dict(ahead.by_service["metrics"]["applied"])
    applied[f"notification/{OUTCOMES.name}"] += 40
    assert figures(metrics={"applied": applied}).late() == {"metrics", "notification"}
