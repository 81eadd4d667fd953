"""The processes of the world. Each life runs the product's own code; what is not here is the product's."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial

import asyncpg
from pydantic import BaseModel
from starlette.responses import Response

from services.metrics.handlers.counting import subscriptions as metrics_subscriptions
from services.processing.api.acts import begin_acts, settle_acts
from services.processing.domain.duties import duties
from services.processing.domain.refusals import UnknownCase
from services.processing.handlers.accepting import subscriptions as processing_subscriptions
from services.processing.handlers.acting import Acting, Wanted
from services.processing.handlers.clockwork import fire_due
from services.processing.handlers.reading import Reading
from shared.contracts.topics import LIFECYCLE, TOPICS
from shared.database import CallersPool, Connection, transaction
from shared.group_commit import Busy
from shared.http.idempotency import Answer, Asked, answer_each_once
from shared.http.problems import Problem
from shared.messaging.batch import Handler, Subscription
from shared.messaging.consumer import Consumer, Tuning
from shared.messaging.envelope import Received
from shared.messaging.faults import passes
from shared.messaging.journal import Journal
from shared.messaging.publisher import Bounds, Publisher, Sent
from shared.messaging.relay import Relay, RelayTuning
from shared.messaging.requests import Claim
from shared.messaging.rules import RuleStore
from shared.observability import new_traceparent
from shared.settings import KafkaSettings
from tests.simulation.broker import Client, Producer
from tests.simulation.ledger import Filing, Request, Wish
from tests.simulation.stepping import Actor
from tests.simulation.town import Town
from tests.unit.processing.office import act_for, officer_for, rules

AT_ONCE = Tuning(
    poll_ms=0,
    longest_gather_seconds=0,
    commit_seconds=0,
    longest_back_off_seconds=0,
    watch_seconds=math.inf,
)
"""A consumer that never rests: the scheduler decides when it turns."""

LEASE_SECONDS = 3600.0
"""Leases end when the seed says so, never because a machine is slow."""

MOST_BESIDE = 3
"""How many acts one officer's client asks for at once."""

RENEWALS = 0.3
"""The share of rounds before which a third of the lease has passed."""

SUBSCRIPTIONS: dict[str, Callable[[RuleStore], tuple[Subscription, ...]]] = {
    "processing": processing_subscriptions,
    "metrics": metrics_subscriptions,
}


class _Publisher(Publisher):
    """The publisher over a producer in memory that has every topic and no login; one step at a time, topic by topic."""

    def __init__(self, producer: Producer, bounds: Bounds) -> None:
        self._producer, self._bounds, self._known, self.spent = (
            producer,
            bounds,
            {topic.name for topic in TOPICS},
            False,
        )

    async def start(self) -> None:
        await self._producer.start()

    async def publish(self, rows: Sequence[asyncpg.Record]) -> Sent:
        sent = Sent()
        for topic in dict.fromkeys(row["topic"] for row in rows):
            await self._publish([row for row in rows if row["topic"] == topic], sent)
        return sent

    async def close(self) -> None:
        await self._producer.stop()

    async def _topics(self) -> set[str]:
        return self._known


def under_its_name(actor: Actor) -> KafkaSettings:
    """Let a process's next life have its name, and so its lease, as the embedded stack does."""
    return KafkaSettings(bootstrap_servers="nowhere", instance=actor.name.replace(" ", "-"))


class _Relay(Relay):
    """The relay with a producer in memory and no rests: it stops before each round."""

    def __init__(self, town: Town, actor: Actor) -> None:
        batch = actor.stage.chaos.rng.choice((2, 5, 1000))
        tuning = RelayTuning(
            batch_facts=batch,
            lease_seconds=LEASE_SECONDS,
            renew_seconds=math.inf,
            longest_gather_seconds=0,
            shortest_rest_seconds=0,
            longest_rest_seconds=0,
            longest_back_off_seconds=0,
        )
        super().__init__(
            actor.pool(), actor.journal, under_its_name(actor), machine_now=town.clocks.machine_now, tuning=tuning
        )
        self._town, self._actor = town, actor
        self._seen = -1

    def _publisher(self) -> Publisher:
        return _Publisher(Producer(self._town.broker, self._actor), self._tuning)

    async def _round(self, publisher: Publisher) -> int:
        stage, schema = self._actor.stage, self._actor.line.schema
        await self._actor.stop_before("round", lambda: self._seen == stage.recorded[schema])
        before, self._seen = stage.recorded[schema], -1
        if stage.chaos.calm or stage.chaos.rng.random() < RENEWALS:
            self._renew_at = 0.0
        found = await super()._round(publisher)
        if not found:
            self._seen = before
        return found


