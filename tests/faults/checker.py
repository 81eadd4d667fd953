"""The judge of the faults: reads what was written down of a stack, and knows nothing of the product but these files.

    history/answers.jsonl    every answer to a client, and every request that got none (status null)
    history/facts.jsonl      every record of the topics, raw, in the order of its reading; a topic made anew counts on
    history/journal.jsonl    every journal row of every service
    history/moves.jsonl      a cursor moved, as a trigger saw it: from where to where, when, in which transaction
    history/effects.jsonl    every notice that was asked for, as a trigger saw it, in the order of asking
    history/wiped.jsonl      the services whose cursors an operator emptied
    history/strikes.jsonl    every fault: whether and when it struck, when it ended, how long recovery took, and the
                             legal time then
    history/planted.jsonl    subjects that a fault invented: they have no dossier
    history/ordered.jsonl    what gateways were told to do badly, and how often
    history/processes.jsonl  memory and open files of each service after each fault
    history/peaks.jsonl      memory of a service before a fault that strains it, and the most that it held meanwhile
    history/tables/*.jsonl   a few tables after each fault; the last file is judged
    history/pages/*, logs/*  what was shown and said; history/needles.json: what may not stand there
    sinks/arrivals.jsonl     what the SMS gateway and the mail server got

Standard library only, here and in the judge of order beside it: a rule that both the product and its judge took from
one place would hide its own fault.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Self

from tests.faults.order import Publications, Readers, effects_without_order, moves_without_order, wipes_without_leave

Row = Mapping[str, Any]
Span = tuple[float, float]
"""From when to when, in milliseconds."""

RECOVERS_WITHIN_SECONDS = 60.0
MOST_MEMORY_KB = 300_000
MOST_FILES = 150
MOST_RISE_KB = 24_000
"""What refusing a request may cost, however large it is."""
OFFICE = timezone(timedelta(hours=7))
DOSSIER, NOTICE = "vn.motcua.dossier.", "vn.motcua.notice."
LIFECYCLE, CONTACTS, OUTCOMES = "dossier.lifecycle.v1", "dossier.contacts.v1", "notice.outcomes.v1"
READ_BY = {
    "intake": {("processing", LIFECYCLE)},
    "processing": {("intake", LIFECYCLE)},
    "notification": {("intake", LIFECYCLE), ("processing", LIFECYCLE), ("intake", CONTACTS)},
    "metrics": {("intake", LIFECYCLE), ("processing", LIFECYCLE), ("notification", OUTCOMES)},
}
RUNNING = {2, 4}
STEPS: Mapping[str, tuple[set[int], int | None]] = {
    "assigned": ({2}, 4),
    "step_taken": ({4}, 4),
    "step_completed": ({4}, 4),
    "result_signed": ({4}, 4),
    "result_numbered": ({4}, 4),
    "result_ready": ({4}, 9),
    "result_handed_over": ({9}, 10),
    "apologised": (RUNNING, None),
    "step_returned": ({4}, 4),
    "step_recalled": ({4}, 4),
    "reassigned": ({4}, 4),
    "agency_asked": ({4}, 4),
    "agency_answered": ({4}, 4),
    "signature_voided": ({4}, 4),
    "result_reopened": ({9}, 4),
    "result_corrected": ({10}, 10),
    "half_time_reached": (RUNNING, None),
    "apology_drafted": (RUNNING, None),
    "became_overdue": (RUNNING, None),
}
"""Fact of processing → the states it may follow, and the state it leads to (None: the same)."""
TIMERS = {"half_time_reached", "apology_drafted", "became_overdue"}
TOLD = {
    "accepted": True,
    "result_ready": False,
    "apologised": True,
    "became_overdue": False,
    "result_reopened": True,
    "result_corrected": True,
}
"""Fact that is told to the citizen → whether it may come twice rather than never."""
SINK_OF = {"sms": "sms", "email": "mail", "zalo": "zalo"}
TAKEN = {"handed_over", "delivered"}


@dataclass
class History:
    """What was written down, in memory."""

    answers: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    journal: list[Row] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    effects: list[Row] = field(default_factory=list)
    wiped: list[Row] = field(default_factory=list)
    strikes: list[Row] = field(default_factory=list)
    planted: list[Row] = field(default_factory=list)
    ordered: list[Row] = field(default_factory=list)
    processes: list[Row] = field(default_factory=list)
    peaks: list[Row] = field(default_factory=list)
    arrivals: list[Row] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    needles: list[str] = field(default_factory=list)

    @property
    def invented(self) -> set[str]:
        """Name the subjects that no desk took in."""
        return {line["subject"] for line in self.planted}

    def table(self, name: str) -> list[Row]:
        """Give the rows of a table as it stood last."""
        return self.tables.get(name, [])

    def chains(self) -> dict[tuple[str, str, str], list[Row]]:
        """Gather the journal by (source, topic, subject), in sequence."""
        found: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in self.journal:
            found[row["source"], row["topic"], row["subject"]].append(row)
        return {key: sorted(rows, key=lambda row: row["seq"]) for key, rows in found.items()}


def read(folder: Path) -> History:
    """Read all that was written down in the folder of a stack."""
    place = folder / "history"
    tables: dict[str, list[Row]] = defaultdict(list)
    for row in _lines(max((place / "tables").glob("*.jsonl"))):
        tables[row["table"]].append(row)
    shown = [*(place / "pages").glob("*"), *(folder / "logs").glob("*.log")]
    names = (
        *("answers", "facts", "journal", "moves", "effects", "wiped"),
        *("strikes", "planted", "ordered", "processes", "peaks"),
    )
    return History(
        **{name: _lines(place / f"{name}.jsonl") for name in names},
        arrivals=_lines(folder / "sinks" / "arrivals.jsonl"),
        tables=dict(tables),
        texts={path.name: path.read_text("utf-8", "replace") for path in shown},
        needles=json.loads((place / "needles.json").read_text("utf-8")),
    )


def _lines(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def every_answer_stands(history: History) -> Iterator[str]:
    """I1: what was acknowledged is there once, under one code for each key, and its numbers have no holes."""
    codes, keys = defaultdict(set), defaultdict(set)
    asked = set()
    for line in history.answers:
        if line["method"] != "POST" or line["target"] != "/v1/dossiers":
            continue
        asked.add(line["key"])
        if line["status"] == 201:
            codes[line["key"]].add(line["code"])
            keys[line["code"]].add(line["key"])
    yield from (f"the key {key} was answered {sorted(found)}" for key, found in codes.items() if len(found) > 1)
    yield from (f"{code} was answered to {sorted(found)}" for code, found in keys.items() if len(found) > 1)
    for table in ("intake.dossiers", "processing.cases", "notification.dossiers", "metrics.dossiers"):
        held = Counter(row["code"] for row in history.table(table))
        yield from (
            f"{code} was acknowledged and stands {held[code]} times in {table}" for code in keys if held[code] != 1
        )
    foreign = {row["code"] for row in history.table("intake.dossiers")} - keys.keys()
    unanswered = len(asked - codes.keys())
    if len(foreign) > unanswered:
        yield f"{sorted(foreign)} stand there, and only {unanswered} requests are unanswered"
    yield from _numbers(history)
    yield from _acts(history)


def _numbers(history: History) -> Iterator[str]:
    given = defaultdict(set)
    for row in history.table("intake.dossiers"):
        given[row["place"], row["day"]].add(row["number"])
    for row in history.table("intake.day_numbers"):
        if given[row["place"], row["day"]] != set(range(1, row["last_number"] + 1)):
            yield f"the numbers of {row['place']} on {row['day']} have holes"


def _acts(history: History) -> Iterator[str]:
    held = {row["code"]: row["version"] for row in history.table("processing.cases")}
    keys = defaultdict(set)
    for line in history.answers:
        if line["method"] == "POST" and "/acts/" in line["target"] and line["status"] == 200:
            keys[line["code"], line["version"]].add(line["key"])
    for (code, version), found in keys.items():
        if len(found) > 1:
            yield f"version {version} of {code} was answered to {sorted(found)}"
        if held.get(code, 0) < version:
            yield f"version {version} of {code} was acknowledged, and {held.get(code)} stands there"


def every_fact_is_published(history: History) -> Iterator[str]:
    """I2: each journal row is on its topic, byte for byte, and nothing else is."""
    last = {}
    for fact in history.facts:
        last[fact["topic"]] = max(last.get(fact["topic"], 0), fact["generation"])
    there: dict[Any, set[Any]] = defaultdict(set)
    for fact in history.facts:
        if fact["generation"] == last[fact["topic"]]:
            there[_place(fact)].add((fact["id"], fact["digest"]))
    wanted = {_place(row): row for row in history.journal if row["topic"] in {LIFECYCLE, CONTACTS, OUTCOMES}}
    for place, row in wanted.items():
        if place not in there:
            yield f"{place} was recorded and never published"
        elif there[place] != {(row["id"], row["digest"])}:
            yield f"{place} was published with other bytes"
    strangers = there.keys() - wanted.keys()
    yield from (f"{place} was published and never recorded" for place in strangers if place[2] not in history.invented)
    yield from (f"{row['service']} has {row['facts']} facts unsent" for row in history.table("unsent") if row["facts"])


def _place(row: Row) -> tuple[str, str, str, int]:
    return row["source"], row["topic"], row["subject"], row["seq"]


def effects_are_in_order(history: History) -> Iterator[str]:
    """I3: chains have no holes, every reader went through them in their order to the end, and each effect came once."""
    chains = history.chains()
    for key, rows in chains.items():
        if [row["seq"] for row in rows] != list(range(1, len(rows) + 1)) or len({row["id"] for row in rows}) < len(
            rows
        ):
            yield f"the chain {key} is {[row['seq'] for row in rows]}"
    cursors = {
        (row["service"], (row["source"], row["topic"], row["subject"])): row["seq"] for row in history.table("cursors")
    }
    for stream, rows in chains.items():
        for reader in (reader for reader, streams in READ_BY.items() if stream[:2] in streams):
            at = cursors.get((reader, stream), 0)
            if at != len(rows):
                yield f"{reader} stands at {at} of {len(rows)} in {'/'.join(stream)}"
    readers = Readers(chains, Publications.of(history.facts), {CONTACTS})
    yield from moves_without_order(history.moves, cursors, readers)
    yield from wipes_without_leave(history.moves, history.wiped)
    yield from effects_without_order(history.moves, history.effects, chains)
    yield from _each_once(history)


def _each_once(history: History) -> Iterator[str]:
    """Each act moved its case once, each fact that is told has one notice."""
    acts = Counter(row["subject"] for row in history.journal if _acted(row))
    for case in history.table("processing.cases"):
        if case["version"] != 1 + acts[case["code"]]:
            yield f"{case['code']} has version {case['version']} after {acts[case['code']]} acts"
    told = Counter(row["fact_id"] for row in history.table("notification.notices"))
    if told.keys() != (seen := {row["fact_id"] for row in history.effects}):
        yield f"notices nobody saw being asked for, or the other way round: {sorted(told.keys() ^ seen)}"
    wanted = {row["id"] for row in history.journal if _kind(row) in TOLD and row["subject"] not in history.invented}
    for fact in wanted | told.keys():
        if told[fact] != (fact in wanted):
            yield f"the fact {fact} has {told[fact]} notices"


def _kind(row: Row) -> str:
    return row["type"].removeprefix(DOSSIER).removesuffix(".v1") if row["type"].startswith(DOSSIER) else ""


def _acted(row: Row) -> bool:
    return row["source"] == "processing" and _kind(row) in STEPS and _kind(row) not in TIMERS


def every_path_is_legal(history: History) -> Iterator[str]:
    """I4: the states of each dossier follow the law's moves, each timer due fired once, and the case says the same."""
    states = {row["code"]: row["state"] for row in history.table("processing.cases")}
    for (source, topic, subject), rows in history.chains().items():
        if source != "processing" or topic != LIFECYCLE or subject in history.invented:
            continue
        state = 2
        for row in rows:
            allowed, leads = STEPS.get(_kind(row), (set(), None))
            after = state if leads is None else leads
            if state not in allowed or row["body"]["state"] != after:
                yield f"{subject}: {_kind(row)} {row['seq']} leads from {state} to {row['body']['state']}"
            state = row["body"]["state"]
        fired = Counter(_kind(row) for row in rows if _kind(row) in TIMERS)
        yield from (f"{subject}: {kind} fired {times} times" for kind, times in fired.items() if times > 1)
        if states.get(subject) != state:
            yield f"{subject} stands in {states.get(subject)}, its facts lead to {state}"
    yield from _never_fired(history, states)


