"""The running stack for paths that are walked at random: its clock, its calendars, its deaths, and what all came to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from deploy.cli.readers import acting
from deploy.clock.verifying import ClockVerifier
from shared.clocks import OFFICE_ZONE, ScenarioClock, write_scenario
from shared.messaging.journal import Published as Heads
from shared.messaging.journal import verify_chain
from tests.integration.intake.counter import Counter as Desk
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.made_up import writing
from tests.integration.together.refold import SEED, Days, Published
from tests.integration.together.situations import INTAKE, PROCESSING
from tests.integration.together.walker import Patient, Walker, walking
from tests.operating import as_json, succeed
from tests.paths.dispatches import TET, Said, changed, drawn, laid_over, text_of
from tests.paths.mix import Mix
from tests.waiting import until

PROVINCE = "H56.90"
LAST_CALENDAR = """
select recorded_at, legal_time from intake.journal where topic like 'rules.%' order by recorded_at desc limit 1
"""
BEHIND = """
select exists (
    select from processing.cases
    where code = any($1::text[]) and finished_at is null and closed_at is null and calendar_followed <> $2
)
"""
NEXT_TIMER = "select min(due_at) from processing.timers where code = any($1::text[]) and due_at > $2"
HEADS = "select topic, subject, seq, hash from {}.journal_heads where subject = any($1::text[])"
JOURNALS = ("intake", "processing", "notification")
Result = TypeVar("Result")


@dataclass
class Came:
    """What paths came to."""

    mix: Mix = field(default_factory=Mix)
    runs: int = 0
    over_tet: int = 0
    dossiers: int = 0
    moved: int = 0
    late: int = 0
    explained: int = 0
    dispatches: int = 0
    killed: dict[str, int] = field(default_factory=lambda: {INTAKE: 0, PROCESSING: 0})

    def add(self, other: Came) -> None:
        self.mix.add(other.mix)
        for name in ("runs", "over_tet", "dossiers", "moved", "late", "explained", "dispatches"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for service, times in other.killed.items():
            self.killed[service] += times

    def __str__(self) -> str:
        return (
            f"{self.runs} runs, {self.over_tet} of them over Tết, {self.dossiers} dossiers, {self.moved} due moments"
            f" moved, {self.late} dossiers late, {self.dispatches} dispatches,"
            f" killed: {', '.join(f'{service} {times} times' for service, times in self.killed.items())}"
        )


@dataclass
class Town:
    """For a machine that is not asynchronous itself. `kills` and `dispatches` are how many there may still be."""

    everywhere: Everywhere
    walker: Walker
    folder: Path
    first: datetime
    kills: int
    dispatches: int
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    came: Came = field(default_factory=Came)
    calendars: list[Published] = field(default_factory=list)

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def now(self) -> datetime:
        assert self.everywhere.stack.scenario_file is not None
        return ScenarioClock(self.everywhere.stack.scenario_file).now()

    @property
    def days(self) -> Days:
        """The days of the calendar in force."""
        return self.calendars[-1].days if self.calendars else SEED

    async def go_to(self, moment: datetime) -> None:
        assert self.everywhere.stack.scenario_file is not None
        write_scenario(self.everywhere.stack.scenario_file, moment)
        await self.everywhere.stage.watch.timers_fired()

    async def rest(self, codes: Sequence[str]) -> None:
        """Wait until nothing waits, and these dossiers follow the calendar in force unless they are finished."""
        await self.everywhere.stage.watch.quiet()
        if not self.calendars:
            return

        async def followed() -> bool:
            behind = await self.everywhere.database.fetchval(BEHIND, codes, self.calendars[-1].version)
            return not behind

        await until(followed, "all follow the calendar")
        await self.everywhere.stage.watch.quiet()

    async def next_timer(self, codes: Sequence[str]) -> datetime | None:
        found = await self.everywhere.database.fetchval(NEXT_TIMER, codes, self.now())
        return None if found is None else found.astimezone(OFFICE_ZONE)

    async def dispatch(self, dice: Random) -> None:
        """Make a dispatch up and have it applied, signed by a leader of the province."""
        self.dispatches -= 1
        self.came.dispatches += 1
        await self._apply(drawn(self.days, self.now().date(), dice))

    async def as_usual(self) -> None:
        """Take back what dispatches said of days to come: others count on the law's."""
        if lines := changed(self.days, self.now().date()):
            await self._apply(lines)

    async def _apply(self, lines: Sequence[Said]) -> None:
        file, stack = self.folder / f"dispatch-{len(self.calendars)}.csv", self.everywhere.stack
        file.write_text(text_of(lines), "utf-8")
        signed = ("--token", stack.token("leader", PROVINCE, "signer"))
        applied = await as_json(stack, "calendar", "apply", str(file), *signed)
        row = await self.everywhere.database.fetchrow(LAST_CALENDAR)
        assert row is not None
        after = laid_over(self.days, lines)
        self.calendars.append(Published(applied["version"], after, row["legal_time"], row["recorded_at"]))

    async def kill(self, service: str, asking: Coroutine[Any, Any, Result]) -> Result:
        """Kill a service (-9) while something is asked of it; the supervisor starts it again."""
        self.kills -= 1
        self.came.killed[service] += 1
        answer, _ = await asyncio.gather(asking, self.everywhere.stack.kill(service))
        await self.everywhere.stack.wait_ready(service)
        return answer

    async def heads(self, codes: Sequence[str]) -> dict[str, Heads]:
        """Note the heads of these dossiers' chains: what history must still hold later."""
        found = {}
        for service in JOURNALS:
            rows = await self.everywhere.database.fetch(HEADS.format(service), codes)
            found[service] = {(row["topic"], row["subject"]): (row["seq"], row["hash"]) for row in rows}
        return found

    async def verify(self, codes: Iterable[str], kept: Mapping[str, Heads]) -> None:
        """Compute every hash of these dossiers again; every head that was noted must be in its chain."""
        for service in JOURNALS:
            async with writing(self.everywhere.stack, service) as tx:
                for code in codes:
                    noted = {chain: head for chain, head in kept[service].items() if chain[1] == code}
                    assert [breach async for breach in verify_chain(tx, code, published=noted)] == []

    async def clocks(self, codes: Sequence[str]) -> None:
        """Let the product itself fold the clocks of these dossiers, as `motcua verify clocks` does."""
        folder = self.everywhere.stack.folder
        async with acting(folder, PROCESSING) as processing, acting(folder, INTAKE) as intake:
            verifier = ClockVerifier(processing.pool, intake.pool, await processing.rules())
            async for _, found in verifier.portions():
                assert [each for each in found if each.code in codes] == []

    async def publish(self) -> Path:
        """Give every head away."""
        return Path((await succeed(self.everywhere.stack, "verify", "publish", "--to", str(self.folder))).strip())

    async def verify_all(self, heads: Path) -> None:
        """Verify the whole stack from outside."""
        for words in (("chain",), ("clocks",), ("history", "--heads", str(heads))):
            await succeed(self.everywhere.stack, "verify", *words)