async def relay_life(town: Town, actor: Actor) -> None:
    """Publish what the journal recorded."""
    await _Relay(town, actor).run(asyncio.Event())


class _Consumer(Consumer):
    """The consumer with a client in memory."""

    def __init__(self, town: Town, actor: Actor) -> None:
        self._group_of_town, self._actor = town.groups[actor.line.schema], actor
        subscribed = SUBSCRIPTIONS[actor.line.schema](town.rules)
        lifecycle = next(entry for entry in subscribed if entry.topic == LIFECYCLE.name)
        super().__init__(
            actor.line.schema,
            [witnessed(lifecycle)],
            actor.pool(),
            under_its_name(actor),
            machine_now=town.clocks.machine_now,
            tuning=AT_ONCE,
        )

    def _client(self) -> Client:
        return Client(self._group_of_town, self._actor)


async def consumer_life(town: Town, actor: Actor) -> None:
    """Consume the lifecycle."""
    await _Consumer(town, actor).run(asyncio.Event())


def witnessed(subscription: Subscription) -> Subscription:
    """Write down every fact that takes effect, in the transaction of its effect."""
    handlers: dict[str, Handler] = {kind: partial(_write_down, None) for kind in subscription.ignored}
    handlers |= {kind: partial(_write_down, handler) for kind, handler in subscription.handlers.items()}
    return replace(subscription, handlers=handlers, ignored={})


EFFECT = """
insert into effects (subject, source, seq) select * from unnest($1::text[], $2::text[], $3::bigint[])
"""


async def _write_down(handler: Handler | None, tx: Connection, wave: Sequence[Received]) -> None:
    if handler is not None:
        await handler(tx, wave)
    streams = [(fact.subject, fact.source, fact.seq) for fact in wave]
    await tx.execute(EFFECT, *map(list, zip(*streams, strict=True)))


async def timers_life(town: Town, actor: Actor) -> None:
    """Fire what has fallen due, again and again."""
    stage, clocks = actor.stage, town.clocks
    actor.journal = Journal("processing", clocks.machine_now)
    seen = None

    def looked() -> tuple[int, object]:
        return stage.changed["processing"], clocks.now()

    def nothing_new() -> bool:
        return seen == looked()

    while True:
        await actor.stop_before("look at the clock", nothing_new)
        before, seen = looked(), None
        try:
            if not await fire_due(actor.pool(), actor.journal, clocks.now()):
                seen = before
        except Exception as error:
            if not passes(error):
                raise


async def desk_life(town: Town, actor: Actor) -> None:
    """Hand dossiers in, each until it is acknowledged."""
    actor.journal = Journal("intake", town.clocks.machine_now)

    async def record(tx: Connection, filings: Sequence[Filing]) -> list[Answer | Exception]:
        await actor.journal.append(tx, [draft for filing in filings for draft in filing.drafts])
        return [Answer(201, Accepted(code=filing.code)) for filing in filings]

    while True:
        await actor.stop_before("next filing", lambda: not town.ledger.open_filings())
        filing = actor.stage.chaos.rng.choice(town.ledger.open_filings())
        async with _asking(actor, [filing]):
            async with transaction(actor.pool()) as tx:
                outcomes = await answer_each_once(tx, [Asked(_claim(filing), filing)], partial(record, tx))
            await _hear(actor, filing, outcomes[0])


class Accepted(BaseModel):
    """What the desk is answered."""

    code: str


