"""The judge of order, a part of the checker: no reader's cursor ever went back, over a hole, or the same way twice.

Standard library only, as the checker.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
Stream = tuple[str, str, str]
"""Source, topic and subject."""
WIPED = "truncate"


def stream_of(row: Row) -> Stream:
    return row["source"], row["topic"], row["subject"]


@dataclass
class Publications:
    """When each fact was first on its topic, in milliseconds.

    What a lost topic held is known only as far as it was read: a fact that was recorded before the topic was made anew
    and seen only afterwards may have been published before.
    """

    first: Mapping[tuple[Stream, int], tuple[int, int]]
    begun: Mapping[tuple[str, int], int]

    @classmethod
    def of(cls, facts: Iterable[Row]) -> Publications:
        """Gather them from the records of the topics."""
        first: dict[tuple[Stream, int], tuple[int, int]] = {}
        begun: dict[tuple[str, int], int] = {}
        for fact in facts:
            place, seen = (stream_of(fact), fact["seq"]), (fact["generation"], fact["at"])
            first[place] = min(first.get(place, seen), seen)
            topic = fact["topic"], fact["generation"]
            begun[topic] = min(begun.get(topic, fact["at"]), fact["at"])
        return cls(first, begun)

    def stood(self, fact: Row, at: int) -> bool:
        """Tell whether a recorded fact was, or may have been, on its topic at that moment."""
        place = stream_of(fact), fact["seq"]
        if place not in self.first:
            return False
        generation, first = self.first[place]
        lost = generation > 0 and fact["recorded"] < self.begun[fact["topic"], generation]
        return lost or first <= at


@dataclass
class Readers:
    """Where every reader stands, by what its moves were; `places` is service → stream → sequence."""

    chains: Mapping[Stream, list[Row]]
    published: Publications
    compacted: Collection[str]
    places: dict[str, dict[Stream, int]] = field(default_factory=lambda: defaultdict(dict))

    def follow(self, move: Row) -> Iterator[str]:
        """Take one move; say what is wrong with it."""
        places, stream = self.places[move["service"]], stream_of(move)
        if move["deed"] == WIPED:
            places.clear()
            return
        before, after = places.pop(stream, None), move["seq"]
        who = f"{move['service']} in {'/'.join(stream)}"
        if move["was"] != before:
            yield f"{who} moved from {move['was']} and stood at {before}"
        if after is None:
            yield f"{who} forgot that it stood at {before}"
            return
        if before is not None and after <= before:
            yield f"{who} moved from {before} to {after}"
        places[stream] = after
        unseen = [seq for seq in range((before or 0) + 1, after + 1) if not self._may_pass(stream, seq, move["at"])]
        yield from (f"{who} passed over {seq} before it was published" for seq in unseen)

    def _may_pass(self, stream: Stream, seq: int, at: int) -> bool:
        """On a compacted topic the last fact of a subject is enough."""
        chain = self.chains.get(stream, [])
        return stream[1] in self.compacted or (seq <= len(chain) and self.published.stood(chain[seq - 1], at))


def moves_without_order(
    moves: Iterable[Row], cursors: Mapping[tuple[str, Stream], int], readers: Readers
) -> Iterator[str]:
    """Every move goes on where the last one ended, forward, and over nothing that was not published by then.

    The last move of each stream leads to where its cursor stands.
    """
    for move in moves:
        yield from readers.follow(move)
    led = {(service, stream): seq for service, places in readers.places.items() for stream, seq in places.items()}
    for place in led.keys() | cursors.keys():
        if led.get(place) != cursors.get(place):
            yield f"{place} was moved to {led.get(place)} and stands at {cursors.get(place)}"


def wipes_without_leave(moves: Iterable[Row], leave: Iterable[Row]) -> Iterator[str]:
    """Cursors are emptied only where an operator is known to have done it."""
    done = Counter(move["service"] for move in moves if move["deed"] == WIPED)
    for service, times in (done - Counter(line["service"] for line in leave)).items():
        yield f"the cursors of {service} were wiped {times} times without leave"


def effects_without_order(
    moves: Iterable[Row], effects: Iterable[Row], chains: Mapping[Stream, list[Row]]
) -> Iterator[str]:
    """Each effect stands in the transaction that moved the cursor over its fact, behind those of the facts before."""
    facts = {fact["id"]: fact for chain in chains.values() for fact in chain}
    passed = {
        (*_mover(move), *stream_of(move)): range(move["was"] + 1, (move["seq"] or 0) + 1)
        for move in moves
        if move["was"] is not None
    }
    last: dict[Any, int] = {}
    for effect in effects:
        fact = facts.get(effect["fact_id"])
        if fact is None:
            yield f"{effect['service']} did something for {effect['fact_id']}, which nobody recorded"
            continue
        stream, seq = stream_of(fact), fact["seq"]
        who = f"{effect['service']} in {'/'.join(stream)}"
        before = last.get((effect["service"], stream), 0)
        if before >= seq:
            yield f"{who} did {seq} after {before}"
        if seq not in passed.get((*_mover(effect), *stream), ()):
            yield f"{who} did {seq} without moving over it"
        last[effect["service"], stream] = seq


def _mover(row: Row) -> tuple[str, str]:
    return row["service"], row["xid"]
