"""`python -m tests.simulation --seeds 1-300`, or one of them with everything that happened: `--seed 17 --trace`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable

import uvloop

from tests.simulation.store import opened
from tests.simulation.world import Verdict, play

TOLD_EVERY = 100


async def run(seeds: Iterable[int], *, trace: bool) -> int:
    """Play the seeds; answers how many failed."""
    failed, played, struck, began = 0, 0, Counter[str](), time.monotonic()
    async with opened("simulation") as store:
        for seed in seeds:
            verdict = await play(store, seed)
            played, struck, failed = played + 1, struck + verdict.struck, failed + bool(verdict.faults)
            tell(verdict, trace=trace)
            if played % TOLD_EVERY == 0:
                say(f"{played} seeds, {failed} failed, {time.monotonic() - began:.0f} s")
    say(f"{played} seeds, {failed} failed; struck: {', '.join(f'{fault} {n}' for fault, n in struck.most_common())}")
    return failed


def tell(verdict: Verdict, *, trace: bool) -> None:
    """Print what a seed is asked for: its trace, and what does not hold."""
    if trace:
        say("\n".join(verdict.trace))
    if trace or verdict.faults:
        say(f"seed {verdict.seed}: {len(verdict.faults)} faults, digest {verdict.digest[:16]}")
    for fault in verdict.faults:
        say(f"    {fault}")


def say(text: str) -> None:
    """Print at once: a long run is watched."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="1-300", help="A-B, both included, or one number N for 1-N")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="print every decision")
    asked = parser.parse_args()
    first, _, last = asked.seeds.rpartition("-")
    seeds = range(int(first or 1), int(last) + 1) if asked.seed is None else [asked.seed]
    return min(uvloop.run(run(seeds, trace=asked.trace)), 1)


if __name__ == "__main__":
    sys.exit(main())
