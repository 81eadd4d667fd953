"""What must hold when a seed has come to rest: pure, over what the database, the broker and the clients hold then."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from services.processing.domain.timers import Timer, TimerKind
from shared.contracts import facts
from shared.messaging.chain import GENESIS, breaches
from tests.simulation.broker import Stored
from tests.simulation.ledger import Ledger
from tests.simulation.store import Rows, Tables

SOURCES = ("intake", "processing")
CONSUMERS = ("processing", "metrics")

TIMER_FACTS: Mapping[str, TimerKind] = {
    facts.HalfTimeReached.TYPE: TimerKind.HALF_TIME,
    facts.ApologyDrafted.TYPE: TimerKind.DRAFT_APOLOGY,
    facts.BecameOverdue.TYPE: TimerKind.BECOME_OVERDUE,
}

FIGURES: Mapping[str, str] = {
    facts.DossierAccepted.TYPE: "received",
    facts.ResultReady.TYPE: "resolved",
    facts.DossierApologised.TYPE: "apologies",
}
"""Fact → the beginning of the name of the figure that it adds one to."""

Stream = tuple[str, str]
"""(subject, source)."""


@dataclass(frozen=True)
class End:
    """What a seed left behind. `timers` are those of every dossier, worked out without a database."""

    tables: Tables
    records: Sequence[Stored]
    ledger: Ledger
    legal_now: datetime
    timers: Mapping[str, Sequence[Timer]]

    @cached_property
    def chains(self) -> Mapping[Stream, Rows]:
        """The journaled facts by stream, in the order of their sequence."""
        found: dict[Stream, list[Any]] = defaultdict(list)
        for source in SOURCES:
            for row in self.tables[source]["journal"]:
                found[row["subject"], source].append(row)
        return found

    @cached_property
    def poisoned(self) -> frozenset[str]:
        """The dossiers in which a poison was planted."""
        return frozenset(filing.code for filing in self.ledger.filings if filing.poisoned)

    def told(self, code: str) -> list[tuple[str, datetime]]:
        """List type and legal time of the facts that processing told of a dossier."""
        return [(row["type"], row["legal_time"]) for row in self.chains.get((code, "processing"), ())]


def judge(end: End) -> list[str]:
    """List everything that does not hold."""
    return [fault for check in CHECKS for fault in check(end)]


def requests(end: End) -> Iterator[str]:
    """Every request ended in one answer, the same to everybody, and its facts stand exactly when that is a success."""
    for request in (*end.ledger.filings, *end.ledger.wishes):
        if request.open or len({*request.answers, *request.refusals}) > 1:
            yield f"{request.key} of {request.code} was answered {request.answers} and refused {request.refusals}"
    for filing in end.ledger.filings:
        recorded = len(end.chains.get((filing.code, "intake"), ()))
        if filing.answers and recorded != len(filing.drafts):
            yield f"{filing.code} was acknowledged, and {recorded} of its facts stand in intake's journal"
    acts = Counter(wish.code for wish in end.ledger.wishes if wish.answers)
    for case in end.tables["processing"]["cases"]:
        code = case["code"]
        told = sum(fact_type not in TIMER_FACTS for fact_type, _ in end.told(code))
        if not acts[code] == told == case["version"] - 1:
            yield f"{code} had {acts[code]} acknowledged acts, told {told} and has version {case['version']}"


def chains(end: End) -> Iterator[str]:
    """Sequences have no gaps, hashes fit, and heads name the last fact."""
    for (subject, source), rows in end.chains.items():
        last = (0, GENESIS)
        for row in rows:
            yield from (f"journal of {source}: {subject}/{row['seq']} {each.what}" for each in breaches(last, row))
            last = (row["seq"], row["hash"])
        heads = [head for head in end.tables[source]["journal_heads"] if head["subject"] == subject]
        if [(head["seq"], head["hash"]) for head in heads] != [last]:
            yield f"journal of {source}: the head of {subject} does not name its last fact"


def publishing(end: End) -> Iterator[str]:
    """What stands in a journal was published as it stands there, and nothing else was."""
    for source in SOURCES:
        yield from (f"{source} keeps {row['subject']}/{row['seq']} unsent" for row in end.tables[source]["unsent"])
    recorded = {(*stream, row["seq"]): row["body"] for stream, rows in end.chains.items() for row in rows}
    published = {record.name: record.value for record in end.records}
    for name in sorted(recorded.keys() | published.keys()):
        if recorded.get(name) != published.get(name):
            yield f"{name}: journal and topic differ: {recorded.get(name)!r}, {published.get(name)!r}"


def effects(end: End) -> Iterator[str]:
    """Every fact took effect once and in order in every consumer but its source; what did not, of poison, is parked."""
    for consumer in CONSUMERS:
        took, parked = _by_stream(end.tables[consumer]["effects"]), _by_stream(end.tables[consumer]["parked"])
        cursors = {(row["subject"], row["source"]): row["seq"] for row in end.tables[consumer]["cursors"]}
        for stream in sorted(end.chains.keys() | took.keys() | parked.keys()):
            all_of_it = [row["seq"] for row in end.chains.get(stream, ()) if stream[1] != consumer]
            found = took[stream] + sorted(parked[stream])
            if found != all_of_it or (parked[stream] and stream[0] not in end.poisoned):
                yield f"{consumer}, {stream}: {took[stream]} took effect, {parked[stream]} wait, of {all_of_it}"
            if cursors.get(stream, 0) != len(took[stream]):
                yield f"{consumer}, {stream}: cursor {cursors.get(stream)} after {took[stream]}"


def poison(end: End) -> Iterator[str]:
    """A planted poison is parked as what it is, in every consumer."""
    for consumer in CONSUMERS:
        found = {row["subject"]: row["seq"] for row in end.tables[consumer]["parked"] if row["kind"] == "poison"}
        if found != dict.fromkeys(end.poisoned, 2):
            yield f"{consumer}: poison is {found}, planted in {sorted(end.poisoned)}"


def timers(end: End) -> Iterator[str]:
    """Each timer fired once, with its due moment as legal time, exactly when that came before the result."""
    left = {(row["code"], row["kind"]) for row in end.tables["processing"]["timers"]}
    for case in end.tables["processing"]["cases"]:
        code, until = case["code"], case["finished_at"] or end.legal_now
        due = sorted((timer.kind, timer.due_at) for timer in end.timers[code] if timer.fires_at <= until)
        fired = sorted((TIMER_FACTS[kind], moment) for kind, moment in end.told(code) if kind in TIMER_FACTS)
        if fired != due:
            yield f"{code}: until {until} fired {fired}, were due {due}"
        waiting = {(code, timer.kind.value) for timer in end.timers[code] if timer.fires_at > until}
        if {timer for timer in left if timer[0] == code} != (set() if case["finished_at"] else waiting):
            yield f"{code}: the timers left are {sorted(left)}"


def figures(end: End) -> Iterator[str]:
    """Metrics counted each effect once; registers gave every number to one result."""
    types = {(*stream, row["seq"]): row["type"] for stream, rows in end.chains.items() for row in rows}
    took = [types.get((row["subject"], row["source"], row["seq"])) for row in end.tables["metrics"]["effects"]]
    counted: Counter[str] = Counter()
    for row in end.tables["metrics"]["daily_counters"]:
        counted[row["figure"].partition("_")[0]] += row["number"]
    for fact_type, figure in FIGURES.items():
        if counted[figure] != took.count(fact_type):
            yield f"{figure}: counted {counted[figure]}, took effect {took.count(fact_type)}"
    drawn = sum(row["last_number"] for row in end.tables["processing"]["registers"])
    numbers = [case["result_number"] for case in end.tables["processing"]["cases"] if case["result_number"]]
    if not drawn == len(numbers) == len(set(numbers)):
        yield f"registers gave {drawn} numbers, cases have {numbers}"


CHECKS: Sequence[Callable[[End], Iterator[str]]] = (
    requests,
    chains,
    publishing,
    effects,
    poison,
    timers,
    figures,
)


def _by_stream(rows: Rows) -> dict[Stream, list[int]]:
    """Sequences by stream, in the order of the rows."""
    found: dict[Stream, list[int]] = defaultdict(list)
    for row in rows:
        found[row["subject"], row["source"]].append(row["seq"])
    return found
