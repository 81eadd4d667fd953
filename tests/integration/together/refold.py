"""The clock of a dossier, folded again from its facts by the witness that shares no code with the rulebook.

Facts are taken in the order in which they were recorded, and among them the calendars that were published meanwhile: a
date that can be kept is kept, and whatever is reckoned next goes by the later of both (ADR 61).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from shared.clocks import OFFICE_ZONE
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.situations import LAW
from tests.unit.rulebook.witness import SPECIAL, Special, stands

Clock = tuple[datetime | None, ...]
"""Of one limit: the due moment, or since when it is paused. Of the applicant: his own limit in each pause, if any."""
LIMITS = ("statutory", "promised")
APPLICANT = "applicant"
UNITS = {"working_days": "working_day", "calendar_days": "calendar_day", "same_day": "same_day"}
BEGIN_OR_END = {
    "supplement_requested": "supplement_requested",
    "payment_demanded": "payment_demanded",
    "payment_recorded": "payment_made",
}
PAUSES = frozenset({*BEGIN_OR_END, "papers_received", "supplement_received", "clock_paused", "clock_resumed"})
MOVERS = PAUSES | {"deadline_reissued", "limit_reissued"}
"""Facts that may move a due moment, or the applicant's own limit: nothing else does."""
WAITS = frozenset({"supplement_requested", "payment_demanded"})
"""What begins a pause in which the applicant has a limit of his own."""
GOES_ON = frozenset({"supplement_received", "payment_recorded"})
CLOSED = frozenset({"refused_after_limit", "withdrawn", "stopped"})

HISTORY = """
select j.subject, split_part(j.type, '.', 4) as kind, j.legal_time, convert_from(j.body, 'utf8') as body, j.recorded_at
from {}.journal j where j.subject = any($1::text[]) and j.topic like '%lifecycle%' order by j.seq
"""
STORED = """
select code, state, procedure_code, case_code, statutory_due, statutory_paused_since,
    promised_due, promised_paused_since, finished_at, finished_late_at, closed_at,
    array(select limit_at from processing.halts where halts.code = cases.code order by halt_no) as own_limits
from processing.cases where code = any($1::text[])
"""


class Days(NamedTuple):
    """The days of a calendar version that are not like their weekday, and those that have hours of their own."""

    special: Special
    hours: Mapping[str, list[list[str]]]


class Published(NamedTuple):
    """A calendar version: its id, its days, the legal moment of its publication, and when it was recorded."""

    version: str
    days: Days
    at: datetime
    recorded_at: datetime


class Told(NamedTuple):
    """A fact of a dossier."""

    kind: str
    at: datetime
    body: Mapping[str, Any]
    recorded_at: datetime


SEED = Days(SPECIAL, {})


