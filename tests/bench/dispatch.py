"""A dispatch over 10,000 open dossiers: what `motcua calendar plan` takes, and whether the set foretold is moved."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.clocks import write_scenario
from shared.contracts.topics import LIFECYCLE
from shared.rulebook.calendar import ZONE
from shared.rulebook.identifiers import DossierCode
from tests.bench import kafka, year_facts
from tests.bench.rounds import Refused, Round, Size, say
from tests.bench.stack import BenchStack
from tests.operating import as_json
from tests.unit.rulebook.dispatches import SWAP
from tests.waiting import until

DOSSIERS = 10_000
PROVINCE = "H56.90"
TAKEN_IN = datetime(2020, 3, 9, 7, 0, tzinfo=ZONE)
"""Monday before the Friday that is to be off: whatever takes a week is moved."""
PLANNED = TAKEN_IN + timedelta(hours=3)
OPEN = "select count(*) from processing.cases"
REISSUED = """
select subject from processing.journal
where type = 'vn.motcua.dossier.deadline_reissued.v1' and convert_from(body, 'utf8')::jsonb ->> 'calendar_version' = $1
"""


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start PostgreSQL, Kafka, intake and processing, and open the dossiers."""
    async with BenchStack("intake", "processing") as stack:
        assert stack.scenario_file is not None
        write_scenario(stack.scenario_file, PLANNED)
        say(f"dispatch: {DOSSIERS} open dossiers")
        await kafka.fill(stack, LIFECYCLE, [fact.message() for fact in taken_in()])

        async def opened() -> bool:
            return bool(await stack.ask(OPEN) == DOSSIERS)

        await until(opened, "every case is open", seconds=300, pause=0.5)
        await stack.rest()
        file = stack.folder.path / "dispatch.csv"
        file.write_text(SWAP, "utf-8")

        async def one_round() -> Mapping[str, float]:
            plans = [await _timed(stack, "plan", str(file)) for _ in range(size.rounds)]
            signed = ("--token", stack.token("leader", PROVINCE, "signer"))
            applied, took = await _timed(stack, "apply", str(file), *signed)
            for plan, _ in plans:
                await _refuse_unless_moved(stack, plan)
            if applied["moved"] != plans[0][0]["moved"]:
                raise Refused("what was planned and what was applied are not the same")
            return {
                "dispatch_plan_s": statistics.median(seconds for _, seconds in plans),
                "dispatch_apply_s": took,
                "dispatch_moved": len(applied["moved"]),
            }

        yield one_round


async def _timed(stack: BenchStack, *words: str) -> tuple[Any, float]:
    began = time.monotonic()
    answer = await as_json(stack, "calendar", *words)
    return answer, time.monotonic() - began


async def _refuse_unless_moved(stack: BenchStack, plan: Mapping[str, Any]) -> None:
    """Hold the plan against the facts, code by code. Raises Refused."""
    foretold = sorted(each["code"] for each in plan["moved"])
    moved = sorted(row["subject"] for row in await stack.rows(REISSUED, plan["version"]))
    if plan["open"] != DOSSIERS or not foretold or foretold != moved:
        raise Refused(f"{plan['open']} open, {len(foretold)} foretold, {len(moved)} moved, or others than foretold")


def taken_in() -> Iterator[year_facts.YearFact]:
    """Take in dossiers of the year's mix, each at its place, all in one morning."""
    numbers: Counter[str] = Counter()
    for number, (arrival, _) in enumerate(year_facts.arrivals(DOSSIERS)):
        place = arrival.place.code
        numbers[place] += 1
        code = DossierCode(place, TAKEN_IN.date(), numbers[place])
        moment = TAKEN_IN + timedelta(seconds=number % 3600)
        yield year_facts.accepted(replace(arrival, moment=moment), str(code))
