"""A dossier's clock folded anew from its facts alone, and where what is stored differs from it.

The facts of intake say that it was accepted and that papers arrived, those of processing all the rest. Nothing stored
is looked at: not the due moments that facts carry either, which are told and not reckoned from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from services.processing.domain.cases import Case
from services.processing.domain.clock import halted, restated, with_halt
from services.processing.domain.halts import Halt
from services.processing.domain.opening import Rules, open_case
from shared.contracts import facts
from shared.contracts.facts import DossierAccepted, DossierFact, PapersReceived, State
from shared.rulebook.calendar import local
from shared.rulebook.limits import Outcome, judge
from shared.rulebook.pauses import PauseKind


class Heard(NamedTuple):
    """A fact and its legal time."""

    fact: DossierFact
    at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """All that was told of a dossier's clock: by intake and applied here, and by processing, each in its order."""

    code: str
    accepted: DossierAccepted
    accepted_at: datetime
    papers: tuple[Heard, ...]
    told: tuple[Heard, ...]


class Difference(NamedTuple):
    """What of a dossier is stored otherwise than its facts say."""

    code: str
    what: str
    stored: str
    reckoned: str


LOOKED_AT = (
    *("state", "statutory_due", "statutory_paused_since", "promised_due", "promised_paused_since"),
    *("finished_at", "finished_late_at", "closed_at"),
)
"""What of a case follows from its facts and the rulebook."""
OF_A_HALT = (
    *("kind", "begins_at", "ends_at", "agency", "officer", "basis", "step_no", "limit_at", "papers", "amount_vnd"),
    "ended_by",
)
"""What of a pause follows from its facts: who, why, on what article, from when, until when."""
CLOSING = (facts.RefusedAfterLimit, facts.DossierWithdrawn, facts.DossierStopped)


def differences(stored: Case, history: History, rules: Rules) -> tuple[Difference, ...]:
    """Say where a stored case is not what its facts add up to; nothing where it is."""
    return min((tuple(_differing(stored, folded)) for folded in refolded(history, rules)), key=len)


def refolded(history: History, rules: Rules) -> Iterator[Case]:
    """Fold the clock of a dossier. Raises CalendarYearMissing.

    Papers may arrive at intake while the desk closes the dossier: both ways to tell it are answered, for whichever
    came first here, the other changed nothing any more.
    """
    folded, unsure = _folded(history, rules, late_papers=True)
    yield folded
    if unsure:
        yield _folded(history, rules, late_papers=False)[0]


def _folded(history: History, rules: Rules, *, late_papers: bool) -> tuple[Case, bool]:
    case = open_case(history.code, history.accepted, history.accepted_at, rules).case
    kind = rules.catalogue.case(case.procedure_code, case.case_code)
    case = restated(case, kind, rules.calendar)
    arrivals, unsure = _arrivals(history)
    for place, heard in enumerate(history.told):
        before, case = case, _after(case, heard)
        if case.halts != before.halts:
            case = restated(case, kind, rules.calendar)
        if place in arrivals and (late_papers or place != unsure):
            case = restated(_ended(case, PauseKind.SUPPLEMENT, arrivals[place]), kind, rules.calendar)
    return case, unsure is not None


def _arrivals(history: History) -> tuple[dict[int, datetime], int | None]:
    """Find when the papers of each request were complete, by the request's place in what was told.

    Intake takes nothing that is not missing, so that each request is answered by the next that leaves nothing missing
    of it. Where the dossier was closed before anybody confirmed it, it is unsure whether it was known here by then.
    """
    found: dict[int, datetime] = {}
    papers = iter(history.papers)
    waiting, closed = None, None
    for place, (fact, at) in enumerate(history.told):
        if isinstance(fact, facts.SupplementRequested):
            waiting = place
            if (arrived := _completed(papers, set(fact.papers))) is not None:
                found[place] = arrived
        elif isinstance(fact, facts.SupplementReceived):
            waiting = None
        elif isinstance(fact, CLOSING):
            closed = at
    if waiting is None or closed is None or waiting not in found:
        return found, None
    if found[waiting] > closed:
        del found[waiting]
        return found, None
    return found, waiting


def _completed(papers: Iterator[Heard], wanted: set[str]) -> datetime | None:
    """Go on to the next arrival that leaves nothing missing of what is wanted."""
    return next(
        (at for fact, at in papers if isinstance(fact, PapersReceived) and wanted.isdisjoint(fact.missing)), None
    )


