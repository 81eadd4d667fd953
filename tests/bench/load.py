"""Loads at a rate, whatever the answers take, and what their latencies come to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from tests.bench.rounds import Refused

SLOWER = 0.05
"""Where a load took so much longer than it should to be begun, the client could not keep up: it was not the rate."""


def percentile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that is not below this share of them (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-round(share * 1000) * len(ordered) // 1000) - 1)]


async def at_rate(per_second: float, seconds: float, one: Callable[[int, float], Coroutine[Any, Any, None]]) -> None:
    """Begin `one(number, its time)` so often a second, then wait for all. Raises Refused where the client was late.

    Times are those at which each should begin, by `time.time`: a server that is slow does not thin out its load.
    """
    begins = time.time() + 0.05
    async with asyncio.TaskGroup() as group:
        for number in range(round(per_second * seconds)):
            due = begins + number / per_second
            await asyncio.sleep(max(0.0, due - time.time()))
            group.create_task(one(number, due))
        begun = time.time() - begins
    if begun > seconds * (1 + SLOWER):
        raise Refused(f"the client took {begun:.2f} s instead of {seconds}: the rate was not {per_second:.0f}/s")
