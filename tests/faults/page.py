"""Writes `docs/faults.md`: what a whole run of the faults came to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tests.faults.rows import NOT_INJECTED, NotInjected
from tests.faults.runner import Outcome
from tests.faults.trial import ROOT

PAGE = ROOT / "docs" / "faults.md"
HEAD = """# Faults

This page is written by `python -m tests.faults{flag}` (`make faults`); do not edit it.
Seed {seed}, {size}, commit {commit}, {day}, {seconds:.0f} s.

One stack runs, one process of each service (faults 15, 25, 36 and 39 begin a second, fault 38
a third), desks file and officers act, and one fault after the other strikes it. Each is seen to strike, lets go,
and must leave all quiet within 60 s; then an independent checker (`tests/faults/checker.py`) judges everything that
was written down since the beginning: answers to clients, every record of the topics about dossiers, every move of a
cursor, every receipt of the sinks.
"Aims at" names what a fault is most likely to break; all eight invariants are judged after each.
`make faults ARGS="--rows 5,18 --seed {seed}{flag}"` plays rows again.

| invariant | what holds |
|---|---|
| I1 | what was acknowledged is there once, under one code for each key, and numbers have no holes |
| I2 | every recorded fact is on its topic, byte for byte, and nothing else is |
| I3 | effects come in the order of their dossier, each once |
| I4 | the history of states is a path of the law; timers that are due fire, once |
| I5 | who is owed a message gets it, or it stands as failed; none comes twice without leave, none that nobody sent |
| I6 | figures are a recount of the facts |
| I7 | all recovers by itself within 60 s |
| I8 | no person in logs, metrics and facts; memory and open files stay bounded |

| # | fault | seed | struck | all quiet after | aims at | invariants |
|---|---|---|---|---|---|---|
"""
NOT_HERE = """
## Not injected

| # | fault | why |
|---|---|---|
"""


def line_of(outcome: Outcome) -> str:
    """Say in one line what came of one fault."""
    row = outcome.row
    held = "I1–I8 hold" if not outcome.broken else "; ".join(outcome.broken[:3])
    after = f"{outcome.recovered_after:.1f} s"
    cells = (str(row.number), row.fault, str(outcome.seed), outcome.struck, after, row.aims_at, held)
    return f"| {' | '.join(cells)} |"


def write(outcomes: Sequence[Outcome], refused: Iterable[NotInjected], *, seconds: float, full: bool) -> None:
    """Write the page anew."""
    seed, size = outcomes[0].seed, "full size" if full else "short form"
    day, flag = datetime.now(UTC).date().isoformat(), "" if full else " --short"
    text = HEAD.format(seed=seed, size=size, commit=_commit(), day=day, seconds=seconds, flag=flag)
    text += "".join(f"{line_of(outcome)}\n" for outcome in outcomes)
    missing = sorted((*NOT_INJECTED, *refused), key=lambda each: each.number)
    text += NOT_HERE + "".join(f"| {each.number} | {each.fault} | {each.why} |\n" for each in missing)
    PAGE.write_text(text, "utf-8")


def _commit() -> str:
    """Name the commit whose code runs, and say where it has been changed since."""
    command = ["git", "describe", "--always", "--exclude=*", "--dirty= with changes"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
