"""Faults 14, 16, 17 and 28: between the journal and its readers."""

from __future__ import annotations

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.demo.ledger import Entry
from shared.contracts import facts
from shared.contracts.topics import LIFECYCLE
from shared.messaging.journal import Draft, Journal
from shared.messaging.replay import relay_again
from tests.faults.signals import DidNotStrike
from tests.faults.town import Scene
from tests.holding import WAITING, held
from tests.operating import succeed
from tests.waiting import until

ONE_BY_ONE = """
    if (select count(*) from intake.dossiers where xmin = pg_current_xact_id()::xid) > 1 then
        raise exception using errcode = 'deadlock_detected';
    end if;
"""
"""In a trigger: no filings share a transaction, each is settled alone, beside the others."""
SLEEPY = f"""
create schema if not exists trial;
create table trial.recorded (ordinal bigint, xid xid8);
create function trial.sleep() returns trigger language plpgsql security definer as $$
begin
    {ONE_BY_ONE}
    insert into trial.recorded values (new.ordinal, pg_current_xact_id());
    perform pg_sleep((hashtext('SEED ' || new.subject) & 1023) * 0.4 / 1023);
    return null;
end
$$;
create trigger trial_sleep after insert on intake.unsent for each row execute function trial.sleep();
"""
WAKE = "drop schema if exists trial cascade"
OUT_OF_ORDER = """
select count(*) from trial.recorded a join trial.recorded b on a.ordinal < b.ordinal
where pg_xact_commit_timestamp(a.xid::xid) > pg_xact_commit_timestamp(b.xid::xid)
"""
HELD_BACK = "select exists (select from processing.unsent where subject = any($1))"
UNPUBLISHABLE = "select count(*) from processing.parked where kind = 'unpublishable' and subject = $1"
ROT = """
create function {schema}.rot() returns trigger language plpgsql as $$
begin
    new.headers := '{headers}';
    return new;
end
$$;
create trigger rot before insert on {schema}.journal
    for each row when (new.subject = '{subject}') execute function {schema}.rot();
"""
ROTS_NO_MORE = """
drop function if exists processing.rot cascade;
begin;
set local session_replication_role = replica;
update processing.journal set headers = '{{}}' where subject = '{subject}';
commit;
"""
"""As nobody may in earnest: the journal is append-only."""
WRITERS = 16
LARGE, LARGEST_TAKEN = 220_000, 200_000
"""The fact is smaller than what the relay puts into one batch: the broker refuses it alone or with its neighbours."""
BREAK = """
create function processing.break_opening() returns trigger language plpgsql as $$
begin
    if new.received_by = '{place}' then raise exception 'planted'; end if;
    return new;
end
$$;
create trigger break_opening before insert on processing.cases for each row execute function processing.break_opening()
"""
MEND = "drop function if exists processing.break_opening cascade"


async def relay_killed(scene: Scene) -> str:
    """Kill intake after Kafka's acknowledgement, before the row is deleted."""
    before = await _doubles(scene)
    for _ in range(scene.size.times):
        async with scene.town.database() as holder, held(holder, "intake", "intake.unsent", "before delete"):
            filing = scene.load.begin(1)

            await scene.town.holds(WAITING, "intake")
            await scene.stack.kill("intake")
            # a statement that only waited for us would still delete, and commit, for a client that is gone
            await scene.town.disconnect("intake")

            async def none_waits() -> bool:
                return not await scene.town.ask(WAITING, "intake")

            await until(none_waits)
        scene.let_go()
        await scene.stack.wait_ready("intake")
        await filing

    async def published_twice() -> int:
        return await _doubles(scene) - before

    twice = await until(published_twice)
    return f"killed between acknowledgement and delete; facts of the lifecycle published twice: {twice}"


async def _doubles(scene: Scene) -> int:
    """Count the records of the lifecycle that are there again."""
    await scene.town.recorder.read_topics(scene.town.kafka)
    ids = [dict(record.headers)["ce_id"] for record in scene.town.recorder.raw]
    return len(ids) - len(set(ids))


