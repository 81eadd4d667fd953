"""A dossier's clock folded anew from its facts alone, and where what is stored differs from it.

The facts of intake say that it was accepted and that papers arrived, those of processing all the rest. Nothing stored
is looked at, and no due moment that a fact carries is believed unless the rulebook comes to it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from services.processing.domain.cases import Case, Step
from services.processing.domain.clock import halted, restated, with_halt
from services.processing.domain.halts import Halt
from services.processing.domain.limit_folding import limits_unlike
from services.processing.domain.opening import Rules, open_case
from services.processing.domain.reissuing import Applied
from services.processing.domain.step_folding import stays_of, steps_after
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
    *("accepted_at", "filed_online", "recorded_at", "evidence", "approved_by", "approving_agency"),
)
"""What of a case follows from its facts and the rulebook."""
TOLD = frozenset({"statutory_due", "promised_due"})
"""What facts tell as it stands after them; it counts where the rulebook comes to it as well."""
OF_A_HALT = (
    *("kind", "begins_at", "ends_at", "agency", "officer", "basis", "step_no", "limit_at", "papers", "amount_vnd"),
    *("ended_by", "first_limit_at", "limit_calendar"),
)
"""What of a pause follows from its facts: who, why, on what article, from when, until when."""
OF_A_STEP = ("status", "opened_at", "completed_at")
"""What of a step follows from its facts, beside its agency and the earlier stays at it."""
CLOSING = (facts.RefusedAfterLimit, facts.DossierWithdrawn, facts.DossierStopped)


def differences(stored: Case, history: History, rules: Rules, since: Sequence[Applied]) -> tuple[Difference, ...]:
    """Say where a stored case is not what its facts add up to; nothing where it is. Raises CalendarYearMissing.

    `since` are the calendars that were published since it was accepted, in their order: its dates may go by any of
    them, and where facts told a date that the rulebook comes to by one of them, that date is the one in force. The
    applicant's own limit has to leave him what the last one leaves that the dossier has followed (C13).

    Papers may arrive at intake while the desk closes the dossier: both ways to tell it are tried, for whichever came
    first here, the other changed nothing any more.
    """
    arrivals, unsure = _arrivals(history)
    ways = (
        [arrivals] if unsure is None else [arrivals, {place: at for place, at in arrivals.items() if place != unsure}]
    )
    kind = rules.catalogue.case(history.accepted.procedure_code, history.accepted.case_code)
    limits = limits_unlike(stored, kind, (Applied(rules.calendar, history.accepted_at), *since))
    ways_of_rules = (rules, *_later(rules, since))
    found = min((tuple(_differing(stored, history, way, ways_of_rules)) for way in ways), key=len)
    unlike = (Difference(stored.code, f"pause {no} limit_at", *map(_said, pair)) for no, *pair in limits)
    return tuple(dict.fromkeys((*found, *unlike)))


def _later(rules: Rules, since: Sequence[Applied]) -> Iterator[Rules]:
    return (replace(rules, calendar=own) for own, _ in since if own.version != rules.calendar.version)


def _folded(history: History, rules: Rules, arrivals: Mapping[int, datetime]) -> Case:
    """Fold a dossier as if one calendar had been followed all the time."""
    case = open_case(history.code, history.accepted, history.accepted_at, rules).case
    kind = case.kind(rules.catalogue)
    case = restated(case, kind, rules.calendar)
    for place, heard in enumerate(history.told):
        before, case = case, _after(case, heard)
        if case.halts != before.halts:
            case = restated(case, kind, rules.calendar)
        if place in arrivals:
            case = restated(_ended(case, PauseKind.SUPPLEMENT, arrivals[place]), kind, rules.calendar)
    return case


def _in_force(history: History, name: str, arrivals: Mapping[int, datetime]) -> datetime | None:
    """Find the due moment that was told last; None where papers have let the clock go on since, which nobody told."""
    told = getattr(history.accepted, name)
    for place, (fact, _) in enumerate(history.told):
        if place in arrivals:
            told = None
        elif not isinstance(fact, facts.PausingFact | facts.TimerFact):
            told = getattr(fact, name, told)
    return told if told is None else local(told)


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
    state = State(getattr(fact, "state", case.state))
    case = replace(case, state=state, steps=steps_after(case.steps, fact, at))
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


def _limit_reissued(case: Case, fact: facts.LimitReissued, _at: datetime) -> Case:
    halt = case.last_halt(PauseKind(fact.limit))
    if halt is None:
        return case
    first = halt.first_limit_at or fact.previous_limit_at
    moved = replace(halt, limit_at=fact.limit_at, first_limit_at=first, limit_calendar=fact.calendar_version)
    return with_halt(case, moved)


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
    facts.LimitReissued: _limit_reissued,
    facts.ResultReady: _finished,
    facts.ResultReopened: _reopened,
    **dict.fromkeys(CLOSING, _closed),
}
"""What a fact changes in a clock, beside the state that it leaves behind."""


def _differing(
    stored: Case, history: History, arrivals: Mapping[int, datetime], rules: Sequence[Rules]
) -> Iterator[Difference]:
    ways = [_folded(history, each, arrivals) for each in rules]
    for name in LOOKED_AT:
        right = [getattr(each, name) for each in ways]
        if name in TOLD and (told := _in_force(history, name, arrivals)) in right:
            right = [told]
        if _said(getattr(stored, name)) not in map(_said, right):
            yield from _unlike(stored.code, name, getattr(stored, name), right[0])
    for number in range(max(len(stored.halts), len(ways[0].halts))):
        pair = [case.halts[number] if number < len(case.halts) else None for case in (stored, ways[0])]
        yield from _halts_unlike(stored.code, number + 1, *pair)
    yield from _unlike(
        stored.code, "steps", *(tuple(str(step.no) for step in case.steps) for case in (stored, ways[0]))
    )
    for one, other in zip(stored.steps, ways[0].steps, strict=False):
        yield from _step_unlike(stored.code, one, other, _given_to(stored, one, history, rules[0]))


def _halts_unlike(code: str, number: int, stored: Halt | None, folded: Halt | None) -> Iterator[Difference]:
    if stored is None or folded is None:
        yield from _unlike(code, f"pause {number}", stored and stored.kind, folded and folded.kind)
        return
    for name in OF_A_HALT:
        yield from _unlike(code, f"pause {number} {name}", getattr(stored, name), getattr(folded, name))


def _given_to(stored: Case, step: Step, history: History, rules: Rules) -> str:
    """Name who answered for a step's stored agency when it was first told whose the step is: facts name that one."""
    told = (heard.at for heard in history.told if getattr(heard.fact, "step_no", None) == step.no)
    day = local(next(told, history.accepted_at)).date()
    return rules.agencies.answering_code(step.agency, stored.area_code, day)


def _step_unlike(code: str, stored: Step, folded: Step, told: str) -> Iterator[Difference]:
    for name in OF_A_STEP:
        yield from _unlike(code, f"step {stored.no} {name}", getattr(stored, name), getattr(folded, name))
    if folded.agency and folded.agency != told:
        yield from _unlike(code, f"step {stored.no} agency", stored.agency, folded.agency)
    spans = [", ".join(" to ".join(map(_said, stay)) for stay in stays_of(step)) for step in (stored, folded)]
    yield from _unlike(code, f"step {stored.no} earlier", *spans)


def _unlike(code: str, what: str, stored: Any, folded: Any) -> Iterator[Difference]:
    texts = _said(stored), _said(folded)
    if texts[0] != texts[1]:
        yield Difference(code, what, *texts)


def _said(value: Any) -> str:
    """Write a value as it is told: a moment in the legal zone, to the second, as facts carry it."""
    if isinstance(value, datetime):
        return local(value).isoformat()
    return ", ".join(value) if isinstance(value, tuple) else "none" if value is None else str(value)
