from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from deploy.demo import quiet
from deploy.demo.calls import Caller
from deploy.demo.quiet import READERS, Figures, NeverQuiet, Parked, Watch
from shared.contracts.topics import CONTACTS, LIFECYCLE, OUTCOMES
from tests.unit.shared.small_server import Serve, answer, read_request, served


def figures(**changes: Any) -> Figures:
    journaled = {
        "intake": {LIFECYCLE.name: 3, CONTACTS.name: 3},
        "processing": {LIFECYCLE.name: 9},
        "notification": {OUTCOMES.name: 5},
        "metrics": {},
    }
    quiet = {"unsent": 0, "parked": 0, "gaps": 0, "timers_due": 0, "messages_waiting": 0}
    services = {
        name: {
            **quiet,
            "held": {},
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
    assert figures(metrics={"applied": applied}).late() == {"notification"}


def test_of_a_source_and_its_reader_the_one_behind_is_asked_again() -> None:
    held = figures()
    applied = dict(held.by_service["metrics"]["applied"])
    applied[f"notification/{OUTCOMES.name}"] -= 1
    assert figures(metrics={"applied": applied}).late() == {"metrics"}


Change = dict[str, Any]


@contextlib.asynccontextmanager
async def watching(**readings: Sequence[Change]) -> AsyncIterator[tuple[Watch, Counter[str]]]:
    """A watch over four real servers; each gives its readings in turn, the last one again and again."""
    asked: Counter[str] = Counter()

    def serving(service: str) -> Serve:
        bodies = [figures(**{service: change}).by_service[service] for change in readings.get(service, [{}])]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(answer("200 OK", json.dumps(bodies[min(asked[service], len(bodies) - 1)]).encode()))
            asked[service] += 1

        return serve

    async with contextlib.AsyncExitStack() as opened:
        callers = {name: Caller(await opened.enter_async_context(served(serving(name)))) for name in READERS}
        yield Watch(callers, "token"), asked


BUSY: Change = {"unsent": 1}
ONE_MORE: Change = {"journaled": {LIFECYCLE.name: 9, "rules.versions.v1": 1}}
LACKING: Change = {"applied": {f"intake/{LIFECYCLE.name}": 2, f"processing/{LIFECYCLE.name}": 9}}


@pytest.mark.parametrize(
    "readings",
    [
        [{}, {}],
        [{}, BUSY, {}, {}],
        [BUSY, BUSY, {}, {}],
        [{}, ONE_MORE, ONE_MORE],
        [{}, ONE_MORE, {}, ONE_MORE, ONE_MORE],
        [LACKING, LACKING, {}, {}],
    ],
)
@pytest.mark.parametrize("wait", [Watch.quiet, Watch.settled])
async def test_only_two_quiet_readings_in_a_row_that_are_the_same_are_quiet(wait: Any, readings: list[Change]) -> None:
    async with watching(processing=readings) as (watch, asked):
        found = await wait(watch)
    assert asked["processing"] == len(readings)
    assert found == figures(processing=readings[-1])


@pytest.mark.parametrize("wait", [Watch.quiet, Watch.timers_fired, Watch.cases_opened])
async def test_no_wait_outlives_a_parked_fact(wait: Any) -> None:
    async with watching(processing=[LACKING | {"timers_due": 1}, LACKING | {"timers_due": 1, "parked": 2}]) as (
        watch,
        _,
    ):
        with pytest.raises(Parked, match="2 facts"):
            await wait(watch)


async def test_a_fact_that_waits_for_a_missing_one_is_not_parked_for_good() -> None:
    overtaken: Change = {
        "applied": {f"intake/{LIFECYCLE.name}": 1, f"processing/{LIFECYCLE.name}": 9},
        "held": {f"intake/{LIFECYCLE.name}": 1},
        "gaps": 1,
    }
    async with watching(processing=[overtaken, {}]) as (watch, _):
        assert (await watch.quiet()).gaps == 0


PARKED: Change = LACKING | {"parked": 1, "held": {f"intake/{LIFECYCLE.name}": 1}}


async def test_once_a_fact_is_parked_all_settles_but_what_its_reader_lacks() -> None:
    async with watching(processing=[PARKED | BUSY, PARKED | BUSY, PARKED, PARKED]) as (watch, asked):
        found = await watch.settled()
    assert asked["processing"] == 4
    assert found.parked == 1
    assert found.waiting() == [f"processing lacks 1 of intake/{LIFECYCLE.name}"]


async def test_what_stands_still_is_waited_for_only_while_nothing_is_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where an epidemic stops a reader: it parks no more, and applies no more."""
    monkeypatch.setattr(quiet, "STANDSTILL_SECONDS", 0.2)
    async with watching(processing=[LACKING, LACKING | {"parked": 1}]) as (watch, _):
        assert (await watch.settled()).waiting() == [f"processing lacks 1 of intake/{LIFECYCLE.name}"]
    monkeypatch.setattr(quiet, "PATIENCE_SECONDS", 1.0)
    async with watching(processing=[LACKING]) as (watch, _):
        with pytest.raises(NeverQuiet, match="processing lacks 1"):
            await watch.settled()


@pytest.mark.parametrize(
    ("held", "applied"),
    [
        ({}, 3),
        ({f"stranger/{LIFECYCLE.name}": 1}, 3),
        ({f"intake/{CONTACTS.name}": 1}, 3),
        ({f"?/{CONTACTS.name}": 1}, 3),
        ({f"intake/{LIFECYCLE.name}": 1}, 2),
        ({f"?/{LIFECYCLE.name}": 1}, 2),
    ],
)
async def test_a_reader_that_lags_is_waited_for_whatever_else_is_parked(held: dict[str, int], applied: int) -> None:
    parked = {"parked": 1, "held": held}
    async with watching(processing=[LACKING | parked, LACKING | parked, parked]) as (watch, _):
        found = await watch.settled()
    assert found.applied("processing", "intake", LIFECYCLE.name) == applied
