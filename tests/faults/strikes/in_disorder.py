"""Faults 15 and 29: facts come late, again, and in another order."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate

from aiokafka import AIOKafkaProducer

from deploy.demo.offices import Duty, Item, Offices
from deploy.local.services import SERVICES
from shared.contracts.topics import LIFECYCLE
from shared.messaging.connection import connection
from tests.faults.signals import DidNotStrike, frozen, ports_of, see_frozen
from tests.faults.town import Scene, act_on
from tests.waiting import until

HOLDERS = """
select count(*) from processing.relay_leases
where holder = $1 and expires_at > clock_timestamp()
"""
NOTHING_UNSENT = "select not exists (select from processing.unsent)"
OTHERS = ("intake", "notification", "metrics")
"""Who reads the facts of processing."""
HOLD_BACK = """
create schema if not exists trial;
create table trial.held_back (shard smallint, topic text, subject text, seq bigint, recorded_at timestamptz);
create function trial.hold_back() returns trigger language plpgsql security definer as $$
begin
    if exists (select from trial.held_back) then return new; end if;
    insert into trial.held_back values (new.shard, new.topic, new.subject, new.seq, new.recorded_at);
    return null;
end
$$;
create trigger trial_hold_back before insert on processing.unsent
    for each row when (new.subject = '{code}') execute function trial.hold_back();
"""
"""The first fact of this dossier is recorded, and the relay does not find it."""
GIVE_BACK = """
insert into processing.unsent (shard, topic, subject, seq, recorded_at)
select shard, topic, subject, seq, recorded_at from trial.held_back
"""
FORGET = "drop schema if exists trial cascade"
HELD_BACK = "select seq from trial.held_back"
WAITS = " and ".join(
    f"exists (select from {reader}.parked where kind = 'gap' and subject = $1 and seq > $2)" for reader in OTHERS
)
WENT_ON = " and ".join(
    f"(select seq from {reader}.cursors where (subject, source, topic) = ($1, 'processing', $2))"
    " = (select seq from processing.journal_heads where (subject, topic) = ($1, $2))"
    for reader in OTHERS
)


async def relay_frozen(scene: Scene) -> str:
    """Freeze a relay with a fact on its way, for longer than its leases last: the fact lands behind newer ones."""
    town, kafka = scene.town, scene.stack.kafka
    async with scene.stack.second("processing") as name:
        zombie = scene.stack.pid("processing")
        other = town.offices_over(town.callers["intake"], town.caller(scene.stack.ports.processing_2))
        entry = await town.file()
        item, duty = await town.first_duty(entry)
        await scene.load.over()
        await town.holds(HOLDERS, "processing")
        await town.holds(NOTHING_UNSENT)

        async def on_its_way() -> bool:
            return any(entry.code.encode() in piece for piece in kafka.waiting())

        async def over() -> bool:
            return bool(await town.ask(HOLDERS, name)) and not await town.ask(HOLDERS, "processing")

        async def late() -> int:
            return await _late(scene, entry.code)

        kafka.stall(ports_of(zombie))
        try:
            item, owed = await act_on(other, item, duty, 1)
            await until(on_its_way)
            with frozen(zombie) as pids:
                await see_frozen(pids)
                await until(over)
                await _publish_beyond(scene, other, item, owed)
                kafka.flow()
                landed = await until(late)
        finally:
            kafka.flow()
        scene.let_go()
        await scene.load.more(1)
    return (
        f"frozen until its leases went to the other relay, which published meanwhile; facts that landed late: {landed}"
    )


async def _publish_beyond(scene: Scene, offices: Offices, item: Item, owed: Duty | None) -> None:
    """Let an officer act once more, and wait until the topic has that fact too."""
    if owed is None:
        raise DidNotStrike("nothing is owed after the first act")
    before = await _seqs(scene, item.code)
    await act_on(offices, item, owed, 1)
    head = await scene.town.ask("select max(seq) from processing.journal where subject = $1", item.code)

    async def published() -> bool:
        return head in await _seqs(scene, item.code)

    await until(published)
    if head in before:
        raise DidNotStrike("the second act said nothing new")


async def _seqs(scene: Scene, code: str) -> list[int]:
    """List what the topic has of processing about a dossier, in its order there."""
    await scene.town.recorder.read_topics(scene.town.kafka)
    told = (dict(record.headers) for record in scene.town.recorder.raw)
    return [
        int(each["ce_sequence"])
        for each in told
        if (each["ce_source"], each["ce_subject"]) == (b"processing", code.encode())
    ]


async def _late(scene: Scene, code: str) -> int:
    """Count facts of a dossier that stand on the topic behind newer ones."""
    seqs = await _seqs(scene, code)
    return sum(seq < newest for seq, newest in zip(seqs, accumulate(seqs, max), strict=True))


async def sent_again(scene: Scene) -> str:
    """Old facts once more, in an order of the seed; then one fact comes after those that follow it."""
    again = await _again(scene)
    held = [await _overtaken(scene) for _ in range(scene.size.times)]
    times = Counter(held)
    return (
        f"{again} facts sent again in another order; every reader passed them; "
        f"held back until a later fact waited for it at {len(OTHERS)} readers: "
        + ", ".join(f"fact {seq} of {count} dossiers" for seq, count in sorted(times.items()))
    )


async def _again(scene: Scene) -> int:
    await scene.town.recorder.read_topics(scene.town.kafka)
    known = scene.town.recorder.raw
    chosen = scene.draw.sample(known, min(len(known), 40 * scene.size.times))
    producer = AIOKafkaProducer(**connection(scene.town.kafka), acks="all")
    await producer.start()
    try:
        for record in chosen:
            await producer.send_and_wait(record.topic, value=record.value, key=record.key, headers=list(record.headers))
    finally:
        await producer.stop()
    await all_read(scene)
    return len(chosen)


async def _overtaken(scene: Scene) -> int:
    """Hold one fact back until those behind it wait as gaps, then give it back; answers its sequence."""
    town = scene.town
    (entry,) = await scene.load.more(1)
    item, owed = await act_on(town.offices, *await town.first_duty(entry), 1)
    if owed is None:
        raise DidNotStrike("nothing is owed after the first act")
    await town.execute(FORGET + ";" + HOLD_BACK.format(code=entry.code))
    try:
        await act_on(town.offices, item, owed, 2)
        seq = await town.ask(HELD_BACK)
        if seq is None:
            raise DidNotStrike("no fact was held back")
        await town.holds(f"select {WAITS}", entry.code, seq)
        await town.execute(GIVE_BACK)
    finally:
        await town.execute(FORGET)
    scene.let_go()
    await town.holds(f"select {WENT_ON}", entry.code, LIFECYCLE.name)
    return int(seq)


async def all_read(scene: Scene) -> None:
    """Wait until every group has committed the ends of the lifecycle."""

    async def at_the_end() -> bool:
        async with scene.town.kafka_admin() as admin:
            ends = await scene.town.ends()
            for group in SERVICES:
                found = await admin.list_consumer_group_offsets(group)
                if any(found.get(place) is None or found[place].offset < end for place, end in ends.items() if end):
                    return False
        return True

    await until(at_the_end)
