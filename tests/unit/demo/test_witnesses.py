from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from deploy.demo.calls import Caller
from deploy.demo.plan import FIRST_DAY, LAST_DAY
from deploy.demo.play import BEGINS_AT
from deploy.demo.report import COMPARED
from deploy.demo.witnesses.ledger import Told, ledger_of
from deploy.demo.witnesses.service import report_of, scrape_of
from deploy.demo.witnesses.sql import HELD
from tests.unit.shared.small_server import answer, read_request, served

DUE = (BEGINS_AT + timedelta(days=9), BEGINS_AT + timedelta(days=3), "H56.97.02")
LATER = (DUE[0], DUE[1] + timedelta(seconds=1), DUE[2])
ELSEWHERE = (DUE[0], DUE[1], "H56.97.03")
SCRAPE = """\
# TYPE motcua_domain_figures_read_timestamp_seconds gauge
motcua_domain_figures_read_timestamp_seconds {read_at}
# TYPE motcua_dossiers_received_total counter
motcua_dossiers_received_total{{field="land"}} {land}
motcua_dossiers_received_total{{field="merit"}} 4.0
# TYPE motcua_dossiers_resolved_total counter
motcua_dossiers_resolved_total{{field="land",outcome="on_time"}} 5.0
motcua_dossiers_resolved_total{{field="land",outcome="late"}} 1.0
motcua_dossiers_resolved_total{{field="merit",outcome="on_time"}} 2.0
# TYPE motcua_dossiers_in_progress gauge
motcua_dossiers_in_progress{{field="land",limit="within"}} 2.0
motcua_dossiers_in_progress{{field="land",limit="overdue"}} 1.0
# TYPE motcua_dossiers_closed_without_result_total counter
motcua_dossiers_closed_without_result_total 1.0
# TYPE motcua_apologies_published_total counter
motcua_apologies_published_total 1.0
"""


def test_a_ledger_that_everybody_agrees_with() -> None:
    witness, foreign = ledger_of(
        {"a": DUE, "b": DUE}, {"intake": {"a": DUE, "b": DUE}, "processing": {"a": DUE, "b": DUE}}
    )
    assert (witness.figures, witness.faults, foreign) == ({"received": 2}, (), 0)


def test_what_strangers_filed_is_foreign_and_received() -> None:
    everywhere = {"a": DUE, "x": DUE, "y": LATER}
    witness, foreign = ledger_of({"a": DUE}, {"intake": everywhere, "processing": everywhere})
    assert (witness.figures, witness.faults, foreign) == ({"received": 3}, (), 2)


def holding(*codes: str) -> dict[str, dict[str, Told | None]]:
    """Four services that hold these dossiers as acknowledged; two of them know no more than the code."""
    answers: dict[str, Told | None] = dict.fromkeys(codes, DUE)
    return dict.fromkeys(("intake", "processing"), answers) | {
        service: dict.fromkeys(codes) for service in ("notification", "metrics")
    }


@pytest.mark.parametrize("service", HELD)
def test_an_acknowledged_dossier_that_is_lost_anywhere_is_a_fault(service: str) -> None:
    acknowledged = {"a": DUE, "b": DUE}
    assert ledger_of(acknowledged, holding("a", "b"))[0].faults == ()
    lost, _ = ledger_of(acknowledged, holding("a", "b") | {service: holding("a")[service]})
    assert lost.faults == (f"b was acknowledged and is not in {service}",)


@pytest.mark.parametrize("service", ["intake", "processing"])
@pytest.mark.parametrize("held", [LATER, ELSEWHERE])
def test_an_acknowledged_dossier_that_is_held_otherwise_is_a_fault(service: str, held: Told) -> None:
    altered, _ = ledger_of({"a": DUE, "b": DUE}, holding("a", "b") | {service: {"a": DUE, "b": held}})
    assert len(altered.faults) == 1
    assert altered.faults[0].startswith("b was acknowledged for ")


def test_who_told_another_due_moment_since_must_hold_that_one_and_nobody_else_may() -> None:
    since = {"processing": {"a": LATER}}
    moved, _ = ledger_of({"a": DUE}, {"intake": {"a": DUE}, "processing": {"a": LATER}}, since)
    assert moved.faults == ()
    for wrong in (
        {"intake": {"a": DUE}, "processing": {"a": DUE}},
        {"intake": {"a": LATER}, "processing": {"a": LATER}},
    ):
        faulty, _ = ledger_of({"a": DUE}, wrong, since)
        assert len(faulty.faults) == 1


@contextlib.asynccontextmanager
async def answering(*bodies: str, status: str = "200 OK") -> AsyncIterator[Caller]:
    """A caller of a server that gives these bodies in turn; an empty one is a lost answer."""
    left = iter(bodies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        if body := next(left).encode():
            writer.write(answer(status, body))

    async with served(serve) as wire:
        yield Caller(wire)


async def test_a_scrape_counts_only_figures_read_after_the_year() -> None:
    stale = SCRAPE.format(read_at=time.time() - 3, land=1.0)
    fresh = SCRAPE.format(read_at=time.time() + 60, land=9.0)
    async with answering("", stale, "", fresh) as metrics:
        witness = await scrape_of([metrics])
    assert witness.figures == {
        "received": 13,
        "resolved": 9,
        "resolved_on_time": 7,
        "resolved_late": 1,
        "closed_without_result": 1,
        "in_progress": 3,
        "in_progress_within_limit": 2,
        "in_progress_overdue": 1,
        "apologies_published": 1,
    }


async def test_a_scrape_is_that_of_all_replicas_and_a_second_exporter_doubles_it() -> None:
    exported, silent = SCRAPE.format(read_at=time.time() + 60, land=9.0), "motcua_domain_figures_exported 0.0\n"
    for second, received in ((silent, 13), (exported, 26)):
        async with answering(exported) as one, answering(second) as other:
            witness = await scrape_of([one, other])
        assert witness.figures["received"] == received


async def test_a_report_that_is_refused_is_a_fault() -> None:
    async with answering('{"code":"agency_unknown"}', status="404 Not Found") as metrics:
        witness = await report_of(metrics, FIRST_DAY, LAST_DAY)
    assert witness.faults == ("the report answered 404",)
    assert date(2020, 1, 1) == FIRST_DAY


async def test_a_lost_report_is_asked_for_again() -> None:
    async with answering("", json.dumps(dict.fromkeys(COMPARED, 3))) as metrics:
        witness = await report_of(metrics, FIRST_DAY, LAST_DAY)
    assert (witness.faults, set(witness.figures.values())) == ((), {3})