def _never_fired(history: History, states: Mapping[str, int]) -> Iterator[str]:
    """Whatever is still decided on after its due moment has been told of by every timer."""
    now = max(datetime.fromisoformat(strike["legal_now"]) for strike in history.strikes)
    chains = history.chains()
    for (source, topic, subject), rows in chains.items():
        if (source, topic) != ("intake", LIFECYCLE) or states.get(subject) not in RUNNING:
            continue
        dues = [row["body"]["promised_due"] for row in rows if _kind(row) == "accepted"]
        fired = {_kind(row) for row in chains.get(("processing", LIFECYCLE, subject), [])}
        if any(datetime.fromisoformat(due) < now for due in dues) and (missing := TIMERS - fired):
            yield f"{subject} was due at {dues[0]}, it is {now.isoformat()}: {', '.join(sorted(missing))} never fired"


def messages_keep_their_policy(history: History) -> Iterator[str]:
    """I5: who must be told was told, nobody twice who must not be, and nothing arrived that nobody sent."""
    leave = Leave.of(history)
    came, messages = defaultdict(list), {row["id"]: row for row in history.table("notification.messages")}
    for line in history.arrivals:
        came[line["reference"]].append(line)
    for reference in came.keys() - messages.keys():
        yield f"the message {reference} arrived and was never submitted"
    failed = sum(message["state"] == "failed" for message in messages.values())
    rejected = sum(order["times"] for order in history.ordered if order["conduct"] == "reject")
    if failed > rejected:
        yield f"{failed} messages stand as failed, a gateway was told to reject {rejected}"
    for reference, message in messages.items():
        yield from (f"{reference} {fault}" for fault in _treated(message, came[reference], leave))
    yield from _addressed(history)


