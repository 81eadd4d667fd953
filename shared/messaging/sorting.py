"""What to do with each fact of a batch: a pure decision over the batch, the cursors and what is parked already.

Order is kept per stream (subject, source) of one topic:
at most the cursor: a duplicate, dropped · the next one: applied · beyond: a gap, it waits for the missing fact.
A subject with a poisoned fact waits, with everything behind it and everything from other sources.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.messaging.envelope import Received
from shared.messaging.parking import Kind, Parking

Stream = tuple[str, str]
"""(subject, source) within the topic of the batch."""


@dataclass(frozen=True)
class Situation:
    """What the database said under the cursors' locks.

    `cursors`: last applied sequence of every stream of the batch (0: none). `poison`: the sequence of poisoned facts by
    source, of every subject that has one. `gaps`: parked facts that wait for a missing one, parsed, by stream and
    sequence.
    """

    cursors: Mapping[Stream, int]
    poison: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    gaps: Mapping[Stream, Mapping[int, Received]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The decision. `applied` is in the order of effect; `cursors` holds only streams that move."""

    applied: tuple[Received, ...]
    parked: tuple[Parking, ...]
    duplicates: int
    cursors: Mapping[Stream, int]


def stream_of(fact: Received) -> Stream:
    """Name the stream of a fact within its topic."""
    return (fact.subject, fact.source)


def sort_batch(facts: Iterable[Received], situation: Situation, *, compacted: bool = False) -> Plan:
    """Decide what becomes of each fact, in the order of the batch.

    On a compacted topic earlier facts may be gone, so there is no gap: the higher sequence wins.
    """
    sorter = _Sorter(situation, compacted=compacted)
    for fact in facts:
        sorter.take(fact)
    return sorter.plan()


def waves(applied: Sequence[Received], handled: Iterable[str]) -> Iterator[tuple[str, list[Received]]]:
    """Yield groups of facts that one handler call may take: of one type, each subject at most once.

    Wave k holds the k-th fact of each subject; waves keep the order of each subject, so groups may be large although
    no subject's facts ever overtake each other. Facts whose type has no handler are left out.
    """
    kinds = frozenset(handled)
    depth: dict[str, int] = defaultdict(int)
    groups: dict[tuple[int, str], list[Received]] = {}
    for fact in applied:
        if fact.type in kinds:
            groups.setdefault((depth[fact.subject], fact.type), []).append(fact)
            depth[fact.subject] += 1
    for (_, fact_type), group in sorted(groups.items(), key=lambda found: found[0][0]):
        yield fact_type, group


class _Sorter:
    def __init__(self, situation: Situation, *, compacted: bool) -> None:
        self._compacted = compacted
        self._cursors = dict(situation.cursors)
        self._before = situation.cursors
        self._poison = {subject: dict(found) for subject, found in situation.poison.items()}
        self._known_gaps = situation.gaps
        self._gaps = {stream: dict(waiting) for stream, waiting in situation.gaps.items()}
        self._applied: list[Received] = []
        self._parked: list[Parking] = []
        self._duplicates = 0

    def take(self, fact: Received) -> None:
        stream = stream_of(fact)
        last = self._cursors.get(stream, 0)
        if fact.seq <= last or fact.seq in self._gaps.get(stream, ()):
            self._duplicates += 1
        elif self._is_behind(fact):
            self._parked.append(Parking(fact, Kind.BEHIND, "waits behind a parked fact of its subject"))
        elif fact.seq > last + 1 and not self._compacted:
            self._gaps.setdefault(stream, {})[fact.seq] = fact
        else:
            self._step(fact)
        self._go_on(stream)

    def _go_on(self, stream: Stream) -> None:
        waiting = self._gaps.get(stream, {})
        while (fact := waiting.get(self._cursors.get(stream, 0) + 1)) and not self._is_behind(fact):
            self._step(waiting.pop(fact.seq))

    def _is_behind(self, fact: Received) -> bool:
        """Only what comes before the poison in its own stream still goes on."""
        poison = self._poison.get(fact.subject)
        return poison is not None and fact.seq >= poison.get(fact.source, 0)

    def _step(self, fact: Received) -> None:
        if fact.fault:
            self._poison.setdefault(fact.subject, {})[fact.source] = fact.seq
            self._parked.append(Parking(fact, Kind.POISON, fact.fault, attempts=1))
        else:
            self._applied.append(fact)
            self._cursors[stream_of(fact)] = fact.seq

    def plan(self) -> Plan:
        for stream, waiting in self._gaps.items():
            known = self._known_gaps.get(stream, {})
            self._parked.extend(
                Parking(fact, Kind.GAP, f"waits for the fact after {self._cursors.get(stream, 0)}")
                for seq, fact in sorted(waiting.items())
                if seq not in known
            )
        moved = {stream: seq for stream, seq in self._cursors.items() if seq != self._before.get(stream, 0)}
        return Plan(tuple(self._applied), tuple(self._parked), self._duplicates, moved)
