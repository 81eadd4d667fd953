"""From commit to effect: filings at 200 a second at intake; when is each counted by metrics?"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

from deploy.demo.calls import Caller
from shared.contracts.topics import LIFECYCLE
from shared.http.wire import Wire
from tests.bench import filings, load
from tests.bench.rounds import Round, Size
from tests.bench.stack import BenchStack
from tests.waiting import until

FACTS_A_SECOND = 200
HANDLED = """
select extract(epoch from pg_xact_commit_timestamp(cursor.xmin) - pg_xact_commit_timestamp(fact.xmin))::float8 * 1000
    as took
from intake.journal as fact
join metrics.cursors as cursor using (topic, subject, source, seq)
where fact.topic = $1 and fact.subject = any($2::text[])
"""


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start PostgreSQL, Kafka, intake and metrics; every fact that counts is the first of another dossier."""
    async with BenchStack("intake", "metrics") as stack:
        with contextlib.closing(Wire("127.0.0.1", stack.ports.intake, connections=200)) as wire:

            async def one_round() -> Mapping[str, float]:
                filed = await filings.at_rate(stack, Caller(wire), FACTS_A_SECOND, size.seconds)
                took = await handled(stack, [each.code for each in filed])
                await stack.sent("intake")
                await stack.rest()
                return {"handled_p50_ms": load.percentile(took, 0.50), "handled_p99_ms": load.percentile(took, 0.99)}

            yield one_round


async def handled(stack: BenchStack, codes: list[str]) -> list[float]:
    """Wait until metrics has applied every one; milliseconds from commit to commit."""

    async def all_of_them() -> list[float] | None:
        rows = await stack.rows(HANDLED, LIFECYCLE.name, codes)
        return [row["took"] for row in rows] if len(rows) == len(codes) else None

    return await until(all_of_them, "metrics has applied every fact", seconds=60, pause=0.5)
