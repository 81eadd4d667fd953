"""A fact that nobody can read, in mid-stream. Last in the package: what is parked stays, and nothing rests after."""

from __future__ import annotations

import asyncio

from shared.messaging.journal import Journal
from tests.integration.intake.counter import COMMUNE, Counter
from tests.integration.together.everywhere import Everywhere, filed, grown
from tests.integration.together.made_up import accepted_without_a_body, result_ready, writing
from tests.waiting import until

POISONED = f"{COMMUNE}-200102-9001"
POISON, BEHIND = ("poison", "intake", 1), ("behind", "processing", 1)
READERS = ("processing", "notification", "metrics")
"""Who reads the body of `accepted`; intake passes over its own facts, as processing does over its."""


async def parked_are(everywhere: Everywhere, *facts: tuple[str, str, int]) -> None:
    async def holds() -> bool:
        return await everywhere.parked(POISONED) == {
            service: [fact for fact in facts if fact[1] != service] for service in READERS
        }

    await until(holds)


async def test_a_poisoned_dossier_waits_with_all_that_follows_and_its_neighbours_pass(
    everywhere: Everywhere, counter: Counter
) -> None:
    before, filing = await everywhere.seen_now(), await counter.filing()

    async def poison() -> None:
        async with writing(everywhere.stack, "intake") as tx:
            await Journal("intake").append(tx, [accepted_without_a_body(POISONED)])

    first, _, second = await asyncio.gather(counter.hand_in(filing), poison(), counter.hand_in(filing))
    await parked_are(everywhere, POISON)
    async with writing(everywhere.stack, "processing") as tx:
        await Journal("processing").append(tx, [result_ready(POISONED)])
    await parked_are(everywhere, POISON, BEHIND)
    third = await counter.hand_in(filing)

    neighbours = filed(*(answer.json()["code"] for answer in (first, second, third)))

    async def all_passed() -> bool:
        return grown(before, await everywhere.seen_now()) == neighbours

    await until(all_passed)
    await parked_are(everywhere, POISON, BEHIND)
