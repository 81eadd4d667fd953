"""A service that does nothing but what the test of the runtime asks of it."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter

from shared.http.bodies import RequestBody
from shared.loops import ALIVE_SECONDS, Loop, Pulse
from shared.messaging.faults import Unready
from shared.runtime import Parts, Resources, Service, Surface, run
from shared.settings import ServiceSettings

HOW, GO_ON = os.environ["TRIAL"], Path(os.environ["TRIAL_GO_ON"])
router = APIRouter()
begun, go_on, frozen, seen = asyncio.Event(), asyncio.Event(), asyncio.Event(), asyncio.Event()
tries = 0


class Body(RequestBody):
    text: str


@router.get("/slow")
async def slow() -> dict[str, str]:
    begun.set()
    await go_on.wait()
    return {"answer": "whole"}


@router.post("/bodies")
async def take_in(body: Body) -> int:
    return len(body.text)


@router.get("/begun")
async def slow_has_begun() -> None:
    await begun.wait()


@router.get("/freeze")
async def freeze() -> None:
    frozen.set()
    seen.clear()
    await seen.wait()


@dataclass
class Trial:
    """A loop that can do no work; its clock is 30 s further once it is frozen."""

    loop: Loop
    pulse: Pulse

    async def run(self, stop: asyncio.Event) -> None:
        self.pulse.turn()
        await self.loop(stop)


def clock() -> float:
    return time.monotonic() + ALIVE_SECONDS * frozen.is_set()


async def turns(stop: asyncio.Event) -> None:
    """Turn on, whatever the clock says."""
    while not stop.is_set():
        PULSE.turn()
        seen.set()
        await asyncio.sleep(0.01)


async def freezes(stop: asyncio.Event) -> None:
    """Turn until frozen, then stand still."""
    while not stop.is_set() and not frozen.is_set():
        PULSE.turn()
        await asyncio.sleep(0.01)
    seen.set()
    await stop.wait()


async def keep(stop: asyncio.Event) -> None:
    await stop.wait()


async def dies(_: asyncio.Event) -> None:
    await begun.wait()
    raise RuntimeError("this loop dies")


async def comes_back(_: asyncio.Event) -> None:
    await begun.wait()


async def is_cancelled(_: asyncio.Event) -> None:
    """Meet a future that nobody but its own library cancelled."""
    await begun.wait()
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def lets_go(stop: asyncio.Event) -> None:
    """Let the slow request end when the test says so, which it does after it told the process to end."""
    while not GO_ON.exists():
        await asyncio.sleep(0.01)
    go_on.set()
    await stop.wait()


async def prepare() -> None:
    global tries  # noqa: PLW0603 - one process, one trial
    tries += 1
    if tries < 3:
        raise Unready("not yet")


LOOPS: dict[str, Loop] = {
    "dies": dies,
    "comes back": comes_back,
    "is cancelled": is_cancelled,
    "lets go": lets_go,
    "keeps": keep,
    "turns": turns,
    "freezes": freezes,
}
PULSE = Pulse("it can do no work", clock)


async def build(_: Resources[ServiceSettings]) -> Parts:
    return Parts(surface=Surface(routers=[router]), prepare=[prepare], loops={HOW: Trial(LOOPS[HOW], PULSE)})


if __name__ == "__main__":
    run(Service("trial", ServiceSettings, build))