async def late_commits(scene: Scene) -> str:
    """Many writers whose transactions commit in another order than they took their places."""
    await scene.town.execute(WAKE + ";" + SLEEPY.replace("SEED", str(scene.town.seed)))
    try:
        for _ in range(scene.size.times):
            await scene.load.more(WRITERS)
        inverted = await scene.town.ask(OUT_OF_ORDER)
    finally:
        await scene.town.execute(WAKE)
    if not inverted:
        raise DidNotStrike("all commits came in order")
    return f"{inverted} pairs of facts were committed in the other order"


async def unpublishable(scene: Scene) -> str:
    """A fact that the broker refuses and one that makes no message park at the relay; mended, they go out."""
    large, rotten = (f"H56.97.{place}-200102-{8000 + scene.town.recorded}" for place in (21, 22))
    await _limit(scene, LARGEST_TAKEN)
    await scene.town.execute(ROT.format(schema="processing", subject=rotten, headers="["))
    try:
        for subject, officer in ((large, "x" * LARGE), (rotten, "desk.H56")):
            await _step_taken(scene, subject, officer)
            await scene.town.holds(UNPUBLISHABLE, subject)
        (entry,) = await scene.load.more(1)
        await scene.town.act(entry, 1)
    finally:
        await _limit(scene, 1_048_588)
        await scene.town.execute(ROTS_NO_MORE.format(subject=rotten))

    async def mended() -> bool:
        """The broker may have refused once more before it took what it takes again."""
        async with scene.town.database(server_settings={"search_path": "processing"}) as tx, tx.transaction():
            for subject in (large, rotten):
                await relay_again(tx, subject, apply=True)
        return not await scene.town.ask(HELD_BACK, [large, rotten])

    await until(mended)
    return f"{LARGE} bytes, and headers that are no JSON: parked at the relay, the others flowed; went out when mended"


async def _step_taken(scene: Scene, subject: str, officer: str) -> None:
    """Let processing record a step of a dossier that nobody knows."""
    scene.town.recorder.note("planted", {"subject": subject, "why": "a fact that no broker takes"})
    fact = facts.StepTaken(
        catalogue_version="any",
        calendar_version="any",
        state=facts.State.PROCESSING,
        step_no=1,
        agency="H56",
        officer=officer,
    )
    moment = scene.town.legal_now()
    async with scene.town.database(server_settings={"search_path": "processing"}) as tx, tx.transaction():
        await Journal("processing").append(tx, [Draft(LIFECYCLE.name, subject, fact, moment)])


async def _limit(scene: Scene, size: int) -> None:
    """Say how large a record the lifecycle takes."""
    configs = {**LIFECYCLE.config, "max.message.bytes": str(size)}
    asked = ConfigResource(ConfigResourceType.TOPIC, LIFECYCLE.name, configs={"max.message.bytes": ""})
    async with scene.town.kafka_admin() as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, LIFECYCLE.name, configs=configs)])

        async def in_force() -> bool:
            """Answered is what the controller has written; the broker goes by it a moment later."""
            ((_, _, _, _, entries),) = (await admin.describe_configs([asked]))[0].resources
            return [entry[1] for entry in entries] == [str(size)]

        await until(in_force)


async def poison(scene: Scene) -> str:
    """A dossier whose handler fails parks alone; mended, it is replayed."""
    arrival = scene.town.arrival()
    await scene.town.execute(BREAK.format(place=arrival.place.code))
    try:
        entry = await scene.town.offices.file(arrival)

        query = "select count(*) from processing.parked where kind = 'poison' and subject = $1"
        await scene.town.holds(query, entry.code)

        async def elsewhere() -> Entry | None:
            filed = await scene.load.more(3)
            return next((each for each in filed if each.arrival.place != arrival.place), None)

        await scene.town.act(await until(elsewhere), 1)
    finally:
        await scene.town.execute(MEND)
    await succeed(scene.stack, "parked", "replay", "--apply", entry.code)
    for code in await _parked_beside(scene, entry.code):
        await succeed(scene.stack, "parked", "replay", "--apply", code)
    return "one dossier was parked with its reason, others flowed; mended and replayed"


async def _parked_beside(scene: Scene, code: str) -> list[str]:
    """Name dossiers of the same place that were filed meanwhile and met the same poison."""
    async with scene.town.database() as connection:
        rows = await connection.fetch("select distinct subject from processing.parked where subject <> $1", code)
    return [row["subject"] for row in rows]
