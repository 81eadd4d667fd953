"""Opening cases: processing's service process on accepted dossiers, beside the same SQL."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

from services.processing.handlers.accepting import subscriptions
from shared.contracts.topics import LIFECYCLE
from tests.bench import kafka, year_facts
from tests.bench.consume import served, sql_rate
from tests.bench.rounds import Round, Size, say
from tests.bench.stack import BenchStack

DOSSIERS_A_SECOND = 3000
"""Dossiers on the topic for each second of `--seconds`."""
EMPTY = "truncate processing.cases, processing.cursors, processing.parked cascade"


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start PostgreSQL and Kafka with a topic of accepted dossiers; processing is begun and ended by itself."""
    async with BenchStack() as stack:
        say("opening: accepted dossiers")
        facts = year_facts.accepted_dossiers(DOSSIERS_A_SECOND * size.seconds)
        await kafka.fill(stack, LIFECYCLE, [fact.message() for fact in facts])
        [subscription] = subscriptions(await kafka.rules(stack))

        async def empty() -> None:
            await stack.database.execute(EMPTY)
            await stack.rest()

        async def one_round() -> Mapping[str, float]:
            await empty()
            found, resident = await served(stack, "processing", facts=len(facts), seconds=size.seconds)
            await empty()
            return {
                "processing_consume_per_s": found.per_s,
                "processing_consume_cpu_us": found.cpu_us,
                "processing_consume_database_cpu_us": found.database_cpu_us,
                "processing_sql_per_s": await sql_rate(stack, "processing", subscription, len(facts)),
                "processing_rss_mb": resident,
            }

        yield one_round
