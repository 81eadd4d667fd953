"""The legal clock's own moves: timers that have fallen due, in batches."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from services.processing.domain.timers import fire
from services.processing.handlers.drafting import drafts_of
from services.processing.repository.clockwork import save_fired
from services.processing.repository.locking import lock_due
from shared.database import Pool, transaction
from shared.messaging.journal import Journal
from shared.observability import new_traceparent

BATCH = 200
"""Dossiers whose timers fire in one transaction."""


async def fire_due(pool: Pool, journal: Journal, now: datetime) -> Counter[str]:
    """Fire one batch of what is due at a legal moment; answer how many facts of each type that made.

    A dossier that an officer is acting on just now is left to his transaction, or to the next batch.
    """
    async with transaction(pool) as tx:
        claimed = [locked for locked in await lock_due(tx, now, BATCH) if locked.due_timers]
        fired = [(locked, fire(locked.case, locked.due_timers, now)) for locked in claimed]
        if fired:
            await save_fired(tx, fired)
        trace = new_traceparent()
        drafts = [draft for _, decision in fired for draft in drafts_of(decision.after.code, decision.facts, trace)]
        await journal.append(tx, drafts)
    return Counter(draft.fact.TYPE for draft in drafts)