async def officer_life(town: Town, actor: Actor) -> None:
    """Do what dossiers wait for; repeat what was not answered, or what another officer's client still waits for."""
    stage, ledger = actor.stage, town.ledger
    actor.journal = Journal("processing", town.clocks.machine_now)
    acting = Acting(town.rules, actor.journal, town.clocks)
    seen = -1

    def nothing_to_do() -> bool:
        if ledger.open_wishes():
            return False
        return not ledger.acts_left or not ledger.codes() or seen == stage.changed["processing"]

    while True:
        await actor.stop_before("next act", nothing_to_do)
        before, seen = stage.changed["processing"], -1
        wishes = [wish for wish in [_to_repeat(town, actor) or await _wish(town, actor)] if wish is not None]
        if not wishes:
            seen = before
            continue
        while len(wishes) < MOST_BESIDE and stage.chaos.strikes("acts beside each other"):
            wish = await _wish(town, actor)
            if wish is not None and wish.code not in {each.code for each in wishes}:
                wishes.append(wish)
        await _act(actor, acting, wishes)


async def _act(actor: Actor, acting: Acting, wishes: Sequence[Wish]) -> None:
    """Ask for acts beside each other, as the API settles them: one transaction, and those held elsewhere alone."""
    async with _asking(actor, wishes):
        asked = [_asked(wish) for wish in wishes]
        async with begin_acts(CallersPool(actor.pool(), "processing"), asked) as tx:
            outcomes = await settle_acts(acting, tx, asked)
        for wish, outcome in zip(wishes, outcomes, strict=True):
            if isinstance(outcome, Busy):
                await _act(actor, acting, [wish])
            else:
                await _hear(actor, wish, outcome)


def _asked(wish: Wish) -> Asked[Wanted]:
    paths = (rules().agencies.get(wish.officer.agency).path,)
    return Asked(_claim(wish), Wanted(wish.code, wish.act, wish.officer, paths, wish.version, new_traceparent()))


def _to_repeat(town: Town, actor: Actor) -> Wish | None:
    """Choose a request that nobody has answered yet."""
    chaos, ledger = actor.stage.chaos, town.ledger
    waiting = ledger.open_wishes()
    if waiting and (chaos.calm or not ledger.acts_left or chaos.strikes("client repeats")):
        return chaos.rng.choice(waiting)
    return None


async def _wish(town: Town, actor: Actor) -> Wish | None:
    """Look at a dossier and want what it waits for."""
    rng, ledger = actor.stage.chaos.rng, town.ledger
    if not ledger.acts_left or not ledger.codes():
        return None
    try:
        reading = Reading(CallersPool(actor.pool(), "processing"), town.rules)
        case = await reading.for_applicant(rng.choice(ledger.codes()))
    except UnknownCase:
        return None
    except Exception as error:
        if not passes(error):
            raise
        return None
    owed = duties(case)
    if not owed or not ledger.acts_left:
        return None
    duty = rng.choice(owed)
    return ledger.want(case.code, act_for(duty, case), officer_for(duty), case.version)


def _claim(request: Request) -> Claim:
    return Claim("client", request.key, hashlib.sha256(f"{request.code}/{request.key}".encode()).digest())


@contextlib.asynccontextmanager
async def _asking(actor: Actor, requests: Sequence[Request]) -> AsyncIterator[None]:
    """Whoever gets an error that passes, or no answer, asks again."""
    try:
        yield
    except Problem as problem:
        for request in requests:
            await _hear(actor, request, problem)
    except Exception as error:
        if not passes(error):
            raise


async def _hear(actor: Actor, request: Request, outcome: Response | Exception) -> None:
    """Let the client hear what came of his request; he does only if the process lives to tell him."""
    if isinstance(outcome, Response):
        await actor.stop_before(f"answer {request.key}")
        request.answers.append(bytes(outcome.body))
    elif not isinstance(outcome, Problem):
        raise outcome
    elif outcome.code != "request_in_flight":
        await actor.stop_before(f"refuse {request.key}")
        request.refusals.append(outcome.code)
        actor.outcome = outcome.code
