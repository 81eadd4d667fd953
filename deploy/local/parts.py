"""What the supervisor needs to know of a part: how it is started, when it is ready, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploy.local.processes import Launch

Probe = Callable[[], Awaitable[str | None]]
"""Answers None when the part is ready, else the reason why it is not."""


@dataclass(frozen=True)
class Part:
    """One supervised process.

    `server`: others need it, so it ends after them. `stop_seconds` bounds the polite end.
    """

    name: str
    launch: Launch
    probe: Probe
    server: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15


async def refuses_connections(port: int, seconds: float = 1) -> str | None:
    """None when something on 127.0.0.1 accepts on this port, else the reason."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError) as error:
        return f"port {port} does not accept: {type(error).__name__}"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return None
