"""`make fuzz`: every operation of every service is asked with 1,000 examples, on a stack of its own.

Prints what was answered, and a table for `docs/edge.md`. Exit 1 where something is wrong: answers that no document
allows, each with a command that asks it again; or an operation that asked for patience and is not one that may.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from shared.clocks import machine_now
from tests.faults.trial import FIRST_MORNING
from tests.fuzz.asking import Extent, Heard, ask, document_of
from tests.fuzz.house import known_to
from tests.fuzz.table import MARKS, PAGE, impatient, page_of
from tests.pages import write_between
from tests.ports import port_base

ROOT = Path(__file__).parents[2]
PORT_BASE = port_base("fuzz")
GENEROUS = {"MOTCUA_LIMITS__GUESSES": "1000000", "MOTCUA_LIMITS__ADDRESS_REQUESTS": "10000"}
"""Else most of what is asked without a token would only be told that it comes too often."""


async def fuzz(services: list[str], extent: Extent) -> dict[str, dict[str, Heard]]:
    """Start everything, and ask; answers what each service was heard to say."""
    ports, found = Ports.from_base(PORT_BASE), {}
    async with Stack(ROOT / "var" / "fuzz", ports, scenario=FIRST_MORNING, fresh=True) as stack:
        known = await known_to(stack, extent.seed)
        for service in services:
            begun = machine_now()
            url = stack.urls[service]
            found[service] = await asyncio.to_thread(ask, url, document_of(url), known[service], extent)
            say(f"{service}: {(machine_now() - begun).total_seconds():.0f} s")
            tell(found[service])
    return found


def tell(heard: Mapping[str, Heard]) -> None:
    """Print what each operation was heard to say, and what is wrong with it."""
    for operation, each in heard.items():
        again = f", asked again after 503: {each.asked_again}" if each.asked_again else ""
        say(f"    {operation}: {dict(sorted(each.statuses.items()))}{again}")
        if each.wrong is not None:
            say("".join(traceback.format_exception(each.wrong)))


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 - its output


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--service", action="append", choices=SERVICES, help="all when none is named")
    parser.add_argument("--examples", type=int, default=1000, help="of each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write-docs", action="store_true", help="write the table into docs/edge.md")
    typed = parser.parse_args()
    os.environ.update(GENEROUS)
    extent = Extent(typed.examples, typed.seed)
    found = asyncio.run(fuzz(typed.service or list(SERVICES), extent))
    page = page_of(found, extent)
    say(f"\n{page}")
    if typed.write_docs:
        write_between(PAGE, MARKS, page)
    for operation in impatient(found):
        say(f"{operation} asked for patience, and nothing is known for which it may")
    wrong = any(each.wrong for heard in found.values() for each in heard.values())
    return 1 if wrong or list(impatient(found)) else 0


if __name__ == "__main__":
    sys.exit(main())
