"""Fault 38: many timers of one minute, three processes of processing; one is killed and one frozen in the middle."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from datetime import time as hour

from deploy.demo.plan import Arrival
from shared.clocks import OFFICE_ZONE
from shared.rulebook.limits import LimitKind
from shared.rulebook.loader import load_seed, parse_calendar
from tests.faults.checker import RECOVERS_WITHIN_SECONDS
from tests.faults.signals import DidNotStrike, frozen, ports_of, see_frozen
from tests.faults.strikes.at_consumers import WAITS_IN, WROTE
from tests.faults.strikes.at_database import ENDED
from tests.faults.town import Scene
from tests.holding import LET_THROUGH, held
from tests.waiting import until

DOSSIERS = {False: 150, True: 5000}
"""Of each the half-time and the apology's draft are due at one moment, for its limit is the day itself (C12)."""
FIRED_BETWEEN = {False: 0, True: 400}
"""So many timers have fired after the kill before the next process is frozen; the short form is one batch."""
AT_ONCE = 24
KINDS = ("half_time_reached", "apology_drafted")
NEXT = "select min(due_at) from processing.timers where code = any($1::text[])"
LEFT = "select count(*) from processing.timers where code = any($1::text[]) and due_at = $2"
NONE_LEFT = f"select ({LEFT}) = 0 and not exists (select from processing.unsent)"
CLIENT_PORT = "select client_port from pg_stat_activity where pid = $1"
HOLD_AGAIN = "select pg_advisory_lock(7)"
LATE = timedelta(seconds=90)
"""How long after the moment the clock is read next: what fires late is due at its moment all the same."""


async def same_minute(scene: Scene) -> str:
    """Let the moment come at which all is due, kill who fires, and freeze who fires next until all has fired."""
    town, full = scene.town, scene.size.full
    await scene.load.over()
    codes = await _filed(scene, DOSSIERS[full])
    moment, due = await town.ask(NEXT, codes), 2 * len(codes)
    if await town.ask(LEFT, codes, moment) != due:
        raise DidNotStrike(f"not all {due} timers are due at {moment}")
    async with AsyncExitStack() as around:
        others = [
            await around.enter_async_context(more("processing")) for more in (scene.stack.second, scene.stack.third)
        ]
        left, seconds = await _struck(scene, ["processing", *others], codes, moment)
    await town.watch.quiet()
    told = await _told(scene, codes)
    if told != Counter(dict.fromkeys([(kind, moment) for kind in KINDS], len(codes))):
        raise AssertionError(f"the topic tells {told}, each fact once")
    if full and seconds > RECOVERS_WITHIN_SECONDS:
        raise AssertionError(f"all had fired after {seconds:.0f} s")
    return (
        f"{due} timers due at one moment, three processes: one killed inside its batch, another frozen inside its own"
        f" when {left} had not fired; {seconds:.0f} s after the moment all were on the topic, one fact each, with the"
        " moment as its legal time; then it woke up"
    )


async def _struck(scene: Scene, names: Sequence[str], codes: Sequence[str], moment: datetime) -> tuple[int, float]:
    """Strike two of three; answer how many timers were left when the second was, and after how long none was."""
    town, stack = scene.town, scene.stack
    async with (
        town.database() as holder,
        held(holder, "processing", "processing.timers", "before delete") as let_through,
    ):
        _set_clock(scene, moment + LATE)
        began = time.monotonic()
        killed, _ = await _caught(scene, names)
        await stack.kill(killed)
        fired = FIRED_BETWEEN[scene.size.full]

        async def some_fired() -> bool:
            return bool(await town.ask(LEFT, codes, moment) <= 2 * len(codes) - fired)

        if fired:
            await let_through()
            await until(some_fired)
        # At once: those who stand here pass, and whoever comes after them finds the next hold before him.
        await holder.execute(f"{LET_THROUGH}; {HOLD_AGAIN}")
        name, session = await _caught(scene, names)
        with frozen(stack.pid(name)) as pids:
            await see_frozen(pids)
            await let_through()
            await town.holds(f"select ({WROTE}) > 0 or ({ENDED})", session)
            left = await town.ask(LEFT, codes, moment)
            await town.holds(ENDED, session)
            await town.holds(NONE_LEFT, codes, moment)
            seconds = time.monotonic() - began
        scene.let_go()
    await stack.wait_ready(killed)
    return left, seconds


async def _caught(scene: Scene, names: Sequence[str]) -> tuple[str, int]:
    """Wait until a process stands inside its batch; answer which, and its session."""

    async def inside() -> tuple[str, int] | None:
        session = await scene.town.ask(WAITS_IN, "processing")
        port = session and await scene.town.ask(CLIENT_PORT, session)
        caller = port and scene.stack.database.caller_behind(port)
        return next(((name, session) for name in names if caller and _speaks(scene.stack.pid(name), caller)), None)

    return await until(inside)


def _speaks(pid: int, port: int) -> bool:
    """Tell whether a process speaks from this port; one that was killed does not."""
    with suppress(FileNotFoundError):
        return port in ports_of(pid)
    return False


async def _filed(scene: Scene, number: int) -> list[str]:
    """File dossiers whose limit is the day, all at the same moment of a morning; wait until their timers are set."""
    calendar, now = parse_calendar("seed", load_seed().calendar), scene.town.legal_now()
    _set_clock(scene, datetime.combine(calendar.next_working_day(now.date()), hour(8), tzinfo=OFFICE_ZONE))
    places = asyncio.Semaphore(AT_ONCE)

    async def file(arrival: Arrival) -> str:
        async with places:
            return (await scene.town.offices.file(arrival)).code

    codes = await asyncio.gather(*(file(_of_one_day(scene)) for _ in range(number)))
    await scene.town.watch.quiet()
    return codes


def _of_one_day(scene: Scene) -> Arrival:
    while (arrival := scene.town.arrival()).case.limit_kind is not LimitKind.SAME_DAY:
        pass
    return arrival


async def _told(scene: Scene, codes: Sequence[str]) -> Counter[tuple[str, datetime]]:
    """What the topic tells of these dossiers by kind and legal time: each dossier and kind by one fact, however often.

    Raises AssertionError where different facts tell the same.
    """
    await scene.town.recorder.read_topics(scene.town.kafka)
    wanted, facts = set(codes), dict[str, tuple[str, str, str]]()
    for record in scene.town.recorder.raw:
        said = {name: value.decode() for name, value in record.headers}
        kind = said["ce_type"].split(".")[3]
        if said["ce_subject"] in wanted and kind in KINDS:
            facts[said["ce_id"]] = (kind, said["ce_subject"], said["ce_time"])
    if len({(kind, code) for kind, code, _ in facts.values()}) < len(facts):
        raise AssertionError("a timer was told by more than one fact")
    return Counter((kind, datetime.fromisoformat(at)) for kind, _, at in facts.values())


def _set_clock(scene: Scene, moment: datetime) -> None:
    scene.town.move_clock(moment - scene.town.legal_now())
