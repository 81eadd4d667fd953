"""A rule version that is not there yet. Last in the package: all dossiers follow the calendar that it publishes."""

from __future__ import annotations

from http import HTTPStatus

from shared.contracts.facts import RulesPublished
from shared.contracts.topics import RULES
from shared.messaging.journal import Draft
from tests.integration.processing.hall import COMMUNE, DISTRICT_DESK, Hall
from tests.waiting import until

SHORT, LAND = ("2.000528", "default"), ("1.012783", "default")


async def test_a_fact_that_names_an_unknown_rule_version_waits_and_readyz_says_so(hall: Hall) -> None:
    """The consumer pauses until the version comes, which here it is told in the end."""
    kind = hall.catalogue.case(*LAND)
    code = hall.next_code(kind)
    await hall.publish(hall.accepted(code, kind, calendar_version="calendar-9-ffffffffffff"))

    async def paused() -> bool:
        answer = await hall.http.get("/readyz")
        return answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and "calendar-9-ffffffffffff" in answer.text

    await until(paused, "the consumer pauses")
    assert (await hall.http.get("/livez")).status_code == HTTPStatus.OK
    assert await hall.worklist("desk", COMMUNE) is not None
    assert (await hall.quiet())["parked"] == 0
    await publish_calendar(hall, "calendar-9-ffffffffffff")
    await hall.opened(code)
    other = await hall.accept(hall.catalogue.case(*SHORT))
    assert other.startswith(DISTRICT_DESK)


async def publish_calendar(hall: Hall, version: str) -> None:
    fact = RulesPublished(rule_set="calendar", version=version, content=hall.calendar.content.model_dump(mode="json"))
    await hall.publish(Draft(RULES.name, "calendar", fact, hall.now(), partition_key=version))
