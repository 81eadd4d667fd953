"""Faults 30, 31, 33 and 34: gateways, timers, and figures that are lost."""

from __future__ import annotations

from datetime import timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.topics import LIFECYCLE, OUTCOMES
from shared.messaging.connection import connection
from shared.settings import KafkaSettings
from tests.faults.signals import DidNotStrike, superseded
from tests.faults.town import Scene
from tests.waiting import until

BAD = (
    *(("sms", conduct) for conduct in ("withhold", "refuse", "reject", "throttle", "slow")),
    *(("sms", conduct) for conduct in ("receipt_twice", "receipt_first")),
    *(("mail", conduct) for conduct in ("withhold", "refuse", "slow")),
)
SENDING = "select count(*) from notification.messages where state = 'sending'"
DUE = "select count(*) from processing.timers where fires_at <= $1"
LATER = timedelta(days=60)
LEAST_DUE = {False: 1, True: 10_000}
KEPT = ("dossiers", "reopenings", "repeated_supplements", "daily_counters", "daily_notices", "cursors", "parked")
FIRED = "select count(*) from processing.journal where type like any(array['%half_time%', '%drafted%', '%overdue%'])"


async def gateways(scene: Scene) -> str:
    """Both sinks misbehave by a plan of the seed."""
    plan = [*BAD]
    scene.draw.shuffle(plan)
    for sink, conduct in plan:
        await scene.town.conduct(sink, conduct, scene.size.times)

        async def used_up(kind: str = sink) -> bool:
            await scene.load.more(1)
            return not (await scene.town.sinks.get("/v1/summary"))["conduct_left"][kind]

        await until(used_up)
    return ", ".join(f"{sink} {conduct}" for sink, conduct in plan) + f": {scene.size.times} messages each"


async def sender_killed(scene: Scene) -> str:
    """Kill notification while the gateway holds its answer back."""

    async def caught() -> int:
        await scene.town.conduct("sms", "withhold", 1)
        filing = scene.load.begin(2)
        await until(called)
        await scene.stack.kill("notification")
        scene.let_go()
        sending: int = await scene.town.ask(SENDING)  # none where the call was given up before the kill
        await filing
        await scene.stack.wait_ready("notification")
        return sending

    async def called() -> bool:
        return not (await scene.town.sinks.get("/v1/summary"))["conduct_left"]["sms"]

    for _ in range(scene.size.times):
        sending = await until(caught, "a sender is killed in a call", seconds=300)
    return f"killed between call and record; messages that stood as being sent: {sending}"


async def all_due(scene: Scene) -> str:
    """Let every timer of every dossier fall due at one moment."""
    town = scene.town
    await scene.load.over()
    await town.watch.quiet()
    then = town.legal_now() + LATER
    due, before = await town.ask(DUE, then), await town.ask(FIRED)
    town.move_clock(LATER)
    await town.watch.timers_fired()
    fired = await town.ask(FIRED) - before
    if fired < due or due < LEAST_DUE[scene.size.full]:
        raise DidNotStrike(f"{due} timers were due, {fired} fired")
    return f"{due} timers due at once, each fired once"


async def figures_lost(scene: Scene) -> str:
    """Wipe what metrics knows, and let it read everything again from the beginning."""
    town = scene.town
    await town.watch.quiet()
    await superseded(scene.stack, "metrics")
    await _from_the_beginning(town.kafka)
    names = ", ".join(f"metrics.{table}" for table in KEPT)
    left = await town.ask("select coalesce(sum(number), 0)::bigint from metrics.daily_counters")
    town.recorder.note("wiped", {"service": "metrics"})
    await town.execute(f"truncate {names}")
    if await town.ask("select count(*) from metrics.dossiers"):
        raise DidNotStrike("something is left of metrics")
    scene.let_go()
    await scene.stack.wait_ready("metrics")
    return f"its tables emptied, {left} counts with them; read again from the beginning"


async def _from_the_beginning(kafka: KafkaSettings) -> None:
    """Set the group of metrics back while it has no member."""
    consumer = AIOKafkaConsumer(**connection(kafka), group_id="metrics", enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, n) for topic in (LIFECYCLE, OUTCOMES) for n in range(topic.partitions)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    except KafkaError as error:
        raise DidNotStrike(f"metrics was back before its group was set back: {error}") from error
    finally:
        await consumer.stop()
