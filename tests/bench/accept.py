"""Accepting: one intake process at 25 places and at one, beside a POST of the same model that does nothing."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from deploy.local.parts import refuses_connections
from deploy.local.processes import Child, Launch
from tests.bench import filings, wrk
from tests.bench.machine import Meter, resident_megabytes
from tests.bench.rounds import Refused, Round, Size
from tests.bench.stack import PORT_BASE, ROOT, BenchStack
from tests.ports import BLOCK
from tests.waiting import until

FLOOR_PORT = PORT_BASE + BLOCK
ACCEPTED = "select count(*) from intake.dossiers"
LEFT_BEHIND = 2 * wrk.CONNECTIONS
"""So many filings nobody waits for may be stored meanwhile: wrk leaves one on each connection at a load's end, and so
did the load before."""


@dataclass(frozen=True)
class Loaded:
    """What came of one load, and microseconds of processor time for each answer: the server's, the database's."""

    load: wrk.Load
    cpu_us: float
    database_cpu_us: float


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start PostgreSQL, Kafka and intake with its relay; the other services stay stopped."""
    async with BenchStack("intake") as stack, floor(stack) as child:

        async def one_round() -> Mapping[str, float]:
            everywhere = await accept(stack, filings.at_all_places(stack), size)
            resident = resident_megabytes(stack.pid("intake"))
            one_place = await accept(stack, filings.at_one_place(stack), size)
            await stack.rest()
            nothing = await _load(stack, FLOOR_PORT, child.identity.pid, filings.at_all_places(stack), size)
            return {
                "accept_per_s": everywhere.load.per_s,
                "accept_p50_ms": everywhere.load.p50_ms,
                "accept_p95_ms": everywhere.load.p95_ms,
                "accept_p99_ms": everywhere.load.p99_ms,
                "accept_cpu_us": everywhere.cpu_us,
                "accept_database_cpu_us": everywhere.database_cpu_us,
                "accept_one_place_per_s": one_place.load.per_s,
                "accept_one_place_p95_ms": one_place.load.p95_ms,
                "accept_floor_per_s": nothing.load.per_s,
                "accept_floor_p95_ms": nothing.load.p95_ms,
                "accept_floor_cpu_us": nothing.cpu_us,
                "intake_rss_mb": resident,
            }

        yield one_round


async def accept(stack: BenchStack, requests: Sequence[wrk.Request], size: Size) -> Loaded:
    """Load intake, and wait until its relay has published it all. Raises Refused unless each answer is a dossier."""
    before = await stack.ask(ACCEPTED)
    found = await _load(stack, stack.ports.intake, stack.pid("intake"), requests, size)
    await stack.sent("intake")
    stored = await stack.ask(ACCEPTED) - before
    if not 0 <= stored - found.load.answers <= LEFT_BEHIND:
        raise Refused(f"{found.load.answers} filings were acknowledged, {stored} dossiers are stored")
    return found


async def _load(stack: BenchStack, port: int, pid: int, requests: Sequence[wrk.Request], size: Size) -> Loaded:
    meter, folder = Meter.of(server=pid, database=stack.pid("postgres")), stack.folder.path
    found = await wrk.load(port, requests, seconds=size.seconds, folder=folder, wanted=HTTPStatus.CREATED)
    return Loaded(found, *(meter.microseconds(name, found.answers) for name in ("server", "database")))


@contextlib.asynccontextmanager
async def floor(stack: BenchStack) -> AsyncIterator[Child]:
    """Run the POST that does nothing."""
    launch = Launch(
        command=[sys.executable, "-m", "tests.bench.floor", str(FLOOR_PORT)],
        environment={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        log=stack.folder.logs / "floor.log",
        folder=stack.folder.path,
    )
    child = Child(launch)
    try:
        await until(_answers, "the floor answers")
        yield child
    finally:
        await child.end(signal.SIGTERM, 10)


async def _answers() -> bool:
    return await refuses_connections(FLOOR_PORT) is None
