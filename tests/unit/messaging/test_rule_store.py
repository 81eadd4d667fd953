"""Rule versions as records bring them: which is in force, which came before, and who waits for one that is not here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.metrics.handlers.counting import on_reissued
from services.notification.handlers.facts import Requests
from shared.clocks import OFFICE_ZONE
from shared.contracts.deadlines import DeadlineReissued
from shared.contracts.facts import RulesPublished, State
from shared.contracts.topics import RULES
from shared.messaging.envelope import Received, decode, encode_headers, parse
from shared.messaging.faults import Unready
from shared.messaging.rules import RuleStore
from shared.rulebook.loader import load_seed
from shared.settings import KafkaSettings
from tests.unit.messaging.test_envelope import Wire

SEED = load_seed()
NEW_YEAR = datetime(2020, 1, 1, tzinfo=OFFICE_ZONE)


def record(seq: int, fact: Any, subject: str = "calendar") -> Wire:
    headers = encode_headers(
        fact_id=UUID(int=seq),
        fact_type=fact.TYPE,
        source="intake",
        subject=subject,
        legal_time=NEW_YEAR + timedelta(days=seq),
        partition_key=subject,
        seq=seq,
    )
    return Wire(headers, fact.model_dump_json().encode(), topic=RULES.name, offset=seq)


def store(*versions: tuple[int, str]) -> RuleStore:
    found = RuleStore(KafkaSettings(bootstrap_servers="127.0.0.1:9"))
    for seq, version in versions:
        found.add(record(seq, RulesPublished(rule_set="calendar", version=version, content=SEED.calendar)))
    return found


def test_the_calendar_in_force_is_that_published_last_whatever_comes_again() -> None:
    rules = store((1, "calendar-1"), (2, "calendar-2"), (1, "calendar-1"), (3, "calendar-3"), (2, "calendar-2"))
    calendar, at = rules.calendar_in_force()
    assert (calendar.version, at) == ("calendar-3", NEW_YEAR + timedelta(days=3))
    assert rules.older_calendars() == ("calendar-1", "calendar-2")
    assert rules.published_last("calendar") == (3, "calendar-3")


def test_before_a_second_version_there_is_no_older_one_and_without_any_nothing_is_in_force() -> None:
    assert store((1, "calendar-1")).older_calendars() == store().older_calendars() == ()
    with pytest.raises(Unready):
        store().calendar_in_force()


def reissued(version: str) -> Received:
    moments = dict.fromkeys(
        ("statutory_due", "promised_due", "previous_statutory_due", "previous_promised_due"), NEW_YEAR
    )
    fact = DeadlineReissued(
        catalogue_version="catalogue-1",
        calendar_version=version,
        state=State.PROCESSING,
        previous_calendar_version="calendar-1",
        **moments,
    )
    return parse(decode(record(1, fact, "H56.97.21-200102-0001")))


async def in_metrics(rules: RuleStore, wave: list[Received]) -> None:
    await on_reissued(rules, None, wave)  # type: ignore[arg-type]


async def in_notification(rules: RuleStore, wave: list[Received]) -> None:
    await Requests(rules, lambda: NEW_YEAR, None).on_reissued(None, wave)  # type: ignore[arg-type]


@pytest.mark.parametrize("handler", [in_metrics, in_notification])
async def test_a_consumer_that_lacks_the_version_of_a_fact_waits_for_it(handler: Callable[..., Any]) -> None:
    with pytest.raises(Unready, match="calendar-2"):
        await handler(store((1, "calendar-1")), [reissued("calendar-2")])


def test_a_catalogue_is_in_force_from_its_first_day_at_midnight() -> None:
    rules = store()
    for seq, first_day in ((1, None), (2, "2027-03-01"), (3, "2027-03-01")):
        content = SEED.catalogue | ({"effective_from": first_day} if first_day else {})
        rules.add(
            record(seq, RulesPublished(rule_set="catalogue", version=f"catalogue-{seq}", content=content), "catalogue")
        )
    assert rules.catalogue_on(date(2027, 2, 28)).version == "catalogue-1"
    assert rules.catalogue_on(date(2027, 3, 1)).version == "catalogue-3"
    assert rules.last_catalogue().version == "catalogue-3"
    with pytest.raises(Unready):
        store().catalogue_on(date(2027, 3, 1))
