"""A year that cannot come out: a fact is parked for good."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest

from deploy.demo.driver import Hook
from deploy.demo.plan import YearPlan, YearRequest
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from shared.contracts.facts import DossierAccepted
from shared.contracts.topics import LIFECYCLE
from shared.messaging.envelope import encode_headers
from tests.e2e.years import YearRunner, connected, producing
from tests.waiting import until

STRANGE = "H56.97.21-200601-9999"
PARKED_BY = "select " + " + ".join(f"(select count(*) from {name}.parked where subject = $1)" for name in SERVICES)


@pytest.mark.timeout(900)
async def test_a_dossier_that_is_parked_for_good_ends_the_year_with_its_report(years: YearRunner) -> None:
    """A stranger writes to the topic what nobody can read: each service parks it."""
    parked: list[tuple[str, str]] = []

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        return {0.1: partial(write_unfit, stack)}

    async def look(stack: Stack) -> None:
        async with connected(stack) as connection:
            rows = await connection.fetch("select kind, subject from processing.parked")
            parked.extend((row["kind"], row["subject"]) for row in rows)

    report = await years.play(YearRequest(10, open=0, seed=5, days=5), hooks=strikes, after=look)
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
    async with connected(stack) as watcher:

        async def parked_by_all() -> bool:
            return bool(await watcher.fetchval(PARKED_BY, STRANGE) == len(SERVICES))

        await until(parked_by_all)
