from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from deploy.demo.plan import FIRST_DAY, LAST_DAY
from deploy.demo.play import BEGINS_AT
from deploy.demo.witnesses.ledger import ledger_of
from deploy.demo.witnesses.service import report_of, scrape_of
from shared.http.wire import Wire

DUE = (BEGINS_AT + timedelta(days=9), BEGINS_AT + timedelta(days=3))
LATER = (DUE[0], DUE[1] + timedelta(seconds=1))
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


@pytest.mark.parametrize("service", ["intake", "processing"])
def test_an_acknowledged_dossier_that_is_lost_or_altered_is_a_fault(service: str) -> None:
    sound = {"intake": {"a": DUE, "b": DUE}, "processing": {"a": DUE, "b": DUE}}
    lost, _ = ledger_of({"a": DUE, "b": DUE}, sound | {service: {"a": DUE}})
    assert lost.faults == (f"b was acknowledged and is not in {service}",)
    altered, _ = ledger_of({"a": DUE, "b": DUE}, sound | {service: {"a": DUE, "b": LATER}})
    assert len(altered.faults) == 1
    assert altered.faults[0].startswith("b was acknowledged for ")


@contextlib.asynccontextmanager
async def answering(*bodies: str, status: str = "200 OK") -> AsyncIterator[Wire]:
    """A wire to a server that gives these bodies in turn, the last one again and again."""
    left = list(bodies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                body = (left.pop(0) if len(left) > 1 else left[0]).encode()
                writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()
        await writer.wait_closed()
        done.set()

    done = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire("127.0.0.1", int(server.sockets[0].getsockname()[1]), connections=1, timeout_seconds=5)
    yield wire
    wire.close()
    await done.wait()
    server.close()


async def test_a_scrape_counts_only_figures_read_after_the_year() -> None:
    stale = SCRAPE.format(read_at=time.time() - 3, land=1.0)
    fresh = SCRAPE.format(read_at=time.time() + 60, land=9.0)
    async with answering(stale, fresh) as wire:
        witness = await scrape_of(wire)
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


async def test_a_report_that_is_refused_is_a_fault() -> None:
    async with answering('{"code":"agency_unknown"}', status="404 Not Found") as wire:
        witness, _ = await report_of(wire, FIRST_DAY, LAST_DAY)
    assert witness.faults == ("the report answered 404",)
    assert date(2020, 1, 1) == FIRST_DAY
