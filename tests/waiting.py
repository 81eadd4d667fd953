"""Waiting for a condition, not for a time, for every test that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


async def until(
    holds: Callable[[], Awaitable[Found | None]], named: str = "", *, seconds: float = 90, pause: float = 0.02
) -> Found:
    """Ask again and again; answers what `holds` answered. Raises TimeoutError, naming the condition."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await holds()):
                await asyncio.sleep(pause)
    except TimeoutError:
        raise TimeoutError(f"not reached: {named or holds.__qualname__}") from None
    return found
