"""Bugs put in on purpose: a simulation that finds none of them shows nothing. Each is planted for one seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from services.metrics import repository
from services.processing.domain.timers import fire
from services.processing.domain.workflow import Decision
from services.processing.handlers import clockwork
from shared.database import Connection, Pool, transaction
from shared.http import idempotency
from shared.messaging import batch, journal, relay
from shared.messaging.chain import GENESIS, fact_hash
from shared.messaging.cursors import move_cursors
from shared.messaging.sorting import sort_batch
from shared.messaging.unsent import forget_sent, pending_facts

Plant = Callable[[pytest.MonkeyPatch], None]


def effect_before_cursor(patch: pytest.MonkeyPatch) -> None:
    """Effects commit first; the cursors follow in a transaction of their own."""
    postponed: dict[Connection, Any] = {}

    async def postpone(tx: Connection, *move: Any) -> None:
        postponed[tx] = move

    @asynccontextmanager
    async def in_two(pool: Pool) -> AsyncIterator[Connection]:
        async with transaction(pool) as tx:
            yield tx
        if tx in postponed:
            async with transaction(pool) as second:
                await move_cursors(second, *postponed.pop(tx))

    patch.setattr(batch, "move_cursors", postpone)
    patch.setattr(batch, "transaction", in_two)


def gap_ignored(patch: pytest.MonkeyPatch) -> None:
    """A fact beyond the next one takes effect at once."""
    patch.setattr(batch, "sort_batch", lambda facts, situation, **_: sort_batch(facts, situation, compacted=True))


def relay_ordered_by_id(patch: pytest.MonkeyPatch) -> None:
    """The relay remembers the highest place in the queue that was acknowledged and looks only beyond it."""
    reached: Counter[str] = Counter()
    asked: dict[object, Sequence[Any]] = {}

    async def beyond(tx: Any, holder: str, limit: int, closed: Sequence[str]) -> Sequence[Any]:
        position = reached[tx.actor.line.schema]
        asked[tx.actor] = [row for row in await pending_facts(tx, holder, limit, closed) if row["ordinal"] > position]
        return asked[tx.actor]

    async def remember(tx: Any, ordinals: Sequence[int]) -> None:
        schema = tx.actor.line.schema
        for row in asked[tx.actor]:
            if row["ordinal"] not in ordinals:
                break
            reached[schema] = max(reached[schema], row["ordinal"])
        await forget_sent(tx, ordinals)

    patch.setattr(relay, "pending_facts", beyond)
    patch.setattr(relay, "forget_sent", remember)


def timers_tell_the_present(patch: pytest.MonkeyPatch) -> None:
    """A timer's fact bears the moment at which it fired, not that at which it was due."""

    def late(*arguments: Any) -> Decision:
        decision, now = fire(*arguments), arguments[-1]
        return replace(decision, facts=tuple(replace(each, legal_time=now) for each in decision.facts))

    patch.setattr(clockwork, "fire", late)


def keys_forgotten(patch: pytest.MonkeyPatch) -> None:
    """No request is recognised when it comes again."""

    async def always_first(*_: Any) -> dict[Any, Any]:
        return {}

    patch.setattr(idempotency, "claim_requests", always_first)


def hashes_unchained(patch: pytest.MonkeyPatch) -> None:
    """Every fact is hashed as if it were the first."""
    patch.setattr(journal, "fact_hash", lambda _previous, row: fact_hash(GENESIS, row))


def counted_twice(patch: pytest.MonkeyPatch) -> None:
    """What a batch adds to the counters is added again."""
    add_counts = repository.add_counts

    async def twice(tx: Connection, added: Mapping[Any, int]) -> None:
        await add_counts(tx, added)
        await add_counts(tx, added)

    patch.setattr(repository, "add_counts", twice)


PLANTS: Mapping[Plant, str] = {
    effect_before_cursor: "took effect",
    gap_ignored: "took effect",
    relay_ordered_by_id: "unsent",
    timers_tell_the_present: "fired",
    keys_forgotten: "stand in intake's journal",
    hashes_unchained: "does not fit",
    counted_twice: "counted",
}
"""Bug → words of the verdict that tell it."""
