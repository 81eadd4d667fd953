"""Messaging's Prometheus metrics. What survives a restart is read from the database, so it is set, never counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from prometheus_client import Counter, Gauge

from shared.clocks import LegalClock
from shared.clocks import machine_now as system_machine_now
from shared.database import Connection, Pool, transaction
from shared.loops import Pulse, rest
from shared.messaging.faults import passes, reason_of
from shared.messaging.journal import SHARDS
from shared.messaging.parking import Kind
from shared.messaging.requests import forget_requests

PUBLISHED = Counter("motcua_relay_published", "Facts that the broker acknowledged", ["topic"])
CONSUMED = Counter("motcua_consumer_facts", "Facts by what became of them", ["topic", "outcome"])
LAG = Gauge("motcua_consumer_lag", "Records after the consumer's position", ["topic", "partition"])
LAG_SECONDS = Gauge(
    "motcua_consumer_lag_seconds", "How long a record of the topic has waited for the consumer", ["topic"]
)
PAUSED = Gauge("motcua_consumer_paused", "1 while the consumer waits, by what it waits for", ["group", "cause"])
UNSENT = Gauge("motcua_unsent_facts", "Recorded facts that the broker has not acknowledged")
UNSENT_AGE = Gauge("motcua_unsent_oldest_seconds", "Age of the oldest unsent fact by the machine's clock")
RELAY_LAG = Gauge(
    "motcua_relay_lag_seconds", "Age of the topic's oldest unsent fact that no parked one holds up", ["topic"]
)
WITHOUT_HOLDER = Gauge("motcua_relay_shards_without_holder", "Shards of the relay that no process holds a lease of")
PARKED = Gauge("motcua_parked_facts", "Facts in the parking table", ["kind"])
PARKED_SUBJECTS = Gauge("motcua_parked_dossiers", "Subjects with a fact in the parking table")
PARKED_OVERDUE = Gauge("motcua_parked_past_promised_due", "Parked subjects whose promised due moment has passed")
GAP_AGE = Gauge("motcua_parked_gap_oldest_seconds", "How long the oldest fact has waited for a missing one")
READ_AT = Gauge(
    "motcua_database_figures_read_timestamp_seconds", "Machine time at which these gauges were read from the database"
)

REFRESH_SECONDS = 2.0
FORGET_SECONDS = 60.0

log = structlog.get_logger()

READ = """
select
    (select count(*) from unsent) as unsent,
    (select coalesce(extract(epoch from $1 - min(recorded_at)), 0) from unsent)::float8 as unsent_age,
    (select count(distinct (topic, subject)) from parked where subject is not null) as subjects,
    (select count(distinct (topic, subject)) from parked where promised_due < $2) as overdue,
    (select coalesce(extract(epoch from $1 - min(parked_at)), 0) from parked where kind = 'gap')::float8 as gap_age
"""

KINDS = """
select kind, count(*) as facts from parked group by kind
"""

RELAYED = """
select topic, extract(epoch from $1 - min(recorded_at))::float8 as seconds
from unsent as u
where not exists (
    select from parked as p where p.kind = 'unpublishable' and p.topic = u.topic and p.subject = u.subject
)
group by topic
"""

HELD = """
select count(*) from relay_leases where expires_at > clock_timestamp()
"""


async def refresh_figures(tx: Connection, machine_time: datetime, legal_time: datetime) -> None:
    """Set the gauges that the database knows; called by a loop, never by a scrape."""
    row = await tx.fetchrow(READ, machine_time, legal_time)
    if row is not None:
        UNSENT.set(row["unsent"])
        UNSENT_AGE.set(row["unsent_age"])
        PARKED_SUBJECTS.set(row["subjects"])
        PARKED_OVERDUE.set(row["overdue"])
        GAP_AGE.set(row["gap_age"])
    found = {record["kind"]: record["facts"] for record in await tx.fetch(KINDS)}
    for kind in Kind:
        PARKED.labels(kind.value).set(found.get(kind.value, 0))
    READ_AT.set(machine_time.timestamp())


async def refresh_relay(tx: Connection, machine_time: datetime) -> None:
    """Set the gauges of a service's relay; a topic of which nothing waits has none."""
    lags = {row["topic"]: row["seconds"] for row in await tx.fetch(RELAYED, machine_time)}
    WITHOUT_HOLDER.set(SHARDS - int(await tx.fetchval(HELD)))
    RELAY_LAG.clear()
    for topic, seconds in lags.items():
        RELAY_LAG.labels(topic).set(seconds)


@dataclass
class Gauges:
    """Keeps the gauges young that the database knows, messaging's and a service's own: a scrape never runs SQL.

    For services that publish: those of the relay are among them.

    The same loop forgets, once a minute, the answers to requests that nobody repeats any more.
    """

    pool: Pool
    clock: LegalClock
    own: Sequence[Callable[[Connection, datetime], Awaitable[None]]] = ()
    machine_now: Callable[[], datetime] = system_machine_now
    pulse: Pulse = field(default_factory=lambda: Pulse(""), init=False)
    _forget_at: float = field(default=0.0, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh every 2 s until `stop`. What passes by itself is told; anything else is raised."""
        while not stop.is_set():
            self.pulse.turn()
            try:
                await self.refresh()
                if time.monotonic() >= self._forget_at:
                    await forget_requests(self.pool)
                    self._forget_at = time.monotonic() + FORGET_SECONDS
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("gauges_not_read", reason=reason_of(error))
            await rest(stop, REFRESH_SECONDS)

    async def refresh(self) -> None:
        """Read and set every gauge once; those of a service are given the legal time."""
        legal_now = self.clock.now()
        async with transaction(self.pool) as tx:
            await refresh_figures(tx, self.machine_now(), legal_now)
            await refresh_relay(tx, self.machine_now())
            for read in self.own:
                await read(tx, legal_now)
