"""The first two witnesses: the metrics service's report, and what Prometheus would scrape from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import date

from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.calls import Caller, Refused
from deploy.demo.report import COMPARED, Witness
from deploy.faults import DeployError

DISTRICT = "H56.97"
READ_AT = "motcua_domain_figures_read_timestamp_seconds"
SNAPSHOT_PATIENCE_SECONDS = 60.0
SNAPSHOT_POLL_SECONDS = 0.25


class NoFreshSnapshot(DeployError):
    """`/metrics` kept showing figures older than the end of the year."""


async def report_of(metrics: Caller, first: date, last: date) -> Witness:
    """Ask for the district's report as anybody may. Raises `GaveUp`."""
    try:
        found = await metrics.get(f"/v1/reports/district?agency={DISTRICT}&from={first}&to={last}")
    except Refused as refused:
        return Witness("metrics", {}, (f"the report answered {refused.status}",))
    return Witness("metrics", {name: int(found[name]) for name in COMPARED})


async def scrape_of(replicas: Sequence[Caller]) -> Witness:
    """Scrape all replicas until the figures shown were read after this call began, and sum over them, as is usual.

    Raises `NoFreshSnapshot`, `GaveUp`.
    """
    asked_at = time.time()
    give_up_at = asked_at + SNAPSHOT_PATIENCE_SECONDS
    while time.time() < give_up_at:
        pages = await asyncio.gather(*(replica.read("/metrics") for replica in replicas))
        samples = [sample for page in pages for sample in _samples(page.body.decode())]
        if max((value for name, _, value in samples if name == READ_AT), default=0) >= asked_at:
            return Witness("prometheus", _figures(samples))
        await asyncio.sleep(SNAPSHOT_POLL_SECONDS)
    raise NoFreshSnapshot(f"/metrics showed no figures read within {SNAPSHOT_PATIENCE_SECONDS:.0f} s")


Samples = list[tuple[str, Mapping[str, str], float]]


def _samples(text: str) -> Samples:
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def _sum(samples: Samples, name: str, **labels: str) -> float:
    return sum(value for found, has, value in samples if found == name and labels.items() <= has.items())


def _figures(samples: Samples) -> dict[str, int]:
    on_time, late = (
        int(_sum(samples, "motcua_dossiers_resolved_total", outcome=outcome))
        - int(_sum(samples, "motcua_dossiers_reopened_total", outcome=outcome))
        for outcome in ("on_time", "late")
    )
    closed = int(_sum(samples, "motcua_dossiers_closed_without_result_total"))
    return {
        "received": int(_sum(samples, "motcua_dossiers_received_total")),
        "resolved": on_time + late + closed,
        "resolved_on_time": on_time,
        "resolved_late": late,
        "closed_without_result": closed,
        "in_progress": int(_sum(samples, "motcua_dossiers_in_progress")),
        "in_progress_within_limit": int(_sum(samples, "motcua_dossiers_in_progress", limit="within")),
        "in_progress_overdue": int(_sum(samples, "motcua_dossiers_in_progress", limit="overdue")),
        "apologies_published": int(_sum(samples, "motcua_apologies_published_total")),
    }