def _cases() -> Iterator[tuple[tuple[str, str], Mapping[str, str]]]:
    with (LAW / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        yield from (((row["procedure_code"], row["case_code"]), row) for row in csv.DictReader(file))


def _flows() -> Iterator[tuple[tuple[str, str], list[Mapping[str, str]]]]:
    with (LAW / "steps.csv").open(encoding="utf-8", newline="") as file:
        by_case = groupby(csv.DictReader(file), key=lambda row: (row["procedure_code"], row["case_code"]))
        yield from ((case, list(rows)) for case, rows in by_case)


CATALOGUE = dict(_cases())
FLOWS = dict(_flows())


async def stored(everywhere: Everywhere, codes: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    return {row["code"]: row for row in await everywhere.database.fetch(STORED, codes)}


async def history(everywhere: Everywhere, codes: Sequence[str]) -> dict[str, list[Told]]:
    """Every fact of these dossiers, of both services, in the order in which they were recorded."""
    found: dict[str, list[Told]] = {code: [] for code in codes}
    for service in ("intake", "processing"):
        for code, kind, at, body, recorded_at in await everywhere.database.fetch(HISTORY.format(service), codes):
            found[code].append(Told(kind, at.astimezone(OFFICE_ZONE), json.loads(body), recorded_at))
    return {code: sorted(facts, key=lambda fact: fact.recorded_at) for code, facts in found.items()}


def clock_of(case: Mapping[str, Any]) -> dict[str, Clock]:
    """The stored clock: what is paused has no due moment."""
    found: dict[str, Clock] = {APPLICANT: tuple(case["own_limits"])}
    for limit in LIMITS:
        since = case[f"{limit}_paused_since"]
        found[limit] = (None, since) if since else (case[f"{limit}_due"], None)
    return found


def refolded(case: Mapping[str, Any], facts: Sequence[Told], published: Sequence[Published] = ()) -> dict[str, Clock]:
    """All limits, reckoned date by date from what was journaled about a dossier and the calendars of its time."""
    accepted = next(fact for fact in facts if fact.kind == "accepted")
    known = {each.version: each for each in published}
    first = known.get(accepted.body["calendar_version"])
    fold = Fold(
        CATALOGUE[case["procedure_code"], case["case_code"]], accepted.at, SEED if first is None else first.days
    )
    newer = [each for each in published if first is None or each.recorded_at > first.recorded_at]
    happened = [*(fact for fact in facts if fact.recorded_at > accepted.recorded_at), *newer]
    for each in sorted(happened, key=lambda each: max(each.recorded_at, accepted.recorded_at)):
        if isinstance(each, Published):
            fold.publish(each)
        else:
            fold.hear(each)
    return {**fold.in_force, APPLICANT: tuple(fold.own_limits)}


class Fold:
    """Where both limits of a dossier stand while one thing after the other happens to it."""

    def __init__(self, law: Mapping[str, str], accepted_at: datetime, days: Days) -> None:
        self.law, self.accepted_at = law, accepted_at
        self.events: list[dict[str, str]] = []
        self.followed = days
        self.issued_by = dict.fromkeys(LIMITS, days)
        self.finished = self.over = self.told_overdue = False
        self.missed: Published | None = None
        """What was published while the dossier was finished."""
        self.in_force = {limit: self.stands(limit, days) for limit in LIMITS}
        self.own_limits: list[datetime | None] = []
        self.asked_at: datetime | None = None
        """Since when the applicant is waited for, until it is said that he need not be."""
        self.arrived_at: datetime | None = None

    def hear(self, fact: Told) -> None:
        self.told_overdue |= fact.kind == "became_overdue"
        self.over |= fact.kind in CLOSED
        if fact.kind in {"result_ready", "result_reopened"}:
            self.finished = fact.kind == "result_ready"
        if not self.over:
            self.wait(fact)
        if fact.kind == "result_reopened" and self.missed is not None:
            self.follow(self.missed)
        elif fact.kind in PAUSES and not self.over:
            self.events += [{"type": kind, "at": _naive(at)} for kind, at in _events(fact)]
            for limit in LIMITS:
                self.reckon(limit)

    def wait(self, fact: Told) -> None:
        """Note what the applicant is waited for, until when, and what he has brought."""
        if fact.kind in WAITS:
            self.asked_at, self.arrived_at = fact.at, None
            self.own_limits.append(self.own_limit(self.followed))
        elif fact.kind == "clock_paused":
            self.own_limits.append(None)
        elif fact.kind in GOES_ON:
            self.asked_at = None
        elif fact.kind == "papers_received" and self.asked_at is not None and not fact.body["missing"]:
            self.arrived_at = self.arrived_at or fact.at

    def publish(self, calendar: Published) -> None:
        if self.finished:
            self.missed = calendar
        elif not self.over:
            self.follow(calendar)

    def follow(self, calendar: Published) -> None:
        """Keep a date that leaves the whole limit, issue it anew where it does not; what is late stays as it is."""
        self.followed, self.missed = calendar.days, None
        self.lengthen(calendar)
        clocks = {limit: self.stands(limit, calendar.days) for limit in LIMITS}
        if any(due is None for due, _ in clocks.values()):
            return
        for limit, (due, _) in clocks.items():
            before, _ = self.in_force[limit]
            late = before is None or before < calendar.at or (limit == "promised" and self.told_overdue)
            if not late and due > before:
                self.in_force[limit], self.issued_by[limit] = clocks[limit], calendar.days

    def lengthen(self, calendar: Published) -> None:
        """Whoever is waited for has the later of what he was told and what the days leave him, unless it had passed."""
        told = self.own_limits[-1] if self.asked_at is not None else None
        if told is None or told < calendar.at or (self.arrived_at is not None and self.arrived_at <= told):
            return
        self.own_limits[-1] = max(told, self.own_limit(calendar.days))

    def own_limit(self, days: Days) -> datetime:
        """So many working days from the request on, one date after the other."""
        assert self.asked_at is not None
        line = {
            "limit": {"unit": "working_day", "n": int(self.law["supplement_limit_days"])},
            "received": _naive(self.asked_at),
            "office_hours": days.hours,
            "special": days.special,
        }
        due, _ = stands(line)
        assert due is not None
        return due.replace(tzinfo=OFFICE_ZONE)

    def reckon(self, limit: str) -> None:
        """Go by the calendar that is followed and by the one that the date was issued by, whichever ends later."""
        (due, since), (kept, kept_since) = (self.stands(limit, days) for days in (self.followed, self.issued_by[limit]))
        if since is not None or kept_since is not None:
            self.in_force[limit] = None, since or kept_since
        elif kept > due:
            self.in_force[limit] = kept, None
        else:
            self.in_force[limit], self.issued_by[limit] = (due, None), self.followed

    def stands(self, limit: str, days: Days) -> Clock:
        cut_off = {"cutoff": self.law["cut_off"]} if self.law["cut_off"] else {}
        line = {
            "limit": {"unit": UNITS[self.law["limit_kind"]], "n": int(self.law[limit] or 0), **cut_off},
            "received": _naive(self.accepted_at),
            "supplement_policy": self.law["supplement_policy"],
            "events": self.events,
            "office_hours": days.hours,
            "special": days.special,
        }
        due, since = stands(line)
        return _aware(due), _aware(since)


def _events(fact: Told) -> Iterator[tuple[str, datetime]]:
    """What a fact of after acceptance begins or ends; papers complete a supplement once none is missing."""
    if fact.kind in BEGIN_OR_END:
        yield BEGIN_OR_END[fact.kind], fact.at
    elif fact.kind == "papers_received" and not fact.body["missing"]:
        yield "supplement_completed", fact.at
    elif fact.kind in {"clock_paused", "clock_resumed"}:
        yield f"{fact.body['period']}_{'started' if fact.kind == 'clock_paused' else 'ended'}", fact.at


def _naive(at: datetime) -> str:
    return at.astimezone(OFFICE_ZONE).replace(tzinfo=None).isoformat(timespec="seconds")


def _aware(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=OFFICE_ZONE)


Spans = list[tuple[datetime, datetime | None]]
STEPS = """
select step_no, opened_at, completed_at, earlier from processing.steps where code = $1 order by step_no
"""
COMPLETING = frozenset({"step_completed", "result_signed", "result_handed_over"})
OPENING_AGAIN = {"step_returned": "to_step", "step_recalled": "step_no", "signature_voided": "step_no"}
"""Fact that sends a dossier back → its field that names the step."""


async def stored_stays(everywhere: Everywhere, code: str) -> dict[int, Spans]:
    """Step → when the dossier stood there, as it is stored; what is still open has no end."""
    found = {}
    for row in await everywhere.database.fetch(STEPS, code):
        earlier = [(span.lower, span.upper) for span in row["earlier"]]
        last = [(row["opened_at"], row["completed_at"])] if row["opened_at"] else []
        found[row["step_no"]] = joined(earlier + last)
    return found


def joined(spans: Spans) -> Spans:
    """Without those that took no time; those that touch are one."""
    found: Spans = []
    for begins, ends in spans:
        if begins == ends:
            continue
        if found and found[-1][1] == begins:
            found[-1] = (found[-1][0], ends)
        else:
            found.append((begins, ends))
    return found


def refolded_stays(case: Mapping[str, Any], facts: Sequence[Told]) -> dict[int, Spans]:
    """The same from what was journaled about a dossier, and the law's list of steps."""
    walk = Walk(FLOWS[case["procedure_code"], case["case_code"]])
    for kind, at, body, _ in facts:
        if kind == "accepted":
            recorded = (body.get("backdating") or {}).get("recorded_at")
            walk.begin(at, datetime.fromisoformat(recorded) if recorded else at)
        elif kind in COMPLETING or (kind == "result_numbered" and walk.moves[body["step_no"]] == "number"):
            walk.complete(body["step_no"], at)
        elif kind in OPENING_AGAIN:
            walk.send_back(body[OPENING_AGAIN[kind]], at)
        elif kind == "supplement_received" and body["restarted"]:
            walk.start_again(at)
        elif kind == "result_reopened":
            walk.go_on(datetime.fromisoformat(body["finished_at"]), at)
    return {no: joined(spans) for no, spans in walk.stays.items()}


class Walk:
    """Where a dossier stands, by the numbers of its steps."""

    def __init__(self, flow: Sequence[Mapping[str, str]]) -> None:
        self.moves = {int(row["step_no"]): row["move"] for row in flow}
        self.groups = {int(row["step_no"]): row["parallel_group"] for row in flow}
        self.stays: dict[int, Spans] = {no: [] for no in self.moves}
        self.done: set[int] = set()
        self.open: set[int] = set()

    def begin(self, at: datetime, recorded: datetime) -> None:
        self.stays[1].append((at, recorded))
        self.done.add(1)
        self._open_next(recorded)

    def complete(self, no: int, at: datetime) -> None:
        self._leave(no, at)
        self.done.add(no)
        if not self.open:
            self._open_next(at)

    def send_back(self, to: int, at: datetime) -> None:
        later = {no for no in self.moves if no > to and not (self.groups[no] and self.groups[no] == self.groups[to])}
        for no in self.open & later:
            self._leave(no, at)
        self.done -= {to, *later}
        self._stand(to, at)

    def start_again(self, at: datetime) -> None:
        for no in set(self.open):
            self._leave(no, at)
        self.done = {1}
        self._open_next(at)

    def go_on(self, finished: datetime, at: datetime) -> None:
        for no in set(self.open):
            self._leave(no, finished)
            self._stand(no, at)

    def _open_next(self, at: datetime) -> None:
        waiting = [no for no in self.moves if no not in self.done]
        for no in waiting:
            if no == waiting[0] or (self.groups[no] and self.groups[no] == self.groups[waiting[0]]):
                self._stand(no, at)

    def _stand(self, no: int, at: datetime) -> None:
        self.stays[no].append((at, None))
        self.open.add(no)

    def _leave(self, no: int, at: datetime) -> None:
        self.stays[no][-1] = (self.stays[no][-1][0], at)
        self.open.remove(no)
