"""Years through the whole product: every part real, each year on fresh data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest

from deploy.demo.driver import Hook
from deploy.demo.plan import YearPlan, YearRequest
from deploy.demo.report import YearReport
from deploy.local.stack import Stack
from shared.contracts.facts import DossierAccepted
from shared.contracts.topics import LIFECYCLE
from shared.messaging.envelope import encode_headers
from tests.e2e.conftest import SMALL, Seen, YearRunner, connected, producing

STRANGE = "H56.97.21-200601-9999"


def is_sound(report: YearReport) -> None:
    assert report.disagreements == []
    assert report.exit_code == 0
    found = report.as_json()
    assert found["resolved"] + found["in_progress"] == found["received"]
    assert found["in_progress_overdue"] == 0
    assert found["events"]["parked"] == 0
    notices = found["notices"]
    assert notices["requested"] == notices["handed_over"]
    assert notices["unknown"] == notices["failed"] == 0


@pytest.mark.timeout(1500)
async def test_a_year_with_open_and_late_ones(undisturbed: YearReport) -> None:
    is_sound(undisturbed)
    found = undisturbed.as_json()
    assert found["received"] == SMALL.dossiers
    assert found["resolved"] == SMALL.dossiers - SMALL.open
    assert found["resolved_late"] == SMALL.late
    assert found["resolved_on_time"] == SMALL.dossiers - SMALL.open - SMALL.late
    assert found["in_progress_within_limit"] == SMALL.open
    assert found["apologies_published"] == SMALL.late
    assert found["foreign"] == 0


async def test_each_late_one_is_apologised_for_first_and_finished_afterwards(
    undisturbed: YearReport, seen: Seen
) -> None:
    assert len(seen.late) == undisturbed.as_json()["resolved_late"] == SMALL.late
    for row in seen.late:
        assert row["apologised_at"] < row["promised_due"] < row["finished_at"], row["code"]
    assert {row["limit_kind"] for row in seen.late} == {"same_day", "working_days", "calendar_days"}


@pytest.mark.parametrize(
    ("liar", "told"),
    [
        ("metrics", f"received: metrics {SMALL.dossiers + 1}, prometheus {SMALL.dossiers}, "),
        ("prometheus", f"received: metrics {SMALL.dossiers}, prometheus {SMALL.dossiers * 2}, "),
    ],
)
async def test_a_corrupted_counter_and_a_second_exporter_are_exit_one(
    undisturbed: YearReport, seen: Seen, liar: str, told: str
) -> None:
    witnesses = tuple(seen.lies[liar] if one.name == liar else one for one in undisturbed.witnesses)
    report = replace(undisturbed, witnesses=witnesses)
    assert report.exit_code == 1
    assert any(line.startswith(told) for line in report.disagreements)


@pytest.mark.timeout(900)
async def test_a_dossier_that_is_parked_for_good_ends_the_year_with_its_report(years: YearRunner) -> None:
    """A stranger writes to the topic what nobody can read: each service parks it."""
    parked: list[tuple[str, str]] = []

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        return {0.5: partial(write_unfit, stack)}

    async def look(stack: Stack) -> None:
        async with connected(stack) as connection:
            rows = await connection.fetch("select kind, subject from processing.parked")
            parked.extend((row["kind"], row["subject"]) for row in rows)

    report = await years.play(YearRequest(10, open=0, seed=5), hooks=strikes, after=look)
    assert parked == [("poison", STRANGE)]
    found = report.as_json()
    assert found["events"]["parked"] == 4  # nobody takes what intake alone may write from somebody else
    assert found["received"] < 10
    assert found["sources_agree"] is True
    assert len(found["witnesses"]) == 4
    assert report.exit_code == 1


async def write_unfit(stack: Stack) -> None:
    """A sound envelope for a dossier that nobody knows, and a body that does not fit its type."""
    fact_type, moment = DossierAccepted.TYPE, datetime(2020, 6, 1, 8, tzinfo=UTC)
    envelope = encode_headers(
        fact_id=uuid4(),
        fact_type=fact_type,
        source="stranger",
        subject=STRANGE,
        legal_time=moment,
        partition_key=STRANGE,
        seq=1,
    )
    async with producing(stack) as producer:
        await producer.send_and_wait(LIFECYCLE.name, key=STRANGE.encode(), value=b"{}", headers=envelope)
