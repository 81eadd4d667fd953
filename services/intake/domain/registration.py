"""A dossier at its place of reception and the acts on it there: looked up in the table, then judged.

Pure: the registration, the rules and the time come in, a decision goes out. Each condition has one predicate; what each
act changes stands in `EFFECTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.intake.domain.acceptance import Acceptance, acceptance_of
from services.intake.domain.attempts import Rules, enough, missing, not_of_list
from services.intake.domain.filing import PaperHandedIn
from services.intake.domain.refusals import (
    ConditionNotMet,
    Fault,
    IllegalMove,
    NotAllowed,
    Refused,
    StaleVersion,
    UnknownAction,
    UnknownDossier,
)
from shared.contracts.facts import State
from shared.rulebook.agencies import in_area
from shared.rulebook.calendar import local
from shared.rulebook.catalogue import Case
from shared.rulebook.moves import MOVES, Move, Owner, is_action, moves_for
from shared.rulebook.refusals import REASONS


@dataclass(frozen=True, slots=True)
class Registration:
    """A dossier as intake knows it: from its acceptance on `state` is what processing told last.

    `case` is of the catalogue version that was pinned when it was registered. `papers_asked` are those asked for and
    still missing.
    """

    code: str
    place: str
    received_path: str
    state: State
    version: int
    case: Case
    area_code: str
    papers: Mapping[str, PaperHandedIn]
    papers_asked: tuple[str, ...] = ()
    reason: str | None = None
    closed_at: datetime | None = None
    withdrawal_requested_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody wants to do; each action reads its own fields."""

    action: str
    papers: tuple[PaperHandedIn, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `paths` are those of an officer's agency; `own`: a citizen who registered the dossier himself."""

    role: str
    paths: tuple[str, ...] = ()
    own: bool = False

    def sees(self, registration: Registration) -> bool:
        """Tell whether the dossier is known to him: his own, or one that his subtree received or took over."""
        return self.own or in_area(registration.received_path, registration.area_code).startswith(self.paths)

    def receives(self, registration: Registration) -> bool:
        """Tell whether he acts for the place of reception, or took its work over; a superior only looks on."""
        place = registration.received_path
        return self.own or not {place, in_area(place, registration.area_code)}.isdisjoint(self.paths)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an act changes; `acceptance` where it accepts."""

    before: Registration
    after: Registration
    act: Act
    acceptance: Acceptance | None = None


Condition = Callable[[Registration, Act], Iterator[Fault]]
ROLES_OF = {
    action: frozenset(role for move in MOVES if move.action == action for role in move.roles)
    for action in {move.action for move in MOVES if move.owner is Owner.INTAKE and move.from_states != (None,)}
}
"""Intake's acts on a dossier that there is, each with every role that may do it in some state."""


def check_action(action: str, role: str) -> None:
    """Refuse what no dossier could allow: an unknown action, one that begins a dossier, another role's."""
    if not is_action(action):
        raise UnknownAction("action_unknown", detail="There is no such act.")
    if action not in ROLES_OF:
        begins = any(move.action == action and move.owner is Owner.INTAKE for move in MOVES)
        where = "POST /v1/dossiers accepts, POST /v1/registrations registers, POST /v1/refusals refuses."
        raise UnknownAction("action_unknown", detail=where if begins else "The act is processing's.")
    if role not in ROLES_OF[action]:
        raise NotAllowed("role_not_allowed", detail="Another role does this.")


def decide(
    registration: Registration, act: Act, actor: Actor, *, seen_version: int, rules: Rules, now: datetime
) -> Decision:
    """Judge one act and say what it changes. Raises Refused, CalendarYearMissing."""
    check_action(act.action, actor.role)
    if not actor.sees(registration):
        raise UnknownDossier
    if not actor.receives(registration):
        raise NotAllowed("agency_not_allowed", detail="Only the place of reception does this.")
    if seen_version != registration.version:
        raise StaleVersion(registration.version)
    try:
        return _do(registration, act, actor.role, rules, now)
    except Refused as refused:
        refused.state, refused.possible = registration.state, possible(registration, actor.role)
        raise


def _do(registration: Registration, act: Act, role: str, rules: Rules, now: datetime) -> Decision:
    for code in _the_move(registration, act.action, role).conditions:
        if faults := list(CONDITIONS[code](registration, act)):
            raise ConditionNotMet(code, *faults, detail="")
    return EFFECTS[act.action](registration, act, rules, now)


def _the_move(registration: Registration, action: str, role: str) -> Move:
    """Find the row of the table in the dossier's state. Raises IllegalMove, NotAllowed."""
    found = [move for move in moves_for(registration.state, action) if move.owner is Owner.INTAKE]
    if not found:
        raise IllegalMove("illegal_move", detail="")
    if role not in found[0].roles:
        raise NotAllowed("role_not_allowed", detail="Another role does this.")
    return found[0]


def possible(registration: Registration, role: str) -> tuple[str, ...]:
    """List the acts that a role may do here now, whatever each has to say."""
    return tuple(action for action in EFFECTS if _is_possible(registration, action, role))


def _is_possible(registration: Registration, action: str, role: str) -> bool:
    try:
        move = _the_move(registration, action, role)
    except Refused:
        return False
    return all(BEFORE_ANYTHING_IS_SAID[code](registration) for code in move.conditions)


def papers_complete(registration: Registration, _act: Act) -> Iterator[Fault]:
    """Find required papers of the pinned list that are not there, or were asked for anew."""
    there = {code: paper for code, paper in registration.papers.items() if code not in registration.papers_asked}
    for paper in missing(registration.case, there):
        yield Fault("/papers", "{name_en} ({code}) is missing.", paper.model_dump())


def papers_of_pinned_list(registration: Registration, act: Act) -> Iterator[Fault]:
    """Find papers named that the pinned list does not have; none named at all is a fault too."""
    if not act.papers:
        yield Fault("/papers", "Name at least one paper.")
    yield from not_of_list(registration.case, act.papers)


def papers_were_asked(registration: Registration, act: Act) -> Iterator[Fault]:
    """Find papers that nobody asked for, or that are there already; where none is missing nothing can be submitted."""
    if not registration.papers_asked or not act.papers:
        asked = {"papers": len(registration.papers_asked)}
        yield Fault("/papers", "{papers} papers are asked for and missing; name at least one.", asked)
    seen: set[str] = set()
    for place, paper in enumerate(act.papers):
        if paper.paper_code not in registration.papers_asked:
            yield Fault(f"/papers/{place}/paper_code", "This paper was not asked for, or is there.")
        if paper.paper_code in seen:
            yield Fault(f"/papers/{place}/paper_code", "This paper is named twice.")
        seen.add(paper.paper_code)


def not_requested_before(registration: Registration, _act: Act) -> Iterator[Fault]:
    """Find that a withdrawal was asked for: that stands, whatever becomes of it."""
    if (asked_at := registration.withdrawal_requested_at) is not None:
        yield Fault("", "A withdrawal was asked for at {moment}.", {"moment": local(asked_at).isoformat()})


def reason_listed(_registration: Registration, act: Act) -> Iterator[Fault]:
    """Find that no reason of the closed list is given."""
    if act.reason not in REASONS[act.action]:
        yield Fault("/reason", "Give one of: {reasons}.", {"reasons": ", ".join(REASONS[act.action])})


CONDITIONS: Mapping[str, Condition] = {
    "papers_complete": papers_complete,
    "papers_of_pinned_list": papers_of_pinned_list,
    "papers_were_asked": papers_were_asked,
    "not_requested_before": not_requested_before,
    "reason_listed": reason_listed,
}
"""Condition → the faults that it finds; it holds when there is none."""


BEFORE_ANYTHING_IS_SAID: Mapping[str, Callable[[Registration], bool]] = {
    "papers_complete": lambda registration: not list(papers_complete(registration, Act("accept"))),
    "papers_of_pinned_list": lambda _registration: True,
    "papers_were_asked": lambda registration: bool(registration.papers_asked),
    "not_requested_before": lambda registration: registration.withdrawal_requested_at is None,
    "reason_listed": lambda _registration: True,
}
"""Condition → whether it can hold at all, before an act says anything."""


def _next(registration: Registration, **changes: Any) -> Registration:
    return replace(registration, version=registration.version + 1, **changes)


def _ask_papers(registration: Registration, act: Act, _rules: Rules, _now: datetime) -> Decision:
    """Ask for papers, also for one that is there and cannot be used: it is missing until it comes again."""
    asked = {*registration.papers_asked, *(paper.paper_code for paper in act.papers)}
    in_order = tuple(paper.code for paper in registration.case.papers if paper.code in asked)
    return Decision(registration, _next(registration, papers_asked=in_order), act)


def _submit_papers(registration: Registration, act: Act, _rules: Rules, _now: datetime) -> Decision:
    """Take papers: the counts say how many of each are there now; with fewer than asked for it is still missing."""
    papers = {**registration.papers, **{paper.paper_code: paper for paper in act.papers}}
    came = {paper.paper_code for paper in act.papers}
    listed = {paper.code: paper for paper in registration.case.papers}
    left = tuple(
        code for code in registration.papers_asked if code not in came or not enough(listed[code], papers[code])
    )
    return Decision(registration, _next(registration, papers=papers, papers_asked=left), act)


def _accept(registration: Registration, act: Act, rules: Rules, now: datetime) -> Decision:
    """Accept: limits run from this moment, not from the registration (C1); the pinned catalogue stays.

    What is registered is filed online, whoever typed it: a desk that helps is not the applicant (ADR 80).
    """
    case = registration.case.filed_online
    acceptance = acceptance_of(case, registration.place, registration.area_code, rules, now)
    acceptance = replace(acceptance, filed_online=True)
    after = _next(registration, state=State.ACCEPTED, papers_asked=())
    return Decision(registration, after, act, acceptance)


def _refuse(registration: Registration, act: Act, _rules: Rules, now: datetime) -> Decision:
    after = _next(registration, state=State.REFUSED, papers_asked=(), reason=act.reason, closed_at=now)
    return Decision(registration, after, act)


def _withdraw(registration: Registration, act: Act, _rules: Rules, now: datetime) -> Decision:
    return Decision(registration, _next(registration, state=State.WITHDRAWN, papers_asked=(), closed_at=now), act)


def _request_withdrawal(registration: Registration, act: Act, _rules: Rules, now: datetime) -> Decision:
    """Take the wish: processing goes on until an officer withdraws or stops the dossier."""
    return Decision(registration, _next(registration, withdrawal_requested_at=now), act)


EFFECTS: Mapping[str, Callable[[Registration, Act, Rules, datetime], Decision]] = {
    "ask_papers": _ask_papers,
    "submit_papers": _submit_papers,
    "accept": _accept,
    "refuse": _refuse,
    "withdraw": _withdraw,
    "request_withdrawal": _request_withdrawal,
}
"""Action → what it changes, once it may be done."""