def next_close(now: datetime) -> datetime:
    """The close of the office day itself, to the second, or of the day after."""
    close = datetime.combine(now.date(), time(17), tzinfo=OFFICE_ZONE)
    return close if close > now else close + timedelta(days=1)


def eve_of_tet(year: int) -> datetime:
    """Two days before the first that is off: what runs then runs over Tết."""
    return datetime.combine(TET[year][0] - timedelta(days=2), time(16), tzinfo=OFFICE_ZONE)


def past_tet(now: datetime) -> datetime:
    """The first morning after a Tết that is near or has begun; else the next day."""
    near = [last for first, last in TET.values() if first - timedelta(days=9) <= now.date() <= last]
    if not near:
        return now + timedelta(days=1)
    return datetime.combine(near[0] + timedelta(days=1), time(8), tzinfo=OFFICE_ZONE)


def is_over_tet(begun: datetime, ended: datetime) -> bool:
    return any(begun.date() < first and ended.date() > last for first, last in TET.values())


@asynccontextmanager
async def town_at(
    everywhere: Everywhere, counter: Desk, folder: Path, *, first: datetime, kills: int, dispatches: int
) -> AsyncIterator[Town]:
    """Walk at a running stack; days to come are as usual at the end."""
    async with walking(everywhere, counter, wire=Patient) as walker:
        town = Town(everywhere, walker, folder, first, kills, dispatches)
        yield town
        await town.as_usual()
