"""The clock of a dossier, folded again from its facts by the witness that shares no code with the rulebook."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from shared.clocks import OFFICE_ZONE
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.situations import LAW
from tests.unit.rulebook.witness import answer

Clock = tuple[datetime | None, datetime | None]
"""Of one limit: the due moment, or since when it is paused."""
UNITS = {"working_days": "working_day", "calendar_days": "calendar_day", "same_day": "same_day"}
BEGIN_OR_END = {
    "supplement_requested": "supplement_requested",
    "payment_demanded": "payment_demanded",
    "payment_recorded": "payment_made",
}
MOVERS = frozenset({*BEGIN_OR_END, "papers_received", "supplement_received", "clock_paused", "clock_resumed"})
"""Facts that may move a due moment: nothing else does."""

HISTORY = """
select j.subject, split_part(j.type, '.', 4) as kind, j.legal_time, convert_from(j.body, 'utf8') as body
from {}.journal j where j.subject = any($1::text[]) and j.topic like '%lifecycle%' order by j.seq
"""
STORED = """
select code, state, procedure_code, case_code, statutory_due, statutory_paused_since,
    promised_due, promised_paused_since, finished_at, finished_late_at, closed_at
from processing.cases where code = any($1::text[])
"""


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


async def history(everywhere: Everywhere, codes: Sequence[str]) -> dict[str, list[tuple[str, datetime, Any]]]:
    """Kind, legal time and body of every fact of these dossiers, intake's first, each service's in its order."""
    found: dict[str, list[tuple[str, datetime, Any]]] = {code: [] for code in codes}
    for service in ("intake", "processing"):
        for code, kind, at, body in await everywhere.database.fetch(HISTORY.format(service), codes):
            found[code].append((kind, at.astimezone(OFFICE_ZONE), json.loads(body)))
    return found


def clock_of(case: Mapping[str, Any]) -> dict[str, Clock]:
    """The stored clock: what is paused has no due moment."""
    found = {}
    for limit in ("statutory", "promised"):
        since = case[f"{limit}_paused_since"]
        found[limit] = (None, since) if since else (case[f"{limit}_due"], None)
    return found


def refolded(case: Mapping[str, Any], facts: Sequence[tuple[str, datetime, Any]]) -> dict[str, Clock]:
    """Both limits, reckoned date by date from what was journaled about a dossier."""
    law = CATALOGUE[case["procedure_code"], case["case_code"]]
    accepted = next(at for kind, at, _ in facts if kind == "accepted")
    events = [{"type": kind, "at": _naive(at)} for kind, at in _events(facts)]
    found = {}
    for limit in ("statutory", "promised"):
        line = {
            "limit": {
                "unit": UNITS[law["limit_kind"]],
                "n": int(law[limit] or 0),
                **({"cutoff": law["cut_off"]} if law["cut_off"] else {}),
            },
            "received": _naive(accepted),
            "supplement_policy": law["supplement_policy"],
            "events": events,
        }
        told = answer(line)
        found[limit] = (_moment(told["due_at"]), _moment(told.get("paused_since")))
    return found


def _events(facts: Sequence[tuple[str, datetime, Any]]) -> Iterator[tuple[str, datetime]]:
    """What began and ended pauses; after acceptance papers complete a supplement, before it they are none of it."""
    accepted = False
    for kind, at, body in facts:
        accepted = accepted or kind == "accepted"
        if kind in BEGIN_OR_END:
            yield BEGIN_OR_END[kind], at
        elif kind == "papers_received" and accepted and not body["missing"]:
            yield "supplement_completed", at
        elif kind in {"clock_paused", "clock_resumed"}:
            yield f"{body['period']}_{'started' if kind == 'clock_paused' else 'ended'}", at


def _naive(at: datetime) -> str:
    return at.astimezone(OFFICE_ZONE).replace(tzinfo=None).isoformat(timespec="seconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


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


def refolded_stays(case: Mapping[str, Any], facts: Sequence[tuple[str, datetime, Any]]) -> dict[int, Spans]:
    """The same from what was journaled about a dossier, and the law's list of steps."""
    walk = Walk(FLOWS[case["procedure_code"], case["case_code"]])
    for kind, at, body in facts:
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
