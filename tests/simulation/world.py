"""One seed: a storm in which everything may fail, then calm in which everything must come right, then the verdict."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shared.contracts.topics import LIFECYCLE
from tests.simulation.broker import Broker, Group
from tests.simulation.cast import consumer_life, desk_life, officer_life, relay_life, timers_life
from tests.simulation.chaos import Chaos
from tests.simulation.clocks import Clocks
from tests.simulation.judge import CONSUMERS, SOURCES, End, judge
from tests.simulation.ledger import Ledger
from tests.simulation.scheduler import Scheduler
from tests.simulation.stepping import Actor, Line, Stage
from tests.simulation.store import Store, Tables
from tests.simulation.town import Town, filings, rule_store
from tests.unit.processing.office import MONDAY

STORM = 200
"""Most decisions before the calm."""

CALM = 3000
"""Decisions after which a world that is left in peace must be quiet."""

MOST_ACTS = 12
"""What officers want in one seed; what they do not come to in the storm they do in the calm."""

CAST: Mapping[str, tuple[str, Callable[[Town, Actor], Coroutine[None, None, None]]]] = {
    "intake relay a": ("intake", relay_life),
    "intake relay b": ("intake", relay_life),
    "processing relay a": ("processing", relay_life),
    "processing relay b": ("processing", relay_life),
    "processing consumer a": ("processing", consumer_life),
    "processing consumer b": ("processing", consumer_life),
    "metrics consumer a": ("metrics", consumer_life),
    "metrics consumer b": ("metrics", consumer_life),
    "timers a": ("processing", timers_life),
    "timers b": ("processing", timers_life),
    "desk a": ("intake", desk_life),
    "desk b": ("intake", desk_life),
    "officer a": ("processing", officer_life),
    "officer b": ("processing", officer_life),
}
"""Name → schema and life. Two of everything: replicas."""

EXPIRE = """
update {schema}.relay_leases set expires_at = '-infinity'
where shard in (select shard from {schema}.relay_leases for update skip locked)
"""


@dataclass(frozen=True)
class Verdict:
    """How a seed ended: what does not hold, what struck, and every decision."""

    seed: int
    faults: tuple[str, ...]
    struck: Counter[str]
    trace: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Tell two plays of a seed apart."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()


async def play(store: Store, seed: int) -> Verdict:
    """Play one seed from an empty database to its verdict."""
    await store.reset()
    lines = {name: await store.line(name, schema) for name, (schema, _) in CAST.items()}
    world = World(seed, lines, store.monitor)
    try:
        faults = await world.run()
    finally:
        await world.scheduler.end()
    end = world.end(await store.read())
    for (subject, source), rows in sorted(end.chains.items()):
        world.scheduler.tell(f"{source} told of {subject}: {[row['type'].split('.')[-2] for row in rows]}")
    return Verdict(seed, tuple(faults or judge(end)), world.chaos.struck, tuple(world.stage.trace))


class World:
    """The actors of a seed and what happens to them."""

    def __init__(self, seed: int, lines: Mapping[str, Line], monitor: Line) -> None:
        self.chaos = Chaos(seed)
        self.stage = Stage(self.chaos)
        broker = Broker(self.chaos)
        groups = {
            schema: Group(broker, LIFECYCLE.name, [f"{schema} consumer a", f"{schema} consumer b"])
            for schema in CONSUMERS
        }
        filed, self._timers = filings(self.chaos.rng)
        self._moments = sorted({timer.fires_at for timers in self._timers.values() for timer in timers})
        ledger = Ledger(filed, acts_left=self.chaos.rng.randint(1, MOST_ACTS))
        self.town = Town(broker, groups, Clocks(MONDAY), ledger, rule_store())
        actors = [Actor(name, lines[name], self.stage, partial(life, self.town)) for name, (_, life) in CAST.items()]
        self.scheduler = Scheduler(actors, self.stage, self.town.clocks, monitor)
        self._events: Mapping[str, Callable[[], Awaitable[str]]] = {
            "crash": self._crash,
            "freeze": self._freeze,
            "rebalance": self._rebalance,
            "lease expires": self._expire,
            "clock moves": self._move_clock,
        }

    def end(self, tables: Tables) -> End:
        """Put together what the seed left behind."""
        records = [record for log in self.town.broker.logs.values() for record in log]
        return End(tables, records, self.town.ledger, self.town.clocks.now(), self._timers)

    async def run(self) -> list[str]:
        """Play the storm and the calm; answers what kept the world from coming to rest."""
        try:
            await self.scheduler.start()
            await self._storm()
            return await self._calm()
        except Exception as error:  # noqa: BLE001 - whatever ends a process is what the simulation looks for
            return [f"broken off: {type(error).__name__}: {error}"]

    async def _storm(self) -> None:
        scheduler, rng = self.scheduler, self.chaos.rng
        steadiness = rng.choice((0.0, 0.5, 0.9))
        last: Actor | None = None
        while scheduler.decisions < STORM:
            await self._happen()
            ready = scheduler.ready()
            if not ready:
                if not await self._thaw():
                    return
                continue
            if last not in ready or rng.random() >= steadiness:
                last = rng.choice(ready)
            assert last is not None
            await scheduler.advance(last)

    async def _happen(self) -> None:
        for fault, event in self._events.items():
            if self.chaos.strikes(fault):
                self.scheduler.tell(f"{fault}: {await event()}")
        if self.town.broker.late and self.chaos.strikes("late record lands"):
            self.scheduler.tell(f"late record lands: {self.town.broker.land_late()}")

    async def _thaw(self) -> bool:
        """Let frozen actors go on, or end the wait of the only one left; False when everybody rests."""
        frozen = [actor for actor in self.scheduler.actors if actor.frozen_until > self.scheduler.decisions]
        for actor in frozen:
            actor.frozen_until = 0
        waiting = self.scheduler.waiting
        if not frozen and waiting is not None:
            await self.scheduler.time_out(waiting)
        return bool(frozen or waiting)

    async def _calm(self) -> list[str]:
        """Heal everything and let everybody finish, one actor after the other."""
        self._heal()
        for schema in SOURCES:
            await self._expire_leases(schema)
        scheduler, end = self.scheduler, self.scheduler.decisions + CALM
        while scheduler.decisions < end:
            ready = scheduler.ready()
            if ready:
                await scheduler.advance(next((actor for actor in ready if not actor.between_turns), ready[0]))
            elif not await self._thaw():
                return []
        busy = ", ".join(f"{actor.name} before {actor.step}" for actor in scheduler.ready())
        return [f"not quiet {CALM} decisions after the last fault: {busy}"]

    def _heal(self) -> None:
        rng, broker = self.chaos.rng, self.town.broker
        self.scheduler.tell("calm")
        self.chaos.calm = True
        while broker.late:
            if rng.random() < 0.5:
                broker.land_late()
            else:
                broker.late.pop()
        if rng.random() < 0.5:
            self.town.clocks.move_to(self._moments[-1])

    def _anyone(self) -> Actor:
        """Choose an actor, one in the middle of something if there is any."""
        busy = [actor for actor in self.scheduler.actors if not actor.between_turns]
        return self.chaos.rng.choice(busy or self.scheduler.actors)

    async def _crash(self) -> str:
        victim = self._anyone()
        await self.scheduler.kill(victim)
        return victim.name

    async def _freeze(self) -> str:
        victim = self._anyone()
        victim.frozen_until = self.scheduler.decisions + self.chaos.rng.randint(10, 80)
        return f"{victim.name} until {victim.frozen_until}"

    async def _rebalance(self) -> str:
        name = self.chaos.rng.choice(CONSUMERS)
        return f"{name} {self.town.groups[name].hand_over()}"

    async def _expire(self) -> str:
        schema = self.chaos.rng.choice(SOURCES)
        await self._expire_leases(schema)
        return schema

    async def _expire_leases(self, schema: str) -> None:
        await self.scheduler.monitor.connection.execute(EXPIRE.format(schema=schema))
        self.stage.recorded[schema] += 1

    async def _move_clock(self) -> str:
        clocks, rng = self.town.clocks, self.chaos.rng
        later = [moment for moment in self._moments if moment > clocks.now()]
        if later and rng.random() < 0.7:
            clocks.move_to(rng.choice(later[:2]) - rng.choice((timedelta(), timedelta(seconds=1))))
        else:
            clocks.move_to(clocks.now() + timedelta(hours=rng.randint(1, 30)))
        return clocks.now().isoformat()
