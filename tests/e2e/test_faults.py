"""Two years under fire that are the same year: the same figures, codes and facts, nothing lost or doubled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

import pytest

from deploy.demo.courses import Detour
from deploy.demo.ledger import digest_of
from deploy.local.services import SERVICES, service_of
from shared.contracts import facts
from tests.e2e.small_year import SmallYear
from tests.e2e.strikes import EARLIER, FOREIGN, KAFKA_LOST, KILLS_OF_OTHERS, KILLS_OF_PROCESSING, WITHHELD
from tests.e2e.test_command import all_ended, demo
from tests.e2e.years import SMALL, came_out

SEED = 4
READERS_OF_NO_OUTCOMES = ("intake", "processing", "notification")
"""What a killed sender no longer knows is an outcome of its own: only metrics reads how many there are."""
FILED_LATER = 5
"""Papers of two supplements, and three wishes to withdraw."""
WALKED: Mapping[type[facts.Fact], int] = {
    facts.SupplementRequested: 2 + 1,
    facts.SupplementReceived: 2,
    facts.SupplementLimitReached: 1,
    facts.RefusedAfterLimit: 1,
    facts.PaymentDemanded: 1 + 1,
    facts.PaymentRecorded: 1,
    facts.PaymentLimitReached: 1,
    facts.ClockPaused: 1,
    facts.ClockResumed: 1,
    facts.StepReturned: 1,
    facts.DossierWithdrawn: 2,
    facts.DossierStopped: 1 + 1,
}


@pytest.mark.timeout(1500)
async def test_a_year_while_services_are_killed_is_the_same_year(year: SmallYear) -> None:
    """Its figures are those that were asked for, and its codes those of a year that nothing disturbs."""
    assert [struck.told for struck in year.inside] == ["batch begun"] * len(KILLS_OF_PROCESSING)
    for share, struck in zip(KILLS_OF_PROCESSING, year.inside, strict=True):
        assert share <= struck.handled / SMALL.dossiers < share + 0.1
    killed = {struck.pid for struck in year.inside} | set(year.others)
    assert len(killed) == len(KILLS_OF_PROCESSING) + len(KILLS_OF_OTHERS)
    assert year.republished > SMALL.dossiers * (KAFKA_LOST - EARLIER)
    assert year.told.exit_code == 0
    came_out(year.told.as_json(), SMALL, foreign=FOREIGN)
    assert year.told.notices.unknown == 0
    assert year.told.codes_sha256 == digest_of(year.plan.codes)
    assert year.told.events.consumed["processing"] == SMALL.dossiers + FOREIGN + FILED_LATER


async def test_a_citizen_is_told_twice_only_where_the_gateway_withheld_its_answer(year: SmallYear) -> None:
    """And what arrived was counted."""
    first = [line for line in year.arrivals if not line["repeat"]]
    assert 0 < len(year.arrivals) - len(first) <= WITHHELD
    assert len({(line["kind"], line["to"], line["text"]) for line in first}) == len(first)
    assert len(first) == year.told.notices.handed_over > 0


async def test_every_course_was_walked(year: SmallYear) -> None:
    """As many facts of each kind as dossiers took the course."""
    assert {kind: year.facts.get(kind.TYPE, 0) for kind in WALKED} == WALKED
    assert sum(year.told.courses.values()) == 10
    assert len(year.told.courses) == len(Detour)


async def test_each_late_one_is_apologised_for_first_and_finished_afterwards(year: SmallYear) -> None:
    assert len(year.late) == SMALL.late
    for row in year.late:
        assert row["apologised_at"] < row["promised_due"] < row["finished_at"], row["code"]
    assert {row["limit_kind"] for row in year.late} == {"same_day", "working_days", "calendar_days"}


@pytest.mark.timeout(1500)
async def test_a_year_of_chaos_is_the_same_year(year: SmallYear) -> None:
    """`motcua demo --chaos SEED` as it is typed, held against the plan and against the facts of the year before.

    Exit 0 says too that no message came twice, is missing or of unknown fate but where a kill caught its sender.
    """
    asked = {name.replace("_", "-"): str(value) for name, value in (asdict(SMALL) | {"chaos": SEED}).items()}
    words = [word for name, value in asked.items() for word in (f"--{name}", value)]
    async with demo("--exit", "--json", *words) as process:
        out, errors = await process.communicate()
    told = errors.decode()
    assert process.returncode == 0, told[-3000:]
    all_ended()
    found = json.loads(out)
    came_out(found, SMALL)
    assert found["codes_sha256"] == digest_of(year.plan.codes)
    assert found["notices"]["requested"] == year.notices_of_plan
    for service in READERS_OF_NO_OUTCOMES:
        assert found["events"]["consumed"][service] == year.facts_of_plan[service], service
    chaos = found["chaos"]
    assert chaos["seed"] == SEED
    assert Counter(service_of(strike["part"]) for strike in chaos["strikes"] if strike["struck"]) == (
        dict.fromkeys(SERVICES, 2) | {"kafka": 1, "postgres": 1}
    )
    assert told.count(" killed, process ") == len(chaos["strikes"]) == 10
    assert f"chaos {SEED}: 10 of 10 strikes struck" in told
