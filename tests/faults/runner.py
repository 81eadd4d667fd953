"""Plays one row of the table: load, the strike, quiet, and the judgement over everything that was written down."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from tests.faults import checker
from tests.faults.recorder import now
from tests.faults.rows import Row
from tests.faults.town import Scene, Town


@dataclass(frozen=True)
class Outcome:
    """What came of one row. `broken` lists the invariants that do not hold, in words."""

    row: Row
    seed: int
    struck: str
    recovered_after: float
    broken: list[str]


async def play(town: Town, row: Row, *, full: bool) -> Outcome:
    """Play one row.

    Raises DidNotStrike, NeverQuiet or TimeoutError, with a note of how to play it again; and Refused of a machine that
    lacks what the row needs.
    """
    try:
        return await _play(town, row, full=full)
    except Exception as error:
        error.add_note(again(row, town.seed, full=full))
        raise


def again(row: Row, seed: int, *, full: bool) -> str:
    """Say how a row is played again."""
    return f"seed {seed}: python -m tests.faults --rows {row.number} --seed {seed}" + ("" if full else " --short")


async def _play(town: Town, row: Row, *, full: bool) -> Outcome:
    size = row.size(full=full)
    draw = Random(f"{town.seed} {row.number}")
    began = now()
    async with town.load(size) as load:
        await load.under_way()
        scene = Scene(town, load, size, draw)
        struck = await row.strike(scene)
        load.wind_up()
        healed, since = now(), min(scene.let_go_at, time.monotonic())
    await town.quiet()
    recovered_after = round(time.monotonic() - since, 1)
    strike = {"row": row.number, "seed": town.seed, "struck": struck, "began": began, "healed": healed}
    strike |= {"quiet": now(), "recovered_after": recovered_after, "legal_now": town.legal_now().isoformat()}
    strike |= {"may_double": row.may_double, "may_lose": row.may_lose}
    town.recorder.note("strikes", strike)
    await town.record(row.number)
    broken = checker.judge(checker.read(town.stack.folder.path))
    return Outcome(row, town.seed, struck, recovered_after, broken)
