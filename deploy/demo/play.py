"""One year on a running stack, from the first filing to the report: what the command and the tests call."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping
from datetime import datetime

import asyncpg

from deploy.demo.calls import Caller
from deploy.demo.driver import Counts, Hook, World, Year
from deploy.demo.ledger import Ledger
from deploy.demo.offices import Offices
from deploy.demo.plan import FIRST_DAY, LAST_DAY, Rules, YearPlan
from deploy.demo.quiet import PATIENCE_SECONDS, POLL_SECONDS, Figures, NeverQuiet, Parked, Watch
from deploy.demo.report import Events, Notices, YearReport
from deploy.demo.witnesses.ledger import ledger_of
from deploy.demo.witnesses.service import report_of, scrape_of
from deploy.demo.witnesses.sql import held_by_code, sql_of
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from shared.clocks import write_scenario
from shared.http.wire import Wire
from shared.rulebook.calendar import ZONE
from shared.rulebook.loader import load_seed, parse_agencies, parse_calendar, parse_catalogue

CONNECTIONS = 64
"""Requests at once to each service: 25 desks file, and the officers of every office act beside them."""
BEGINS_AT = datetime.combine(FIRST_DAY, datetime.min.time(), tzinfo=ZONE)
"""Where the scenario clock stands before its first move."""


def seed_rules() -> Rules:
    """Read the package's rules, version 1: those that `provision` publishes to the services."""
    seed = load_seed()
    return Rules(
        catalogue=parse_catalogue("seed", seed.catalogue),
        calendar=parse_calendar("seed", seed.calendar),
        agencies=parse_agencies("seed", seed.agencies),
    )


class Stage:
    """A running stack as the year sees it: callers, tokens, the watch over quiet."""

    def __init__(self, stack: Stack, seed: int) -> None:
        wires = {
            part: Wire("127.0.0.1", stack.ports.of(part), connections=CONNECTIONS)
            for name in SERVICES
            for part in stack.processes(name)
        }
        sinks = Wire("127.0.0.1", stack.ports.sms, connections=1)
        self._wires = (*wires.values(), sinks)
        self.callers = {name: Caller(*(wires[part] for part in stack.processes(name))) for name in SERVICES}
        self.scraped = tuple(Caller(wires[part]) for part in stack.processes("metrics"))
        self.sinks = Caller(sinks)
        self.tokens = stack.token
        self.watch = Watch(self.callers, self.tokens("operator", "", "the-year"))
        self.offices = Offices(self.callers["intake"], self.callers["processing"], self.tokens, seed)

    def close(self) -> None:
        """Close every connection."""
        for wire in self._wires:
            wire.close()


async def play(
    stack: Stack,
    plan: YearPlan,
    *,
    hooks: Mapping[float, Hook] | None = None,
    on_progress: Callable[[Counts], None] = lambda _: None,
) -> YearReport:
    """Play the year and hear its witnesses. It ends early when a fact is parked for good: the report says so.

    Raises what the driver raises: `Refused`, `GaveUp`, `NeverQuiet`.
    """
    began = time.monotonic()
    clock_file = stack.scenario_file
    if clock_file is None:
        raise ValueError("the year needs a stack with a scenario clock")
    with (
        contextlib.closing(Stage(stack, plan.request.seed)) as stage,
        contextlib.closing(Ledger(stack.folder.path / "ledger.jsonl")) as ledger,
    ):
        world = World(
            offices=stage.offices,
            watch=stage.watch,
            ledger=ledger,
            set_clock=lambda moment: write_scenario(clock_file, moment),
        )
        year = Year(plan, world, hooks=hooks or {}, on_progress=on_progress)
        try:
            await year.run()
        except Parked:
            # Messages are still under way: their receipts come after them.
            await stage.watch.settled()
        return await hear(stack, stage, ledger, year.now, began)


async def hear(stack: Stack, stage: Stage, ledger: Ledger, counted_at: datetime, began: float) -> YearReport:
    """Ask every witness; `counted_at` is where the clock stands, `began` the monotonic second of the beginning."""
    await _receipts_are_in(stage)
    figures = await stage.watch.settled()
    report = await report_of(stage.callers["metrics"], FIRST_DAY, LAST_DAY)
    scrape = await scrape_of(stage.scraped)
    connection = await asyncpg.connect(stack.dsn())
    try:
        books = await sql_of(connection, counted_at)
        held = await held_by_code(connection)
    finally:
        await connection.close()
    acknowledged, foreign = ledger_of(ledger.told_by_code(), held, {"processing": ledger.moved_by_code()})
    return YearReport(
        witnesses=(report, scrape, books, acknowledged),
        notices=await _notices(stage),
        events=_events(figures),
        foreign=foreign,
        courses=ledger.courses(),
        codes_sha256=ledger.codes_sha256(),
        seconds=time.monotonic() - began,
    )


async def sinks_saw(stack: Stack) -> str:
    """Tell what arrived at the SMS and the mail sink, in words."""
    with contextlib.closing(Wire("127.0.0.1", stack.ports.sms)) as wire:
        found = await Caller(wire).get("/v1/summary")
    told = []
    for kind in ("sms", "mail"):
        repeated = f" and {found[kind]['repeated']:,} repeats" if found[kind]["repeated"] else ""
        told.append(f"{kind} {found[kind]['arrived']:,}{repeated}")
    return " · ".join((*told, f"receipts {found['receipts']['posted']:,}"))


async def _receipts_are_in(stage: Stage) -> None:
    """Wait until the SMS gateway has posted every receipt: they are facts of the year too. Raises `NeverQuiet`."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        waiting = (await stage.sinks.get("/v1/summary"))["receipts"]["waiting"]
        if not waiting:
            return
        await asyncio.sleep(POLL_SECONDS)
    raise NeverQuiet(f"the SMS gateway still has {waiting} receipts to post")


async def _notices(stage: Stage) -> Notices:
    found = await stage.callers["notification"].get("/v1/notices/summary", stage.tokens("operator", "", "the-year"))
    return Notices(**{field.name: int(found[field.name]) for field in dataclasses.fields(Notices)})


def _events(figures: Figures) -> Events:
    return Events(
        published=sum(sum(found["journaled"].values()) for found in figures.by_service.values()),
        consumed={service: sum(found["applied"].values()) for service, found in figures.by_service.items()},
        # All is settled: a gap that is still there waits for a fact that nobody journaled.
        parked=figures.parked + figures.gaps,
    )
