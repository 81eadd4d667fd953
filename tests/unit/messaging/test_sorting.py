"""Whatever duplication and reordering of deliveries, effects per subject are 1..n, each once, in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.envelope import Received
from shared.messaging.parking import Kind
from shared.messaging.sorting import Plan, Situation, Stream, sort_batch, stream_of, waves


def fact(subject: str, seq: int, source: str = "intake", *, fault: str = "", kind: str = "a") -> Received:
    return Received(
        topic="t",
        partition=0,
        offset=0,
        id=UUID(int=seq),
        type=kind,
        source=source,
        subject=subject,
        seq=seq,
        legal_time=datetime(2020, 1, 2, tzinfo=UTC),
        headers={},
        trace_parent="",
        value=b"{}",
        raw_headers=(),
        fault=fault,
    )


@dataclass
class Store:
    """Cursors and parking table as the database keeps them between batches."""

    cursors: dict[Stream, int] = field(default_factory=dict)
    parked: dict[tuple[str, str, int], tuple[Kind, Received]] = field(default_factory=dict)
    effects: list[Received] = field(default_factory=list)

    def take(self, batch: Iterable[Received], *, compacted: bool = False) -> Plan:
        facts = list(batch)
        subjects = {found.subject for found in facts}
        poison: dict[str, dict[str, int]] = {}
        gaps: dict[Stream, dict[int, Received]] = {}
        for kind, found in self.parked.values():
            if found.subject in subjects and kind is Kind.POISON:
                poison.setdefault(found.subject, {})[found.source] = found.seq
            elif found.subject in subjects and kind is Kind.GAP:
                gaps.setdefault(stream_of(found), {})[found.seq] = found
        cursors = {stream_of(found): self.cursors.get(stream_of(found), 0) for found in facts}
        plan = sort_batch(facts, Situation(cursors, poison, gaps), compacted=compacted)
        self.cursors |= plan.cursors
        self.effects += plan.applied
        for parking in plan.parked:
            self._park(parking.kind, parking.received)
        for (subject, source), seq in plan.cursors.items():
            for waiting in [key for key in self.parked if key[:2] == (subject, source) and key[2] <= seq]:
                del self.parked[waiting]
        return plan

    def _park(self, kind: Kind, found: Received) -> None:
        place = (found.subject, found.source, found.seq)
        if place not in self.parked or kind is Kind.POISON:
            self.parked[place] = (kind, found)

    def seqs(self) -> dict[Stream, list[int]]:
        found: dict[Stream, list[int]] = defaultdict(list)
        for effect in self.effects:
            found[stream_of(effect)].append(effect.seq)
        return found


SUBJECTS = st.sampled_from(["A", "B", "C"])
SOURCES = st.sampled_from(["intake", "processing"])
LENGTHS = st.dictionaries(st.tuples(SUBJECTS, SOURCES), st.integers(1, 8), min_size=1)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[dict[Stream, int], list[list[Received]]]:
    """Every fact at least once, some again, in any order, cut into batches anywhere."""
    lengths = draw(LENGTHS)
    facts = [fact(subject, seq, source) for (subject, source), n in lengths.items() for seq in range(1, n + 1)]
    again = draw(st.lists(st.sampled_from(facts), max_size=20))
    order = draw(st.permutations(facts + again))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=6)) | {0, len(order)})
    return lengths, [list(order[start:end]) for start, end in pairwise(cuts)]


@given(deliveries())
def test_effects_are_one_to_n_once_in_order_and_nothing_stays_parked(
    given_deliveries: tuple[dict[Stream, int], list[list[Received]]],
) -> None:
    lengths, batches = given_deliveries
    store = Store()
    for batch in batches:
        store.take(batch)
    assert store.seqs() == {stream: list(range(1, n + 1)) for stream, n in lengths.items()}
    assert store.cursors == lengths
    assert store.parked == {}


@given(deliveries(), st.data())
def test_poison_stops_its_subject_from_there_on_and_no_other(
    given_deliveries: tuple[dict[Stream, int], list[list[Received]]], data: st.DataObject
) -> None:
    lengths, batches = given_deliveries
    bad = data.draw(st.sampled_from(sorted(lengths)))
    place = data.draw(st.integers(1, lengths[bad]))
    store = Store()
    for batch in batches:
        store.take(one._replace(fault="bug") if (stream_of(one), one.seq) == (bad, place) else one for one in batch)
    seqs = store.seqs()
    for stream, length in lengths.items():
        if stream == bad:
            assert seqs.get(stream, []) == list(range(1, place))
        elif stream[0] != bad[0]:
            assert seqs[stream] == list(range(1, length + 1))
        else:  # another source of the parked subject: as far as it came before the poison, never with a hole
            assert seqs.get(stream, []) == list(range(1, len(seqs.get(stream, [])) + 1))
    applied_or_parked = len(store.effects) + len(store.parked)
    assert applied_or_parked == sum(lengths.values())
    assert store.parked[(*bad, place)][0] is Kind.POISON


@given(deliveries())
def test_on_a_compacted_topic_sequences_only_rise_to_the_highest(
    given_deliveries: tuple[dict[Stream, int], list[list[Received]]],
) -> None:
    lengths, batches = given_deliveries
    store = Store()
    for batch in batches:
        store.take(batch, compacted=True)
    assert store.parked == {}
    assert store.cursors == lengths
    for seqs in store.seqs().values():
        assert seqs == sorted(set(seqs))


@given(st.lists(st.tuples(SUBJECTS, st.sampled_from(["a", "b", "ignored"])), max_size=30))
def test_waves_hold_each_subject_once_and_keep_its_order(drawn: list[tuple[str, str]]) -> None:
    applied = [fact(subject, place + 1, kind=kind) for place, (subject, kind) in enumerate(drawn)]
    seen: dict[str, list[int]] = defaultdict(list)
    for fact_type, group in waves(applied, {"a", "b"}):
        assert {found.type for found in group} == {fact_type}
        assert len({found.subject for found in group}) == len(group)
        for found in group:
            seen[found.subject].append(found.seq)
    for subject, seqs in seen.items():
        assert seqs == [one.seq for one in applied if one.subject == subject and one.type != "ignored"]


def test_a_plan_counts_what_it_drops() -> None:
    store = Store()
    plan = store.take([fact("A", 1), fact("A", 1), fact("A", 3), fact("A", 3)])
    assert (len(plan.applied), plan.duplicates, [parking.kind for parking in plan.parked]) == (1, 2, [Kind.GAP])
    assert plan.parked[0].reason == "waits for the fact after 1"
    plan = store.take([fact("A", 2)])
    assert [one.seq for one in plan.applied] == [2, 3]
