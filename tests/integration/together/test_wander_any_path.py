"""Any path: random acts, legal and illegal, over HTTP on all parts while time jumps, calendars change and services die.

`make paths` walks many more. It moves the clock of the whole stack by months; its dispatches are taken back.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.intake.counter import Counter as Desk
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.situations import ROWS
from tests.paths.town import Town, eve_of_tet, town_at
from tests.paths.wandering import wander

RUNS, STEPS, SEED = 15, 30, 20200123
KILLS, DISPATCHES = 2, 3
OFTEN = {"assign", "take", "forward", "request_supplement", "submit_papers", "demand_payment", "reissue_deadline"}
"""What so many walks do in any case."""


@pytest.fixture
async def town(everywhere: Everywhere, counter: Desk, tmp_path: Path) -> AsyncIterator[Town]:
    extent = {"first": eve_of_tet(2020), "kills": KILLS, "dispatches": DISPATCHES}
    async with town_at(everywhere, counter, tmp_path, **extent) as town:
        yield town


async def test_whatever_is_done_on_any_path_the_clock_is_what_the_facts_say(town: Town) -> None:
    came = await asyncio.to_thread(wander, town, runs=RUNS, steps=STEPS, number=SEED)
    told = f"seed {SEED}: {came}; {came.mix}"
    sys.stdout.write(told)
    assert came.runs >= RUNS, told
    assert came.moved >= RUNS, told
    assert {row.action for row in ROWS if came.mix.legal[row.no]} >= OFTEN, told
    assert came.mix.illegal.total() >= RUNS * 4, told