@dataclass(frozen=True)
class Leave:
    """What the faults excuse, each from its beginning to the quiet after it; nothing is in hand before and behind."""

    double: list[Span]
    lose: list[Span]
    given_up: Mapping[str, list[float]]
    """Message → when it was told to be unknown, each time, in milliseconds."""

    @classmethod
    def of(cls, history: History) -> Self:
        given_up = defaultdict(list)
        for row in history.journal:
            if row["type"] == f"{NOTICE}unknown.v1":
                given_up[row["body"]["message_id"]].append(row["recorded"])
        return cls(_spans(history, "may_double"), _spans(history, "may_lose"), given_up)

    def doubled(self, reference: str, first: str, again: str) -> bool:
        """Whether it came again amid a fault that may double, and its sender had told between that it knew nothing."""
        came, came_again = _milliseconds(first), _milliseconds(again)
        amid = any(began <= came and came_again <= quiet for began, quiet in self.double)
        return amid and any(came <= moment <= came_again for moment in self.given_up.get(reference, ()))

    def lost(self, reference: str) -> bool:
        moments = self.given_up.get(reference, ())
        return any(began <= moment <= quiet for moment in moments for began, quiet in self.lose)


def _spans(history: History, leave: str) -> list[Span]:
    """From the beginning to the quiet of each fault that gives this leave."""
    return [(_milliseconds(line["began"]), _milliseconds(line["quiet"])) for line in history.strikes if line[leave]]


