"""The gauges of what is parked, read as Prometheus would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from shared.clocks import OFFICE_ZONE, machine_now
from shared.contracts.facts import DossierAccepted
from shared.contracts.topics import PROMISED_DUE_HEADER
from shared.database import Connection, autocommit, show_use
from shared.messaging.batch import Subscription
from shared.messaging.envelope import Received
from shared.messaging.faults import Cause, Unready
from shared.messaging.figures import Gauges
from shared.messaging.journal import SHARDS
from shared.messaging.parking import Kind
from tests.integration.messaging.house import House, Sending, running
from tests.waiting import until

ACCEPTED = (Path(__file__).parents[2] / "contracts" / "examples" / f"{DossierAccepted.TYPE}.json").read_bytes()
DUE = datetime(2020, 1, 10, 17, 0, tzinfo=OFFICE_ZONE)


@dataclass
class Standing:
    """A legal clock that shows one moment."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_a_parked_dossier_stays_on_the_overdue_watch(house: House) -> None:
    async def broken(tx: Connection, facts: Sequence[Received]) -> None:
        raise LookupError("a handler with a bug")

    subscription = Subscription(house.topic, {DossierAccepted.TYPE: broken})
    dues = {PROMISED_DUE_HEADER: DUE.isoformat()}
    later = {PROMISED_DUE_HEADER: (DUE + timedelta(days=9)).isoformat()}
    await house.publish(
        Sending("H56-1", 1, type=DossierAccepted.TYPE, value=ACCEPTED, headers=dues),
        Sending("H56-2", 1, type=DossierAccepted.TYPE, value=ACCEPTED, headers=later),
        Sending("H56-1", 2),
    )
    async with running(house.consumer(subscription=subscription)):
        await house.until_parked(3)
    clock = Standing(DUE)
    gauges = Gauges(house.pool, clock)
    await gauges.refresh()
    assert gauge("motcua_parked_past_promised_due") == 0
    clock.moment += timedelta(seconds=1)
    await gauges.refresh()
    assert gauge("motcua_parked_past_promised_due") == 1
    assert gauge("motcua_parked_dossiers") == 2
    assert gauge("motcua_parked_facts", kind=Kind.POISON.value) == 2
    assert gauge("motcua_parked_facts", kind=Kind.BEHIND.value) == 1


async def test_the_age_of_the_oldest_gap_is_told_in_machine_time(house: House) -> None:
    ahead = timedelta(0)
    gauges = Gauges(house.pool, Standing(DUE), machine_now=lambda: machine_now() + ahead)
    await gauges.refresh()
    assert gauge("motcua_parked_gap_oldest_seconds") == 0
    async with running(house.consumer()):
        await house.publish(Sending("A", 2))
        await house.until_parked(1)
        ahead = timedelta(minutes=10)
        await gauges.refresh()
        assert gauge("motcua_parked_gap_oldest_seconds") == pytest.approx(600, abs=60)
        await house.publish(Sending("A", 1))
        await house.until_parked(0)
    await gauges.refresh()
    assert gauge("motcua_parked_gap_oldest_seconds") == 0


async def test_what_no_broker_has_yet_is_counted_and_its_oldest_has_an_age(house: House) -> None:
    ahead = timedelta(0)
    gauges = Gauges(house.pool, Standing(DUE), machine_now=lambda: machine_now() + ahead)

    async def all_published() -> bool:
        return await house.count("unsent") == 0

    await house.append(house.draft("A"), house.draft("B"))
    ahead = timedelta(minutes=10)
    await gauges.refresh()
    assert gauge("motcua_unsent_facts") == 2
    assert gauge("motcua_unsent_oldest_seconds") == pytest.approx(600, abs=60)
    async with running(house.relay()):
        await until(all_published)
    await gauges.refresh()
    assert gauge("motcua_unsent_facts") == 0
    assert gauge("motcua_unsent_oldest_seconds") == 0


PARK_FIRST = """
insert into parked (kind, topic, subject, source, seq, type, headers, reason, attempts, parked_at)
select 'unpublishable', topic, subject, 'intake', seq, 't', '[]', 'too large', 1, recorded_at from unsent limit 1
"""


async def test_the_relays_lag_leaves_out_what_waits_behind_a_parked_fact(house: House) -> None:
    ahead = timedelta(minutes=10)
    gauges = Gauges(house.pool, Standing(DUE), machine_now=lambda: machine_now() + ahead)
    await house.append(house.draft("A"))
    await gauges.refresh()
    assert gauge("motcua_relay_lag_seconds", topic=house.topic) == pytest.approx(600, abs=60)
    await house.pool.execute(PARK_FIRST)
    await gauges.refresh()
    assert gauge("motcua_relay_lag_seconds", topic=house.topic) is None
    assert gauge("motcua_unsent_oldest_seconds") == pytest.approx(600, abs=60)


async def test_shards_without_a_relay_are_counted_until_one_holds_them(house: House) -> None:
    gauges = Gauges(house.pool, Standing(DUE))
    await gauges.refresh()
    assert gauge("motcua_relay_shards_without_holder") == SHARDS

    async def all_held() -> bool:
        await gauges.refresh()
        return gauge("motcua_relay_shards_without_holder") == 0

    async with running(house.relay()):
        await until(all_held)
    await gauges.refresh()
    assert gauge("motcua_relay_shards_without_holder") == SHARDS
    read_at = gauge("motcua_database_figures_read_timestamp_seconds")
    assert read_at is not None
    assert read_at == pytest.approx(machine_now().timestamp(), abs=60)


async def test_a_consumer_that_waits_tells_for_what_and_how_old_its_first_record_is(house: House) -> None:
    async def lacking(tx: Connection, facts: Sequence[Received]) -> None:
        raise Unready("a version that never comes")

    def paused(cause: Cause) -> float | None:
        return gauge("motcua_consumer_paused", group=house.schema, cause=cause.value)

    async def behind() -> bool:
        return bool(gauge("motcua_consumer_lag_seconds", topic=house.topic)) and paused(Cause.UNREADY) == 1

    await house.publish(Sending("A", 1))
    async with running(house.consumer(subscription=house.subscription(lacking))):
        await until(behind)
        assert {cause: paused(cause) for cause in Cause} == dict.fromkeys(Cause, 0) | {Cause.UNREADY: 1}


async def test_the_use_of_a_pool_is_shown_as_it_is(house: House) -> None:
    show_use(house.pool)
    before = gauge("motcua_database_connections_in_use")
    async with autocommit(house.pool):
        assert gauge("motcua_database_connections_in_use") == (before or 0) + 1
    assert gauge("motcua_database_connections_in_use") == before
    assert gauge("motcua_database_connections_limit") == house.pool.get_max_size()
