"""One batch of one topic in one transaction: cursors, effects, parking; failure is cut down to a culprit."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog

from shared.database import Connection, Pool, transaction
from shared.messaging.brake import Ward, brake, place_name
from shared.messaging.cursors import lock_cursors, move_cursors
from shared.messaging.envelope import Received, Record, Undecodable, decode, parse
from shared.messaging.faults import Epidemic, Unfinished, passes, reason_of
from shared.messaging.figures import CONSUMED
from shared.messaging.parking import Kind, ParkedRecord, Parking, forget_gaps, park, park_bytes, waiting
from shared.messaging.sorting import Plan, Situation, Stream, sort_batch, stream_of, waves
from shared.observability import traced

log = structlog.get_logger()

Handler = Callable[[Connection, Sequence[Received]], Awaitable[None]]
"""Applies facts of one type, each of another subject, in the transaction of their cursors; set-based SQL.

It may be called again for the same facts after a rollback, so it has no effect outside the transaction. It raises
`faults.Unready` when it lacks something that will come; any other lasting error parks the dossier at fault.
"""


@dataclass(frozen=True)
class Subscription:
    """What a service does with one topic: type → handler, and the types it leaves alone, each with the reason.

    A type that is in neither is parked. `compacted` topics have no gap rule. `own` names the service where it publishes
    to this topic itself: its own facts are passed over, their effect was written in the transaction that recorded them.
    """

    topic: str
    handlers: Mapping[str, Handler]
    ignored: Mapping[str, str] = field(default_factory=dict)
    compacted: bool = False
    own: str = ""

    def is_own(self, record: Record) -> bool:
        """Whether the service published this record itself."""
        # As `decode` reads them: of two headers of one name the last counts.
        source = next((value for name, value in reversed(record.headers) if name == "ce_source"), b"")
        return bool(self.own) and source == self.own.encode()

    def read(self, record: Record) -> Received:
        """Decode a record, and parse its body if a handler wants it. Raises Undecodable."""
        fact = decode(record)
        return fact if fact.type in self.ignored else parse(fact, self.handlers)


class HandlerFailed(Exception):
    """A handler raised an error that waiting will not mend."""

    def __init__(self, group: Sequence[Received], cause: Exception) -> None:
        super().__init__(reason_of(cause))
        self.group = group


@dataclass
class Patience:
    """How long the work of one poll may go on, each try being a turn of the loop.

    It ends only when something was achieved: else the same search would begin anew for ever. One that achieved nothing
    yet is short by itself, for halves of a batch are soon single facts.
    """

    until: float
    turn: Callable[[], None]
    achieved: bool = False

    def go_on(self) -> None:
        """Come before each try. Raises Unfinished."""
        self.turn()
        if self.achieved and time.monotonic() >= self.until:
            raise Unfinished("facts fail, and each try to find them takes long; what is left is read again")


@dataclass(frozen=True)
class _Ripe:
    """Records of one batch, decoded; those that are no envelope apart. The brake looks at the whole batch."""

    facts: Sequence[Received]
    bytes: Sequence[tuple[Record, str]]
    ward: Ward
    patience: Patience

    @property
    def alone(self) -> bool:
        return len(self.facts) + len(self.bytes) == 1

    def halves(self) -> tuple[_Ripe, _Ripe]:
        """Cut both kinds in the middle; of two that are left, one of each, the bytes come first."""
        facts, bytes_ = len(self.facts) // 2, (len(self.bytes) + 1) // 2
        return (
            replace(self, facts=self.facts[:facts], bytes=self.bytes[:bytes_]),
            replace(self, facts=self.facts[facts:], bytes=self.bytes[bytes_:]),
        )


class Batches:
    """Applies the batches of one subscription."""

    def __init__(self, pool: Pool, subscription: Subscription, machine_now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._subscription = subscription
        self._machine_now = machine_now

    async def settle(self, records: Sequence[Record], patience: Patience) -> None:
        """Give every record its effect or its place in the parking table. Raises only what may pass by itself."""
        if others := [record for record in records if not self._subscription.is_own(record)]:
            await self._settle(self._ripe(others, patience), attempt=1)

    def _ripe(self, records: Sequence[Record], patience: Patience) -> _Ripe:
        facts: list[Received] = []
        undecodable: list[tuple[Record, str]] = []
        for record in records:
            try:
                facts.append(self._subscription.read(record))
            except Undecodable as error:
                undecodable.append((record, str(error)))
        patients = {fact.subject for fact in facts} | {place_name(one.partition, one.offset) for one, _ in undecodable}
        return _Ripe(facts, undecodable, Ward(self._subscription.topic, len(records), patients), patience)

    async def _settle(self, ripe: _Ripe, attempt: int) -> None:
        """Apply; on a lasting error find the culprit by halves, park its dossier, and let the others pass.

        An epidemic is halved too, so that what came before it has its effect.
        """
        try:
            while len(culprits := await self._try(ripe)) == 1:
                [(culprit, reason)] = culprits
                await self._park_culprit(ripe.ward, culprit, reason, attempt)
                ripe.patience.achieved = True
                attempt += 1
        except Epidemic:
            if ripe.alone:
                raise
        else:
            if not culprits:
                return
        for half in ripe.halves():
            await self._settle(half, attempt + 1)

    async def _try(self, ripe: _Ripe) -> list[tuple[Received, str]]:
        """Apply all in one transaction; answers the facts among which the culprit is, none when it went well."""
        ripe.patience.go_on()
        try:
            await self._apply(ripe)
        except HandlerFailed as failure:
            return [(fact, str(failure)) for fact in failure.group]
        return []

    async def _apply(self, ripe: _Ripe) -> None:
        async with transaction(self._pool) as tx:
            at = self._machine_now()
            plan = await self._sort(tx, ripe.facts)
            log.debug("batch begun", topic=self._subscription.topic, facts=len(plan.applied))
            await park_bytes(tx, ripe.bytes, at)
            await park(tx, plan.parked, at)
            outcome = Counter(parking.kind.value for parking in plan.parked)
            outcome += Counter(undecodable=len(ripe.bytes), applied=len(plan.applied), duplicate=plan.duplicates)
            if outcome[Kind.UNDECODABLE.value] or outcome[Kind.POISON.value]:
                await brake(tx, ripe.ward, at)
            await self._call_handlers(tx, plan)
        ripe.patience.achieved |= bool(plan.applied)
        log.debug("batch committed", topic=self._subscription.topic, outcome=outcome)
        for record, _ in ripe.bytes:
            log.warning("bytes parked", topic=record.topic, partition=record.partition, offset=record.offset)
        for parking in plan.parked:
            if parking.kind is Kind.POISON:
                _tell(parking.received)
        for name, count in outcome.items():
            CONSUMED.labels(self._subscription.topic, name).inc(count)

    async def _sort(self, tx: Connection, facts: Sequence[Received]) -> Plan:
        """Decide under the cursors' locks, and move the cursors."""
        if not facts:
            return Plan((), (), 0, {})
        topic = self._subscription.topic
        cursors = await lock_cursors(tx, topic, {stream_of(fact) for fact in facts})
        parked = await waiting(tx, topic, sorted({fact.subject for fact in facts}))
        situation = Situation(
            cursors=cursors,
            poison=_poison(parked),
            gaps=self._gaps(parked),
        )
        plan = sort_batch(facts, situation, compacted=self._subscription.compacted)
        await move_cursors(tx, topic, cursors, plan.cursors)
        if situation.gaps and plan.cursors:
            await forget_gaps(tx, topic, ((*stream, seq) for stream, seq in plan.cursors.items()))
        return plan

    def _gaps(self, parked: Sequence[Any]) -> dict[Stream, dict[int, Received]]:
        gaps: dict[Stream, dict[int, Received]] = {}
        for row in parked:
            if row["kind"] == Kind.GAP:
                fact = self._subscription.read(ParkedRecord(row))
                gaps.setdefault(stream_of(fact), {})[fact.seq] = fact
        return gaps

    async def _call_handlers(self, tx: Connection, plan: Plan) -> None:
        handlers = self._subscription.handlers
        for fact_type, group in waves(plan.applied, handlers):
            # A batch has no single cause; what handlers record then names its cause by the fact's own trace.
            cause = group[0].trace_parent if len(plan.applied) == 1 else None
            try:
                with traced(cause):
                    await handlers[fact_type](tx, group)
            except Exception as error:
                if passes(error):
                    raise
                raise HandlerFailed(group, error) from error

    async def _park_culprit(self, ward: Ward, fact: Received, reason: str, attempts: int) -> None:
        async with transaction(self._pool) as tx:
            # The cursor's lock keeps a second consumer from applying the fact between our failure and its parking.
            cursors = await lock_cursors(tx, fact.topic, {stream_of(fact)})
            if cursors[stream_of(fact)] >= fact.seq:
                return
            at = self._machine_now()
            await park(tx, [Parking(fact, Kind.POISON, reason, attempts)], at)
            await brake(tx, ward, at)
        _tell(fact)
        CONSUMED.labels(fact.topic, Kind.POISON.value).inc()


def _tell(fact: Received) -> None:
    """Say that a fact is parked; why, `motcua parked list` says."""
    log.warning("fact parked", topic=fact.topic, subject=fact.subject, source=fact.source, seq=fact.seq)


def _poison(parked: Sequence[Any]) -> dict[str, dict[str, int]]:
    poison: dict[str, dict[str, int]] = {}
    for row in parked:
        if row["kind"] == Kind.POISON:
            first = poison.setdefault(row["subject"], {})
            first[row["source"]] = min(row["seq"], first.get(row["source"], row["seq"]))
    return poison
