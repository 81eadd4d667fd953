"""Faults 24 to 27 and 36: a consumer dies, freezes, is slow, its group never rests, or its release changes."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from deploy.demo.ledger import Entry
from shared.contracts.topics import LIFECYCLE
from shared.messaging.connection import connection
from tests.faults.signals import DidNotStrike, frozen, see_frozen, superseded
from tests.faults.strikes.at_database import ENDED
from tests.faults.town import Scene, act_on
from tests.faults.trial import ROOT
from tests.holding import WAITING, held
from tests.waiting import until

SLOW = """
create function processing.slowly() returns trigger language plpgsql as $$
begin
    perform pg_sleep({seconds});
    return null;
end
$$;
create trigger slowly before insert on processing.cases for each statement execute function processing.slowly();
"""
QUICK = "drop function if exists processing.slowly cascade"
SLEEPS = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and usename = 'processing'"
SLOW_SECONDS = {False: 2.0, True: 8.0}
"""Below the 10 s after which the server itself ends a statement."""
WAITS_IN = "select pid from pg_stat_activity where wait_event = 'advisory' and usename = $1"
WROTE = """
select count(*) from pg_stat_activity
where pid = $1 and state = 'idle in transaction' and backend_xid is not null
"""
"""A transaction that wrote, in which the server waits for its client's next word."""
OPENED = "select count(*) from processing.cases where code = $1"
NEW_FIELD = "added_by_the_next_release"


async def killed(scene: Scene) -> str:
    """Kill processing inside the transaction of a batch."""
    for _ in range(scene.size.times):
        async with scene.town.database() as holder, held(holder, "processing", "processing.cases", "before insert"):
            filing = scene.load.begin(1)

            await scene.town.holds(WAITING, "processing")
            await scene.stack.kill("processing")
        scene.let_go()
        await filing
        await scene.stack.wait_ready("processing")
    return f"kills inside a batch: {scene.size.times}"


async def stood_still(scene: Scene) -> str:
    """Freeze a consumer inside a batch, past its session: another opens the batch's cases, then it wakes up."""
    town = scene.town
    async with (
        town.database() as holder,
        held(holder, "processing", "processing.cases", "before insert") as let_through,
        contextlib.AsyncExitStack() as others,
    ):
        filing = scene.load.begin(1)
        await town.holds(WAITING, "processing")
        session = await town.ask(WAITS_IN, "processing")
        with frozen(scene.stack.pid("processing")) as pids:
            await see_frozen(pids)
            await let_through()
            await town.holds(f"select ({WROTE}) > 0 or ({ENDED})", session)
            await others.enter_async_context(scene.stack.second("processing"))
            entries = [*await filing, *await scene.load.more(6)]
            await town.holds(ENDED, session)

            async def all_opened() -> bool:
                return all([await town.ask(OPENED, entry.code) for entry in entries])

            await until(all_opened)
        scene.let_go()
        await scene.load.more(2)
    return (
        "frozen with an opened case in its hands; the server ended that transaction, another consumer had its"
        f" partitions and opened {len(entries)} cases, the same among them; then it woke up"
    )


async def storm(scene: Scene) -> str:
    """Members join the group of processing and leave it again, without handling anything; the others' facts flow."""
    got = 0
    filed: list[Entry] = []

    async def flows() -> bool:
        filed.extend(await scene.load.more(2))
        return any([await scene.town.ask(OPENED, entry.code) for entry in filed])

    for _ in range(2 * scene.size.times):
        member = AIOKafkaConsumer(
            LIFECYCLE.name,
            **connection(scene.town.kafka),
            group_id="processing",
            enable_auto_commit=False,
            partition_assignment_strategy=(StickyPartitionAssignor,),
        )
        await member.start()
        try:

            async def assigned(guest: AIOKafkaConsumer = member) -> bool:
                return bool(guest.assignment())

            await until(assigned)
            got += len(member.assignment())
            filed.clear()
            await until(flows)
        finally:
            await member.stop()
            scene.let_go()
    return f"{2 * scene.size.times} members came and went, {got} partitions changed hands each way"


async def slow(scene: Scene) -> str:
    """Make every opening of cases slow."""
    longer = SLOW_SECONDS[scene.size.full]
    await scene.town.execute(QUICK + ";" + SLOW.format(seconds=longer))
    try:
        entries: list[Entry] = []

        async def sleeps() -> bool:
            entries.extend(await scene.load.more(1))
            return bool(await scene.town.ask(SLEEPS))

        await until(sleeps)
        await scene.town.holds(OPENED, entries[0].code)
    finally:
        await scene.town.execute(QUICK)
    return f"each batch took {longer:.0f} s longer; the consumer went on"


def next_release(scene: Scene) -> Path:
    """Copy the release and let its facts about steps say something new."""
    place = scene.stack.folder.path / "next-release"
    shutil.rmtree(place, ignore_errors=True)
    for package in ("services", "shared"):
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    source = place / "shared" / "contracts" / "terms.py"
    told = "    state: State\n    step_no: int\n"
    changed = source.read_text("utf-8").replace(told, f'{told}    {NEW_FIELD}: str = "yes"\n')
    if NEW_FIELD not in changed:
        raise DidNotStrike("the next release is no other")
    source.write_text(changed, "utf-8")
    return place


async def _roll(scene: Scene, **environment: str) -> None:
    """Replace processing politely, under another environment."""
    scene.stack.relaunch("processing", **environment)
    await superseded(scene.stack, "processing")
    scene.let_go()
    await scene.stack.wait_ready("processing")


async def next_release_and_back(scene: Scene) -> str:
    """Roll processing to a release whose facts have one more field, let officers act, roll back; they act again.

    Before it both releases run beside each other, and officers go from one to the other with the same dossier.
    """
    before, other, after = await scene.load.more(3)
    await scene.town.act(before, 1)
    release = {"PYTHONPATH": str(next_release(scene))}
    async with scene.stack.second("processing", **release) as name:
        passed = await _handed_to_and_fro(scene, name)
    await _roll(scene, **release)
    try:
        owed = await scene.town.act(other, 2)
    finally:
        await _roll(scene)
    if owed is None:
        raise DidNotStrike("the next release left nothing to do for the one before it")
    await act_on(scene.town.offices, *owed, 1)
    await scene.town.act(after, 2)
    query = "select count(*) from processing.journal where subject = $1 and convert_from(body, 'UTF8') like $2"
    said = await scene.town.ask(query, other.code, f"%{NEW_FIELD}%")
    if not said:
        raise DidNotStrike("no fact of the next release")
    return (
        f"{passed} acts on one dossier by both releases in turn; rolled forward and back under load; {said} facts of"
        " another with a field that the old release does not know, acted on afterwards"
    )


async def _handed_to_and_fro(scene: Scene, name: str) -> int:
    """Act on one dossier at the next release and at this one in turn; answers how often."""
    town = scene.town
    (entry,) = await scene.load.more(1)
    item, duty = await town.first_duty(entry)
    new = town.offices_over(town.callers["intake"], town.caller(scene.stack.ports.of(name)))
    for number, offices in enumerate((new, town.offices, new), 1):
        item, owed = await act_on(offices, item, duty, 1)
        if owed is None:
            return number
        duty = owed
    return 3
