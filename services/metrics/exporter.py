"""The domain figures for Prometheus, set from PostgreSQL and exported by one holder of a lease.

A scrape never runs SQL: it reads a snapshot that a loop keeps young, and that says when it was read. A process that
lost the lease, or cannot renew it, falls silent before another may speak: two replicas never double a sum.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from prometheus_client import Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from services.metrics import repository
from services.metrics.domain.fields import FIELDS
from services.metrics.domain.figures import NoticeOutcome
from services.metrics.domain.totals import Totals
from shared.clocks import LegalClock, machine_now
from shared.contracts.facts import Channel
from shared.database import Pool, transaction
from shared.http.health import SNAPSHOT_SECONDS
from shared.loops import Pulse, rest
from shared.messaging.faults import passes, reason_of
from shared.messaging.figures import refresh_figures
from shared.messaging.leases import database_now
from shared.messaging.publications import last_published
from shared.rulebook.figures import Figure

LEASE = timedelta(seconds=15)
SPOKEN_SECONDS = LEASE.total_seconds() - SNAPSHOT_SECONDS - 1
"""How long a reading may be shown: the text of /metrics may outlive it by the age of a snapshot."""
REFRESH_SECONDS = 1.0

PUBLISHED = Gauge(
    "motcua_history_published_timestamp_seconds",
    "When the roots of history were last published (machine time); 0 before the first time",
)

log = structlog.get_logger("exporter")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read at one moment: `as_of` in legal time, `taken_at` in machine time; `silent_from` is monotonic."""

    totals: Totals
    as_of: datetime
    taken_at: datetime
    silent_from: float


class DomainFigures:
    """A collector of prometheus_client over the latest snapshot."""

    def __init__(self, pool: Pool, clock: LegalClock) -> None:
        self._pool = pool
        self._clock = clock
        self._holder = str(uuid4())
        self._snapshot: Snapshot | None = None
        self.pulse = Pulse("")

    async def refresh(self) -> None:
        """Renew the lease and read the figures; without the lease fall silent."""
        taken_at, begun = machine_now(), time.monotonic()
        async with transaction(self._pool) as tx:
            now = await database_now(tx)
            holds = await repository.take_lease(tx, self._holder, now + LEASE, now)
        if not holds:
            self._snapshot = None
            return
        as_of = self._clock.now()
        async with transaction(self._pool) as tx:
            totals = await repository.totals(tx, as_of)
        self._snapshot = Snapshot(totals, as_of, taken_at, begun + SPOKEN_SECONDS)

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh these figures, and messaging's, every second until `stop`; then give the lease up."""
        while not stop.is_set():
            self.pulse.turn()
            try:
                await self.refresh()
                async with transaction(self._pool) as tx:
                    await refresh_figures(tx, machine_now(), self._clock.now())
                    published = await last_published(tx)
                PUBLISHED.set(0 if published is None else published.timestamp())
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("domain_figures_not_read", reason=reason_of(error))
            await rest(stop, REFRESH_SECONDS)
        try:
            await self.release()
        except Exception as error:
            if not passes(error):
                raise
            log.warning("lease_not_given_up", reason=reason_of(error))

    async def release(self) -> None:
        """Fall silent and give the lease up, so that another process may export at once."""
        self._snapshot = None
        async with transaction(self._pool) as tx:
            await repository.leave_lease(tx, self._holder)

    def describe(self) -> Iterator[Metric]:
        """Nothing is read when the collector is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Give every domain family while the lease is ours, and always whether it is."""
        snapshot = self._snapshot
        exports = snapshot is not None and time.monotonic() < snapshot.silent_from
        yield GaugeMetricFamily(
            "motcua_domain_figures_exported", "Whether this process holds the lease of the domain figures", exports
        )
        if snapshot is None or not exports:
            return
        yield GaugeMetricFamily(
            "motcua_domain_figures_read_timestamp_seconds",
            "Machine time at which the domain figures were read",
            snapshot.taken_at.timestamp(),
        )
        yield GaugeMetricFamily(
            "motcua_domain_figures_as_of_timestamp_seconds",
            "Legal time at which open dossiers were judged",
            snapshot.as_of.timestamp(),
        )
        yield from families(snapshot.totals)


def families(totals: Totals) -> Iterator[Metric]:
    """Give the domain families; sums over labels are the report's figures."""
    received = CounterMetricFamily(
        "motcua_dossiers_received_total", "Dossiers formally accepted (C15)", labels=("field",)
    )
    resolved = CounterMetricFamily(
        "motcua_dossiers_resolved_total", "Dossiers finished, judged by C11", labels=("field", "outcome")
    )
    reopened = CounterMetricFamily(
        "motcua_dossiers_reopened_total", "Finishes taken back, as they were judged", labels=("field", "outcome")
    )
    in_progress = GaugeMetricFamily(
        "motcua_dossiers_in_progress", "Dossiers received and not resolved", labels=("field", "limit")
    )
    for field in FIELDS:
        overdue = totals.overdue[field.code]
        received.add_metric((field.code,), totals.figures[field.code, Figure.RECEIVED])
        resolved.add_metric((field.code, "on_time"), totals.figures[field.code, Figure.RESOLVED_ON_TIME])
        resolved.add_metric((field.code, "late"), totals.figures[field.code, Figure.RESOLVED_LATE])
        reopened.add_metric((field.code, "on_time"), totals.figures[field.code, Figure.REOPENED_ON_TIME])
        reopened.add_metric((field.code, "late"), totals.figures[field.code, Figure.REOPENED_LATE])
        in_progress.add_metric((field.code, "within"), totals.in_progress(field.code) - overdue)
        in_progress.add_metric((field.code, "overdue"), overdue)
    notices = CounterMetricFamily(
        "motcua_notices_total", "Messages to citizens by what became of them", labels=("channel", "outcome")
    )
    for channel in Channel:
        for outcome in NoticeOutcome:
            notices.add_metric((channel.value, outcome.value), totals.notices[channel, outcome])
    yield from (received, resolved, reopened, in_progress, notices)
    yield CounterMetricFamily(
        "motcua_dossiers_closed_without_result_total",
        "Dossiers withdrawn, stopped or refused after acceptance",
        totals.of_all_fields(Figure.CLOSED_WITHOUT_RESULT),
    )
    yield CounterMetricFamily(
        "motcua_apologies_published_total",
        "Apologies sent with a new appointment (form 04)",
        totals.of_all_fields(Figure.APOLOGIES_PUBLISHED),
    )
    yield CounterMetricFamily(
        "motcua_supplements_repeated_total",
        "Papers asked for again after acceptance",
        totals.of_all_fields(Figure.SUPPLEMENTS_REPEATED),
    )
    yield CounterMetricFamily(
        "motcua_dossiers_backdated_total",
        "Dossiers accepted as of before their record, approved by a leader (C14)",
        totals.of_all_fields(Figure.BACKDATED),
    )
