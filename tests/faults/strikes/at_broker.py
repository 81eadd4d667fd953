"""Faults 18 to 21 and 23: Kafka dies, is away, stands still, is full, or loses a topic."""

from __future__ import annotations

import asyncio

from deploy.demo.ledger import Entry
from deploy.local.services import SERVICES
from shared.contracts.topics import LIFECYCLE
from tests.faults.disks import Refused
from tests.faults.signals import DidNotStrike, frozen, replaced, see_frozen
from tests.faults.strikes.at_intake import killed_again_and_again
from tests.faults.town import Scene
from tests.operating import as_json
from tests.waiting import until

UNSENT = "select count(distinct subject) from intake.unsent where subject = any($1)"
SECONDS_AWAY = {False: 0.0, True: 600.0}


async def killed(scene: Scene) -> str:
    """Kill the broker; where there is time for it, tell it to end as well."""
    dead = await killed_again_and_again(scene, "kafka")
    if not scene.size.full:
        return f"kills: {len(dead)}, another process after each"
    await replaced(scene.stack, "kafka")
    scene.let_go()
    return f"kills: {len(dead)}, and once told to end; another process after each"


async def accepted_without_kafka(scene: Scene) -> list[Entry]:
    """File while no fact can go out. Raises DidNotStrike when one went."""
    entries = await scene.load.more(4)
    await asyncio.sleep(scene.size.hold)  # how long it lasts
    waiting = await scene.town.ask(UNSENT, [entry.code for entry in entries])
    if waiting < len(entries):
        raise DidNotStrike(f"of {len(entries)} accepted dossiers only {waiting} wait to be published")
    return entries


async def away(scene: Scene) -> str:
    lines = scene.stack.kafka.cut()
    try:
        entries = await accepted_without_kafka(scene)
        await asyncio.sleep(SECONDS_AWAY[scene.size.full])  # how long it lasts
    finally:
        scene.stack.kafka.join()
    scene.let_go()
    return f"{lines} connections cut and new ones refused; {len(entries)} dossiers accepted meanwhile waited unsent"


async def stood_still(scene: Scene) -> str:
    with frozen(scene.stack.pid("kafka")) as pids:
        await see_frozen(pids)
        entries = await accepted_without_kafka(scene)
    return f"the broker stood still; {len(entries)} dossiers accepted meanwhile waited unsent"


async def disk_full(scene: Scene) -> str:
    if scene.stack.without_disks:
        raise Refused(scene.stack.without_disks)
    disk, log = scene.stack.kafka_disk, scene.stack.folder.logs / "kafka.log"
    at, taken = log.stat().st_size, disk.fill()
    try:

        async def refused() -> bool:
            await scene.load.more(2)
            return "No space left on device" in log.read_text("utf-8", "replace")[at:]

        await until(refused)
        await asyncio.sleep(scene.size.hold)  # how long it lasts
    finally:
        disk.empty()
    return f"{taken // 1_000_000} MB filled until the broker found no space; dossiers were accepted meanwhile"


async def _readers_restarted(scene: Scene) -> None:
    """Restart every reader: it may hold a place of the lost topic, and would begin there in the refilled one."""
    await asyncio.gather(*(replaced(scene.stack, name) for name in SERVICES))


async def topic_lost(scene: Scene) -> str:
    """Delete the lifecycle with all it held; an operator makes it anew and fills it from the journals."""
    town = scene.town
    async with town.kafka_admin() as admin:
        answer = await admin.delete_topics([LIFECYCLE.name])
        if [code for _, code, *_ in answer.topic_error_codes] != [0]:
            raise DidNotStrike(f"the topic was not deleted: {answer}")
    town.recorder.made_anew(LIFECYCLE.name)
    await scene.load.more(1)
    made = await scene.stack.provision()
    await _readers_restarted(scene)
    refill = ("republish", "--from", "intake", "--from", "processing", "--topic", LIFECYCLE.name)
    rows = await as_json(scene.stack, *refill)
    return f"topic deleted, made anew ({', '.join(made.topics)}), {sum(row['facts'] for row in rows)} facts republished"
