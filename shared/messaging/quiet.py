"""The figures that say whether the system is quiet: computed when asked, exact and cheap."""

from __future__ import annotations

from collections import defaultdict

from pydantic import BaseModel, ConfigDict

from shared.database import Connection


class QuietFigures(BaseModel):
    """Facts journaled per topic, applied per `source/topic`, still unsent, and parked (facts, not dossiers).

    `parked` waits for an operator; `gaps` wait for a missing fact and go on by themselves when it comes; `held` are
    both, as far as they were read from others, per `source/topic`, with `?` as the source of bytes that are no
    envelope. Sequences are gap-free: the sum of the heads is the number of facts, the sum of the cursors counts
    distinct facts. What only one service has (timers due and not fired, messages not at an end) is nought in the
    others.
    """

    model_config = ConfigDict(frozen=True)

    journaled: dict[str, int]
    applied: dict[str, int]
    held: dict[str, int]
    unsent: int
    parked: int
    gaps: int
    timers_due: int = 0
    messages_waiting: int = 0


FIGURES = """
select 'journaled' as figure, topic as name, sum(seq)::bigint as facts from journal_heads group by topic
union all
select 'applied', source || '/' || topic, sum(seq)::bigint from cursors group by source, topic
union all
select 'held', coalesce(source, '?') || '/' || topic, count(*) from parked where kind <> 'unpublishable'
group by source, topic
union all
select 'unsent', '', count(*) from unsent
union all
select 'parked', '', count(*) from parked where kind <> 'gap'
union all
select 'gaps', '', count(*) from parked where kind = 'gap'
"""


async def quiet_figures(tx: Connection, *, timers_due: int = 0, messages_waiting: int = 0) -> QuietFigures:
    """Read messaging's figures in one statement, hence in one snapshot; the others are the service's own."""
    figures: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in await tx.fetch(FIGURES):
        figures[row["figure"]][row["name"]] = row["facts"]
    return QuietFigures(
        journaled=figures["journaled"],
        applied=figures["applied"],
        held=figures["held"],
        unsent=figures["unsent"][""],
        parked=figures["parked"][""],
        gaps=figures["gaps"][""],
        timers_due=timers_due,
        messages_waiting=messages_waiting,
    )
