"""Faults 32 and 39: the clock of the law, and those of machines."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from deploy.debian_tools import FAKETIME, REMEDY, find_library
from deploy.demo.calls import Caller
from deploy.local.services import SERVICES
from shared.clocks import machine_now, write_scenario
from tests.faults.disks import NotBrought
from tests.faults.strikes.at_database import is_503
from tests.faults.town import Scene
from tests.faults.trial import LEASE_SECONDS
from tests.machine_clock import MachineClock
from tests.waiting import until

HOUR = timedelta(hours=1)
READ_AT = "motcua_database_figures_read_timestamp_seconds"
CALLS = "motcua_notice_calls_total"
EXPORTER = "select holder from metrics.export_leases"
TOLD_MEANWHILE = {False: 1, True: 20}
"""So many calls each sender makes at least while the clocks are apart, on either side."""


async def clock_jumps(scene: Scene) -> str:
    """Legal time leaps an hour, then its file goes back an hour: everybody waits until it is set on again."""
    town, file = scene.town, scene.stack.folder.scenario_clock
    await scene.load.over()
    town.move_clock(timedelta(hours=1))
    await scene.load.more(1)
    moment, since, pids = town.legal_now(), len(town.answers()), town.pids()
    item, duty = await town.first_duty(await town.file())
    write_scenario(file, moment - timedelta(hours=1))
    try:
        filing, acting = asyncio.create_task(town.file()), asyncio.create_task(town.offices.act(item, duty))
        for target in ("/v1/dossiers", f"/v1/dossiers/{item.code}/acts/{duty.action}"):
            await town.answered(lambda line, asked=target: is_503(line) and line["target"] == asked, since)
    finally:
        write_scenario(file, moment)
        scene.let_go()
    entry, _ = await asyncio.gather(filing, acting)
    if town.pids() != pids:
        raise RuntimeError("a process ended because the clock went back")
    return f"an hour ahead: accepted; an hour back: 503 to desk and officer; on again: {entry.code} under the same key"


async def machines_apart(scene: Scene) -> str:
    """A second process of each service, an hour ahead of the first; then their clock jumps to an hour behind.

    Answers come late, so that there are always messages whose sender waits, and of which the other one knows only how
    long they may take.
    """
    library = find_library(FAKETIME)
    if library is None:
        raise NotBrought(f"libfaketime is not there: {REMEDY}")
    town, clock = scene.town, MachineClock(library, scene.stack.folder.path / "machine-clock")
    told = []
    clock.set(HOUR)
    async with contextlib.AsyncExitStack() as others:
        for service in SERVICES:
            await others.enter_async_context(scene.stack.second(service, **clock.environment))
        for ahead in (HOUR, -HOUR):
            exporter = await town.ask(EXPORTER)
            clock.set(ahead)
            told.append(await _told_by_both(scene, ahead))
            if await town.ask(EXPORTER) != exporter:
                raise AssertionError("a process whose clock is another took the exporter's lease from one that lives")
        await town.watch.quiet()
        scene.let_go()
    return "; ".join(
        f"second processes an hour {side}: {own} messages sent by them, {other} by the first"
        for side, (own, other) in zip(("ahead", "behind"), told, strict=True)
    )


async def _told_by_both(scene: Scene, ahead: timedelta) -> tuple[int, int]:
    """File for longer than a lease lasts, until both senders have made their calls; answers how many each made."""
    town, ports = scene.town, scene.stack.ports
    first, second = town.caller(ports.notification), town.caller(ports.notification_2)

    async def is_apart() -> bool:
        return abs((await _page(second))[READ_AT] - (machine_now() + ahead).timestamp()) < HOUR.total_seconds() / 2

    await until(is_apart)
    began, before = time.monotonic(), [(await _page(each))[CALLS] for each in (second, first)]

    async def told() -> tuple[int, int] | None:
        await town.conduct("sms", "slow", 8)
        await scene.load.more(4)
        own, other = [int((await _page(each))[CALLS] - was) for each, was in zip((second, first), before, strict=True)]
        enough = time.monotonic() - began > LEASE_SECONDS and min(own, other) >= TOLD_MEANWHILE[scene.size.full]
        return (own, other) if enough else None

    return await until(told, "both senders have made their calls")


async def _page(caller: Caller) -> Counter[str]:
    """Read what Prometheus would be shown: each metric's sum."""
    text = (await caller.read("/metrics")).body.decode()
    found = Counter[str]()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] += sample.value  # type: ignore[assignment]
    return found
