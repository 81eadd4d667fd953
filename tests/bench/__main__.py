"""`python -m tests.bench` (`make bench`): how fast the system is, beside floors and a rival of the same run."""

from __future__ import annotations

import argparse
import sys

import uvloop

from tests.bench import report
from tests.bench.measurements import MEASUREMENTS, ONLY_WHEN_ASKED
from tests.bench.rounds import Size, play, say

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


async def run(names: list[str], size: Size) -> report.Run:
    """Play measurements one after the other; what is done is kept at once."""
    played = []
    for name in names:
        played.append(await play(MEASUREMENTS[name], size))
        report.keep(report.Run(size, played))
    return report.Run(size, played)


def main() -> int:
    """Read the command line; exit 1 when a measurement was refused. A goal that is not reached is no error."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=Size.rounds, help="rounds that count, after one warm-up")
    parser.add_argument("--seconds", type=int, default=Size.seconds, help="how long a load lasts")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=sorted(MEASUREMENTS), help="only these: %(choices)s"
    )
    parser.add_argument("--write-docs", action="store_true", help="write the table into docs/benchmarks.md")
    parser.add_argument("--dossiers", type=int, default=Size.dossiers, help="how many are there to be read")
    asked = parser.parse_args()
    if asked.rounds < 1 or asked.seconds < 1:
        parser.error("rounds and seconds count from 1")
    names = [name for name in MEASUREMENTS if name in (asked.only or MEASUREMENTS.keys() - ONLY_WHEN_ASKED)]
    try:
        found = uvloop.run(run(names, Size(asked.rounds, asked.seconds, asked.dossiers)))
    except KeyboardInterrupt:
        say("interrupted; all that was started is ended")
        return INTERRUPTED
    report.show(found)
    if asked.write_docs:
        report.write_page(found)
    say(f"every round, the machine and its load: {report.RESULT}")
    return 1 if found.refused else 0


if __name__ == "__main__":
    sys.exit(main())
