"""A fact that nobody can read, in mid-stream: what follows it waits too, its neighbours pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.messaging.journal import Journal
from tests.integration.intake.counter import COMMUNE, Counter
from tests.integration.together.everywhere import Everywhere, filed, grown
from tests.integration.together.made_up import accepted_without_a_body, result_ready, take_out, writing
from tests.waiting import until

POISONED = f"{COMMUNE}-200102-9001"
POISON, BEHIND = ("poison", "intake", 1), ("behind", "processing", 1)
READERS = ("processing", "notification", "metrics")
"""Who reads the body of `accepted`; intake passes over its own facts, as processing does over its."""


@pytest.fixture
async def poisoned(everywhere: Everywhere) -> AsyncIterator[str]:
    """A dossier that is nobody's; at the end nothing is left of it."""
    await everywhere.rest()
    yield POISONED
    await everywhere.stage.watch.settled()  # a reader that lags would apply what is nowhere any more
    await take_out(everywhere.stack, POISONED)
    await everywhere.rest()


async def parked_are(everywhere: Everywhere, *facts: tuple[str, str, int]) -> None:
    async def holds() -> bool:
        return await everywhere.parked(POISONED) == {
            service: [fact for fact in facts if fact[1] != service] for service in READERS
        }

    await until(holds)


async def test_a_poisoned_dossier_waits_with_all_that_follows_and_its_neighbours_pass(
    everywhere: Everywhere, counter: Counter, poisoned: str
) -> None:
    before, filing = await everywhere.seen_now(), await counter.filing()

    async def poison() -> None:
        async with writing(everywhere.stack, "intake") as tx:
            await Journal("intake").append(tx, [accepted_without_a_body(poisoned)])

    first, _, second = await asyncio.gather(counter.hand_in(filing), poison(), counter.hand_in(filing))
    await parked_are(everywhere, POISON)
    async with writing(everywhere.stack, "processing") as tx:
        await Journal("processing").append(tx, [result_ready(poisoned)])
    await parked_are(everywhere, POISON, BEHIND)
    third = await counter.hand_in(filing)

    neighbours = filed(*(answer.json()["code"] for answer in (first, second, third)))

    async def all_passed() -> bool:
        return grown(before, await everywhere.seen_now()) == neighbours

    await until(all_passed)
    await parked_are(everywhere, POISON, BEHIND)
