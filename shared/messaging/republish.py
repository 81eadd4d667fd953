"""Refills a lost topic from the journal: every chain in its order, keyed as before, byte for byte.

It only publishes again what was published before: what still waits in `unsent` is the relay's. Consumers drop by their
cursors what they had. Chains follow one another by subject, so a position names where to go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from shared.database import Pool, autocommit
from shared.messaging.publisher import Bounds, Publisher
from shared.settings import KafkaSettings


@dataclass(frozen=True)
class Position:
    """The last fact of a journal's topic that the broker acknowledged; chains are walked by subject."""

    subject: str = ""
    seq: int = 0


@dataclass(frozen=True)
class Pace:
    """How many facts go out at once, and at most in a second: the services live beside it."""

    batch: int = 500
    per_second: float = 2000

    @property
    def at_once(self) -> int:
        """Facts of one batch: never more than a second's worth."""
        return max(1, min(self.batch, int(self.per_second)))

    def wait(self, facts: int, seconds: float) -> float:
        """Seconds to rest after so many facts in so many seconds."""
        return max(0.0, facts / self.per_second - seconds)


def refiller(kafka: KafkaSettings, name: str) -> Publisher:
    """Make the publisher of a refill, without an id of the broker.

    A broker that lost its data gives the same ids out again, and a relay of before the loss may still send under its
    own: of two producers under one id each is told that its numbers are out of order, or that what it sent is there
    already. What a refill doubles, the cursors drop.
    """
    return Publisher(kafka, f"republish-{name}", Bounds(), numbered=False)


class NotTaken(KafkaError):  # type: ignore[misc]
    """The broker did not take a fact; everything up to the last position told was taken."""


NEXT = """
select topic, subject, seq, id, type, source, legal_time, recorded_at, partition_key, headers, trace_parent, body
from journal
where topic = $1 and (subject, seq) > ($2, $3)
    and not exists (
        select from unsent
        where unsent.topic = journal.topic and unsent.subject = journal.subject and unsent.seq = journal.seq
    )
order by subject, seq
limit $4
"""

COUNT = """
select count(*) from journal where topic = $1 and (subject, seq) > ($2, $3)
"""


async def count_facts(pool: Pool, topic: str, after: Position) -> int:
    """Count what a journal has recorded for a topic behind a position."""
    async with autocommit(pool) as database:
        return int(await database.fetchval(COUNT, topic, after.subject, after.seq))


async def republish(
    pool: Pool, publisher: Publisher, topic: str, after: Position, pace: Pace
) -> AsyncGenerator[tuple[Position, int], None]:
    """Publish a journal's facts of one topic again; tells, after each batch that was taken, where it is and its size.

    Raises NotTaken, and whatever the database raises.
    """
    begun, sent = time.monotonic(), 0
    while True:
        async with autocommit(pool) as database:
            rows = await database.fetch(NEXT, topic, after.subject, after.seq, pace.at_once)
        if not rows:
            return
        outcome = await publisher.publish(rows)
        for error in (*outcome.failed.values(), *(reason for _, reason in outcome.refused)):
            raise NotTaken(f"{topic}: {error}")
        after, sent = Position(rows[-1]["subject"], rows[-1]["seq"]), sent + len(rows)
        yield after, len(rows)
        await asyncio.sleep(pace.wait(sent, time.monotonic() - begun))
