"""Our consumer where the effect of a fact is one row: `python -m tests.bench.one_row` in place of metrics' process.

What FastStream does in the same run, this does with order, gaps, cursors and parking.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from services.metrics.__main__ import build
from services.metrics.settings import Settings
from shared.contracts.topics import LIFECYCLE
from shared.database import Connection
from shared.messaging.batch import Subscription
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Received
from shared.runtime import Parts, Resources, Service, run
from tests.bench.effects import ADD_EFFECTS


async def add_effects(tx: Connection, wave: Sequence[Received]) -> None:
    """Write one row for each fact."""
    await tx.execute(
        ADD_EFFECTS,
        [received.id for received in wave],
        [received.subject for received in wave],
        [received.seq for received in wave],
        [received.legal_time for received in wave],
    )


async def one_row(resources: Resources[Settings]) -> Parts:
    """Put metrics together, with a consumer whose handler adds rows in place of its own."""
    parts = await build(resources)
    types = [fact.TYPE for written in LIFECYCLE.writers.values() for fact in written]
    subscription = Subscription(LIFECYCLE.name, dict.fromkeys(types, add_effects))
    consumer = Consumer("metrics", [subscription], resources.pool, resources.settings.kafka)
    return dataclasses.replace(parts, consumers={**parts.consumers, "facts": consumer})


if __name__ == "__main__":
    run(Service("metrics", Settings, one_row))
