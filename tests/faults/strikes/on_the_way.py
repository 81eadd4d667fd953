"""Fault 22: what lies between the services and both servers is slow, stalls, resets, half-opens or loses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploy.demo.ledger import Entry
from tests.faults.proxy import Proxy, Weather
from tests.faults.signals import DidNotStrike
from tests.faults.strikes.at_broker import UNSENT
from tests.faults.strikes.at_consumers import OPENED
from tests.faults.town import Scene
from tests.waiting import until

SLOW_BYTES = 128_000
"""One megabit each second."""
HEALTH = b"select 1\x00"
Filing = asyncio.Task[list[Entry]]


async def _unanswered(_scene: Scene, filing: Filing) -> bool:
    return not filing.done()


async def _unpublished(scene: Scene, filing: Filing) -> bool:
    codes = [entry.code for entry in await filing]
    return bool(await scene.town.ask(UNSENT, codes) == len(codes))


@dataclass(frozen=True)
class Way:
    """The way to one server, and how it shows that a dossier filed meanwhile is held up there."""

    name: str
    proxy: Proxy
    holds_up: Callable[[Scene, Filing], Awaitable[bool]]

    async def caught(self, counted: Callable[[], int]) -> int:
        """Wait until some bytes were caught. Raises DidNotStrike."""

        async def some() -> int:
            return counted()

        try:
            return await until(some)
        except TimeoutError:
            raise DidNotStrike(f"nothing was caught on the way to {self.name}") from None

    async def closed(self, scene: Scene, counted: Callable[[], int]) -> tuple[Filing, int]:
        """File, and wait until bytes are caught while nothing of the dossier gets past. Raises DidNotStrike."""
        filing = scene.load.begin(1)
        await self.caught(counted)
        await asyncio.sleep(scene.size.hold)  # how long it lasts
        if not await self.holds_up(scene, filing):
            raise DidNotStrike(f"a dossier got past what befell the way to {self.name}")
        return filing, counted()


async def far_away(scene: Scene) -> str:
    """Before both servers: 200 ms and one megabit, a stall, a reset, half-open connections, and a black hole."""
    ways = (
        Way("PostgreSQL", scene.stack.database, _unanswered),
        Way("Kafka", scene.stack.kafka, _unpublished),
    )
    return "; ".join([f"{way.name}: {', '.join([await befall(scene, way) for befall in BEFALLS])}" for way in ways])


async def _slow(scene: Scene, way: Way) -> str:
    before, way.proxy.weather = way.proxy.late, Weather(delay=0.2, bytes_per_second=SLOW_BYTES)
    try:
        await scene.load.more(1)
        await asyncio.sleep(scene.size.hold)  # how long it lasts
        await way.caught(lambda: way.proxy.late - before)
    finally:
        way.proxy.weather = Weather()
    return f"{way.proxy.late - before} bytes late"


async def _stalled(scene: Scene, way: Way) -> str:
    way.proxy.stall()
    try:
        filing, caught = await way.closed(scene, lambda: sum(map(len, way.proxy.waiting())))
    finally:
        way.proxy.flow()
    scene.let_go()
    await filing
    return f"{caught} stalled"


async def _reset(scene: Scene, way: Way) -> str:
    lines = way.proxy.reset()
    scene.let_go()
    if not lines:
        raise DidNotStrike(f"nobody had a line to {way.name}")
    await scene.load.more(1)
    return f"{lines} lines reset"


async def _half_open(scene: Scene, way: Way) -> str:
    """The server is gone and says nothing: whoever asks must give up by himself."""
    # On lines in use: while all that they asked is still to be answered they ask nothing, and new ones would be whole.
    (entry,) = await scene.load.more(1)
    await scene.town.holds(OPENED, entry.code)
    before, given_up, lines = way.proxy.lost, len(way.proxy.given_up), way.proxy.half_open()
    filing = scene.load.begin(1)
    caught = await way.caught(lambda: way.proxy.lost - before)
    await GIVEN_UP[way.name](scene, filing, lambda: way.proxy.given_up[given_up:])
    way.proxy.reset()
    scene.let_go()
    await filing
    return f"{lines} lines half-open, which took {caught} bytes"


async def _line_given_up(_scene: Scene, _filing: Filing, given_up: Callable[[], list[bytes]]) -> None:
    """Whoever worked on a line closes it: the filing, or the relay that was before it, and left it one that is whole.

    Who asks for /readyz whether the server answers has a patience of his own, and proves nothing.
    """

    async def one() -> bool:
        return any(HEALTH not in asked for asked in given_up())

    await until(one, "nobody gave a half-open line up")


async def _opened_all_the_same(scene: Scene, filing: Filing, _given_up: Callable[[], list[bytes]]) -> None:
    """Where there is time for it: relay and reader find another line, and the dossier gets its case."""
    if scene.size.full:
        (entry,) = await filing
        await scene.town.holds(OPENED, entry.code)


async def _swallowed(scene: Scene, way: Way) -> str:
    """A black hole, then resets: what went in is lost."""
    before = way.proxy.lost
    way.proxy.swallow()
    try:
        filing, caught = await way.closed(scene, lambda: way.proxy.lost - before)
    finally:
        way.proxy.swallow_no_more()
    scene.let_go()
    await filing
    return f"{caught} bytes swallowed"


GIVEN_UP = {"PostgreSQL": _line_given_up, "Kafka": _opened_all_the_same}
"""How it is seen that a half-open line was given up."""
BEFALLS = (_slow, _stalled, _reset, _half_open, _swallowed)
