"""`make paths`: random paths of dossiers over HTTP on the real stack, and `docs/paths.md`; `--runs 200 --seed 1`.

Twenty runs share a stack, which begins two days before Tết of one of five years and has a seed of its own; some stacks
stand side by side, each in a process of its own. Exit 1 where anything does not hold; a whole run must have done and
refused each move of the law often enough, too.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.faults.__main__ import say
from tests.paths import page
from tests.paths.one_stack import AT_ONE_STACK, walked
from tests.paths.town import Came

WHOLE, LEAST = 200, 20
"""From so many runs on each move must have been done, and refused, so often."""


async def walk_all(stacks: Sequence[int], steps: int, first: int, at_once: int) -> tuple[Came, list[int]]:
    """Walk at every stack, so many runs at each; answer what it came to, and the seeds that failed."""
    came, failed, places = Came(), list[int](), asyncio.Queue[int]()
    for place in range(at_once):
        places.put_nowait(place)
    with ProcessPoolExecutor(at_once, get_context("spawn")) as processes:

        async def one(runs: int, number: int) -> None:
            place, begun = await places.get(), time.monotonic()
            found = await asyncio.get_running_loop().run_in_executor(processes, walked, runs, steps, number, place)
            places.put_nowait(place)
            say(f"seed {number}: {found}, {time.monotonic() - begun:.0f} s")
            if isinstance(found, Came):
                came.add(found)
            else:
                failed.append(number)

        await asyncio.gather(*(one(runs, number) for number, runs in enumerate(stacks, first)))
    return came, failed


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.paths", description=__doc__)
    parser.add_argument("--runs", type=int, default=WHOLE)
    parser.add_argument("--steps", type=int, default=45, help="of each run")
    parser.add_argument("--seed", type=int, default=1, help="of the first stack; the next ones count on")
    parser.add_argument("--at-once", type=int, default=2, help="stacks side by side")
    asked = parser.parse_args()
    begun = time.monotonic()
    stacks = [min(AT_ONE_STACK, asked.runs - done) for done in range(0, asked.runs, AT_ONE_STACK)]
    came, failed = asyncio.run(walk_all(stacks, asked.steps, asked.seed, asked.at_once))
    seconds = time.monotonic() - begun
    say(f"{came}, {seconds:.0f} s\n\n{page.table_of(came.mix)}")
    seldom = list(came.mix.lacking(LEAST)) if asked.runs >= WHOLE else []
    for line in seldom:
        say(f"too seldom: {line}")
    if asked.runs >= WHOLE and not failed:
        last = asked.seed + len(stacks) - 1
        page.write(came, first=asked.seed, last=last, steps=asked.steps, seconds=seconds)
    return 1 if failed or seldom else 0


if __name__ == "__main__":
    sys.exit(main())
