"""One stack of the random paths, in a process of its own: walked at, and verified from outside at the end."""

from __future__ import annotations

import asyncio
import tempfile
import traceback
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from deploy.local.supervisor import PartFailed
from deploy.provision.broker import NotInForce
from tests.integration.intake.counter import counter_at
from tests.integration.together.everywhere import eyes_on
from tests.paths.dispatches import TET
from tests.paths.town import Came, eve_of_tet, town_at
from tests.paths.wandering import wander
from tests.ports import BLOCK, port_base

ROOT = Path(__file__).parents[2]
PORT_BASE = port_base("paths")
AT_ONE_STACK = 20
"""How many runs share a stack."""
KILLS, DISPATCHES = 6, 12
"""At each stack."""


async def walk(runs: int, steps: int, number: int, place: int) -> Came:
    """Walk at one stack, and verify all of it from outside at the end."""
    began = eve_of_tet(min(TET) + number % len(TET))
    ports = Ports.from_base(PORT_BASE + BLOCK * place)
    with tempfile.TemporaryDirectory() as kept:
        async with (
            Stack(ROOT / "var" / f"paths-{place}", ports, scenario=began, fresh=True) as stack,
            eyes_on(stack) as everywhere,
            counter_at(stack) as counter,
            town_at(everywhere, counter, Path(kept), first=began, kills=KILLS, dispatches=DISPATCHES) as town,
        ):
            half = max(runs // 2, 1)
            await asyncio.to_thread(wander, town, runs=half, steps=steps, number=number)
            heads = await town.publish()
            if runs > half:
                await asyncio.to_thread(wander, town, runs=runs - half, steps=steps, number=-number)
            await town.verify_all(heads)
            return town.came


def walked(runs: int, steps: int, number: int, place: int) -> Came | str:
    """The same in a process of its own; answers what went wrong, where anything did.

    A stack that a busy machine could not start in time is started once more.
    """
    try:
        try:
            return asyncio.run(walk(runs, steps, number, place))
        except (NotInForce, PartFailed):
            return asyncio.run(walk(runs, steps, number, place))
    except Exception:  # noqa: BLE001 - the other stacks are still to be seen
        return traceback.format_exc()