def _milliseconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000


def _treated(message: Row, came: list[Row], leave: Leave) -> Iterator[str]:
    """Hold one message against its policy: when it came, and where it stands."""
    moments, state, owed = [line["at"] for line in came], message["state"], TOLD[message["template"]]
    if any(line["kind"] != SINK_OF[message["channel"]] for line in came):
        yield f"took another way than {message['channel']}"
    if not moments and state in TAKEN:
        yield f"never arrived and stands as {state}"
    if owed and state not in TAKEN | {"failed"}:
        yield f"is owed and stands as {state}"
    if state == "unknown" and not moments and not leave.lost(message["id"]):
        yield "never arrived, stands as unknown, and nothing excuses it"
    if not owed and len(moments) > 1:
        yield f"may come once and came {len(moments)} times"
    for first, again in itertools.pairwise(moments):
        if not leave.doubled(message["id"], first, again):
            yield f"came again at {again} without leave"


def _addressed(history: History) -> Iterator[str]:
    """Every notice has one message for each channel of its applicant."""
    channels = {row["code"]: sorted(row["channels"]) for row in history.table("notification.contacts")}
    sent = defaultdict(list)
    for row in history.table("notification.messages"):
        sent[row["fact_id"]].append(row["channel"])
    for notice in history.table("notification.notices"):
        if sorted(sent[notice["fact_id"]]) != channels.get(notice["code"], []):
            yield f"the notice {notice['template']} of {notice['code']} went by {sent[notice['fact_id']]}"


