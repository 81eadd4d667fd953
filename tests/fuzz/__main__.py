"""`make fuzz`: every operation of every service is asked with 1,000 examples, on a stack of its own.

Ends with the first answer that no document allows, and a command that asks it again; else prints what was answered.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from shared.clocks import machine_now
from tests.faults.trial import FIRST_MORNING
from tests.fuzz.asking import Extent, ask, document_of
from tests.fuzz.house import known_to

ROOT = Path(__file__).parents[2]
PORT_BASE = int(os.environ.get("MOTCUA_TEST_PORTS_FUZZ", "21650"))
GENEROUS = {"MOTCUA_LIMITS__GUESSES": "1000000", "MOTCUA_LIMITS__ADDRESS_REQUESTS": "10000"}
"""Else most of what is asked without a token would only be told that it comes too often."""


async def fuzz(services: list[str], extent: Extent) -> None:
    """Start everything, and ask."""
    ports = Ports.from_base(PORT_BASE)
    async with Stack(ROOT / "var" / "fuzz", ports, scenario=FIRST_MORNING, fresh=True) as stack:
        known = await known_to(stack, extent.seed)
        for service in services:
            begun = machine_now()
            url = stack.urls[service]
            heard = await asyncio.to_thread(ask, url, document_of(url), known[service], extent)
            print(f"{service}: {(machine_now() - begun).total_seconds():.0f} s")  # noqa: T201 - its output
            for operation, statuses in heard.items():
                print(f"    {operation}: {dict(sorted(statuses.items()))}", flush=True)  # noqa: T201 - its output


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--service", action="append", choices=SERVICES, help="all when none is named")
    parser.add_argument("--examples", type=int, default=1000, help="of each operation")
    parser.add_argument("--seed", type=int, default=1)
    typed = parser.parse_args()
    os.environ.update(GENEROUS)
    asyncio.run(fuzz(typed.service or list(SERVICES), Extent(typed.examples, typed.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
