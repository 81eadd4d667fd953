"""Waiting for a condition, not for a time, for every test that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import repeat
from typing import TypeVar

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.2
LONGER = 1.1
Found = TypeVar("Found")


async def until(
    holds: Callable[[], Awaitable[Found | None]], named: str = "", *, seconds: float = 90, pause: float | None = None
) -> Found:
    """Ask again and again; answers what `holds` answered. Raises TimeoutError, naming the condition.

    Between two questions are `pause` seconds, else a little longer each time: whoever waits long asks less often.
    """
    pauses = longer_and_longer() if pause is None else repeat(pause)
    try:
        async with asyncio.timeout(seconds):
            while not (found := await holds()):
                await asyncio.sleep(next(pauses))
    except TimeoutError:
        raise TimeoutError(f"not reached: {named or holds.__qualname__}") from None
    return found


def longer_and_longer() -> Iterator[float]:
    """Give one pause after the other, in seconds."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * LONGER, LONGEST_PAUSE_SECONDS)