def figures_are_a_recount(history: History) -> Iterator[str]:
    """I6: the daily counters are what the journals give when they are counted again."""
    wanted = Counter(_counted(history))
    kept = Counter(
        {(r["day"], r["place"], r["field"], r["figure"]): r["number"] for r in history.table("metrics.daily_counters")}
    )
    yield from (
        f"{key}: counted {kept[key]}, recounted {wanted[key]}" for key in wanted | kept if kept[key] != wanted[key]
    )
    notices = Counter(
        (row["body"]["channel"], row["type"].removeprefix(NOTICE).removesuffix(".v1"))
        for row in history.journal
        if row["topic"] == OUTCOMES
    )
    shown: Counter[tuple[str, str]] = Counter()
    for row in history.table("metrics.daily_notices"):
        shown[row["channel"], row["outcome"]] += row["number"]
    yield from (
        f"{key}: {shown[key]} notices, recounted {notices[key]}"
        for key in notices | shown
        if shown[key] != notices[key]
    )


def _counted(history: History) -> Iterator[tuple[str, str, str, str]]:
    accepted = {row["subject"]: row for row in history.journal if _kind(row) == "accepted"}
    for row in history.journal:
        kind, first = _kind(row), accepted.get(row["subject"])
        if (
            first is None
            or kind not in {"accepted", "result_ready", "apologised"}
            or row["subject"] in history.invented
        ):
            continue
        on_time = datetime.fromisoformat(row["legal_time"]) <= datetime.fromisoformat(first["body"]["promised_due"])
        figure = {"accepted": "received", "apologised": "apologies_published"}.get(
            kind, "resolved_on_time" if on_time else "resolved_late"
        )
        day = datetime.fromisoformat(row["legal_time"]).astimezone(OFFICE).date().isoformat()
        yield day, first["body"]["received_by"], first["body"]["field"], figure


def everything_recovers(history: History) -> Iterator[str]:
    """I7: after a fault has ended all is quiet again within a minute, and no operator was needed."""
    for line in history.strikes:
        if line["recovered_after"] > RECOVERS_WITHIN_SECONDS:
            yield f"after fault {line['row']} all was quiet only after {line['recovered_after']:.0f} s"


def nobody_is_named(history: History) -> Iterator[str]:
    """I8: no person stands in logs, metrics or facts; memory and open files stay within bounds."""
    if history.needles:
        named = re.compile("|".join(history.needles))
        facts = "\n".join(json.dumps(fact["body"], ensure_ascii=False) for fact in history.facts)
        for place, text in ({**history.texts, "topics": facts}).items():
            if found := named.search(text):
                yield f"{place} names a person at {found.start()}"
    for line in history.processes:
        if line["rss_kb"] > MOST_MEMORY_KB or line["files"] > MOST_FILES:
            yield f"{line['part']} held {line['rss_kb']} kB and {line['files']} files after fault {line['row']}"
    for line in history.peaks:
        if line["peak_kb"] - line["before_kb"] > MOST_RISE_KB:
            yield f"{line['part']} rose from {line['before_kb']} to {line['peak_kb']} kB in fault {line['row']}"


INVARIANTS: Mapping[str, Callable[[History], Iterator[str]]] = {
    "I1": every_answer_stands,
    "I2": every_fact_is_published,
    "I3": effects_are_in_order,
    "I4": every_path_is_legal,
    "I5": messages_keep_their_policy,
    "I6": figures_are_a_recount,
    "I7": everything_recovers,
    "I8": nobody_is_named,
}


def judge(history: History, invariants: tuple[str, ...] = tuple(INVARIANTS)) -> list[str]:
    """List what does not hold, each with the invariant that it breaks."""
    return [f"{name}: {fault}" for name in invariants for fault in INVARIANTS[name](history)]