def _after(case: Case, heard: Heard) -> Case:
    """Return the case after one fact of processing, its due moments not yet reckoned."""
    fact, at = heard
    case = replace(case, state=State(getattr(fact, "state", case.state)))
    for model, change in _CHANGES.items():
        if isinstance(fact, model):
            return change(case, fact, at)
    return case


def _begun(case: Case, fact: Any, at: datetime) -> Case:
    kind = _KINDS.get(type(fact)) or PauseKind(fact.period)
    halt = Halt(
        no=len(case.halts) + 1,
        kind=kind,
        begins_at=at,
        came_from=case.state,
        agency=fact.agency,
        officer=fact.officer,
        basis=fact.basis,
        step_no=getattr(fact, "step_no", 0),
        limit_at=getattr(fact, "limit_at", None),
        papers=getattr(fact, "papers", ()),
        missing=getattr(fact, "papers", ()),
        amount_vnd=getattr(fact, "amount_vnd", None),
    )
    return halted(case, halt)


def _resumed(case: Case, fact: Any, at: datetime) -> Case:
    kind = _KINDS.get(type(fact)) or PauseKind(fact.period)
    return _ended(case, kind, getattr(fact, "arrived_at", at), fact.officer)


def _ended(case: Case, kind: PauseKind, at: datetime, officer: str = "") -> Case:
    """End a pause, or say who confirmed it of one that has ended: papers arrive when intake says so (C6)."""
    halt = case.last_halt(kind)
    if halt is None:
        return case
    ends_at = max(at, halt.begins_at) if halt.ends_at is None else halt.ends_at
    return with_halt(case, replace(halt, missing=(), ends_at=ends_at, ended_by=officer))


def _finished(case: Case, _fact: Any, at: datetime) -> Case:
    return replace(case, finished_at=at)


def _reopened(case: Case, _fact: Any, _at: datetime) -> Case:
    finished = case.finished_at
    late = finished if finished is not None and judge(case.promised_due, finished) is Outcome.LATE else None
    return replace(case, finished_at=None, finished_late_at=case.finished_late_at or late)


def _closed(case: Case, _fact: Any, at: datetime) -> Case:
    return replace(case, closed_at=at)


_KINDS: Mapping[type[DossierFact], PauseKind] = {
    facts.SupplementRequested: PauseKind.SUPPLEMENT,
    facts.SupplementReceived: PauseKind.SUPPLEMENT,
    facts.PaymentDemanded: PauseKind.PAYMENT,
    facts.PaymentRecorded: PauseKind.PAYMENT,
}
"""Fact → the kind of its pause; an excluded period names itself."""
_CHANGES: Mapping[type[DossierFact], Callable[[Case, Any, datetime], Case]] = {
    facts.PausingFact: _begun,
    facts.ResumingFact: _resumed,
    facts.ResultReady: _finished,
    facts.ResultReopened: _reopened,
    **dict.fromkeys(CLOSING, _closed),
}
"""What a fact changes in a clock, beside the state that it leaves behind."""


def _differing(stored: Case, folded: Case) -> Iterator[Difference]:
    for name in LOOKED_AT:
        yield from _unlike(stored.code, name, getattr(stored, name), getattr(folded, name))
    for number in range(max(len(stored.halts), len(folded.halts))):
        pair = [case.halts[number] if number < len(case.halts) else None for case in (stored, folded)]
        yield from _halts_unlike(stored.code, number + 1, *pair)


def _halts_unlike(code: str, number: int, stored: Halt | None, folded: Halt | None) -> Iterator[Difference]:
    if stored is None or folded is None:
        yield from _unlike(code, f"pause {number}", stored and stored.kind, folded and folded.kind)
        return
    for name in OF_A_HALT:
        yield from _unlike(code, f"pause {number} {name}", getattr(stored, name), getattr(folded, name))


def _unlike(code: str, what: str, stored: Any, folded: Any) -> Iterator[Difference]:
    texts = _said(stored), _said(folded)
    if texts[0] != texts[1]:
        yield Difference(code, what, *texts)


def _said(value: Any) -> str:
    """Write a value as it is told: a moment in the legal zone, to the second, as facts carry it."""
    if isinstance(value, datetime):
        return local(value).isoformat()
    return ", ".join(value) if isinstance(value, tuple) else "none" if value is None else str(value)
