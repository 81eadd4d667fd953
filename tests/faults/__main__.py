"""`python -m tests.faults`: every fault at full size, and the page of what came of it; `--rows 1,5,18 --seed N`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import sys
import time
from collections.abc import Sequence

from shared.messaging.faults import reason_of
from tests.faults import page
from tests.faults.disks import Refused
from tests.faults.rows import ROWS, NotInjected, Row
from tests.faults.runner import Outcome, play
from tests.faults.town import Town
from tests.faults.trial import TrialStack


async def run(rows: Sequence[Row], seed: int, *, full: bool) -> tuple[list[Outcome], list[NotInjected]]:
    """Strike one running stack with these faults, one after the other."""
    outcomes, refused = [], []
    async with TrialStack(told=say) as stack:
        with contextlib.closing(Town(stack, seed)) as town:
            for number, row in enumerate(rows, 1):
                say(f"[{number}/{len(rows)}] {row.number} {row.fault} …")
                try:
                    outcomes.append(await play(town, row, full=full))
                except Refused as error:
                    refused.append(NotInjected(row.number, row.fault, str(error)))
                    say(f"    not injected: {refused[-1].why}")
                    continue
                except Exception as error:  # noqa: BLE001 - the other faults are still to be seen
                    outcomes.append(Outcome(row, seed, "", math.inf, [reason_of(error)]))
                    for note in error.__notes__:
                        say(note)
                tell(outcomes[-1])
    return outcomes, refused


def tell(outcome: Outcome) -> None:
    """Print what came of one fault, and all that does not hold."""
    say(page.line_of(outcome))
    for fault in outcome.broken:
        say(f"    {fault}")


def say(text: str) -> None:
    """Print at once: a long run is watched."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Read the command line; exit 1 when an invariant does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", default="", help="only these, by number: 1,5,18")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="small, as `make test` plays them; the page says so")
    asked = parser.parse_args()
    wanted = {int(number) for number in asked.rows.split(",") if number}
    rows = [row for row in ROWS if not wanted or row.number in wanted]
    began = time.monotonic()
    say(f"seed {asked.seed}")
    outcomes, refused = asyncio.run(run(rows, asked.seed, full=not asked.short))
    seconds = time.monotonic() - began
    if not wanted:
        page.write(outcomes, refused, seconds=seconds, full=not asked.short)
    broken = sum(bool(outcome.broken) for outcome in outcomes)
    struck = sum(bool(outcome.struck) for outcome in outcomes)
    say(f"{struck} of {len(rows)} faults struck, {broken} broke something, {seconds:.0f} s")
    return min(broken + len(refused), 1)


if __name__ == "__main__":
    sys.exit(main())
