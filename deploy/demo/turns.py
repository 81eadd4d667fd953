"""Which courses a dossier may take, by its catalogue case and its limits, and which it is given: pure.

Its case says where it may leave the straight way: papers, fee, periods, steps. Its limits say when: what its applicant
wants back has to be closed before it is due; every answer comes within the applicant's own limit and within the year.
Nothing becomes late by a course: a pause begins before the dossier is due, and what is due after it, is due on the day
of the answer at the earliest.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice, pairwise
from typing import Any, NamedTuple

from deploy.demo.courses import WAYS, Course, Detour, Way
from deploy.demo.fates import Impossible
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case, Step, StepMove
from shared.rulebook.limits import Limit, LimitKind, due
from shared.rulebook.seats import OfficerRole

ANSWERS_WITHIN = 5
"""Working days in which papers and money come, and no later than the applicant's own limit (C13)."""
WISHES_WITHIN = 3
"""Working days of work on a dossier after which it may be wanted back."""
LENGTHS: Mapping[str, range] = {"posting": range(10, 16), "survey": range(2, 6), "council": range(3, 6)}
"""Working days of each excluded period."""


class Candidate(NamedTuple):
    """What of an arrival decides which courses it may take; `roles` are the officers' by step.

    Of one that stays open nothing after the step `halts_after` is done, and it may not close.
    """

    case: Case
    roles: Mapping[int, OfficerRole]
    accepted_at: datetime
    due_at: datetime
    halts_after: int
    may_close: bool


class Turn(NamedTuple):
    """A place where a case may leave the way: it comes there `after` mornings at the latest, as each step takes one.

    `days` are the working days from then on that the waiting may take.
    """

    step_no: int
    instead_of: str
    after: int
    days: Iterable[int] = ()
    said: Mapping[str, Mapping[str, Any]] = {}


Turns = Callable[[Candidate], Iterator[Turn]]


def _reached_after(case: Case, step: Step) -> int:
    """After how many mornings a step is reached at the latest: one for each before it, and for those beside it."""
    group = step.parallel_group
    return max((each.no for each in case.steps if group is not None and each.parallel_group == group), default=step.no)


def _first(candidate: Candidate) -> tuple[Step, int] | None:
    """Find the first step after acceptance where a specialist does it, and when it is reached."""
    step = candidate.case.steps[1]
    return (step, _reached_after(candidate.case, step)) if candidate.roles[step.no] is OfficerRole.SPECIALIST else None


def _answers(case: Case, after: int) -> range:
    return range(1, min(ANSWERS_WITHIN, case.supplement_limit_days - after) + 1)


def _papers(candidate: Candidate) -> Iterator[Turn]:
    """The desk asks before anybody is assigned, or the first specialist when he has examined what came."""
    case = candidate.case
    asked = [paper.code for paper in case.papers if paper.required][:1]
    said = {"request_supplement": {"papers": asked}}
    if asked:
        yield Turn(case.steps[1].no, "assign", 1, _answers(case, 1), said)
        if (first := _first(candidate)) is not None:
            yield Turn(first[0].no, "forward", first[1], _answers(case, first[1]), said)


def _payment(candidate: Candidate) -> Iterator[Turn]:
    """The first specialist demands the fee; what is decided the same day is paid when it is handed in."""
    case, first = candidate.case, _first(candidate)
    if case.fee_vnd and case.limit_kind is not LimitKind.SAME_DAY and first is not None:
        amount = {"amount_vnd": case.fee_vnd}
        said = {"demand_payment": amount, "record_payment": amount}
        yield Turn(first[0].no, "forward", first[1], _answers(case, first[1]), said)


def _period(candidate: Candidate) -> Iterator[Turn]:
    """Whoever has the step of a period lets it begin when he holds it."""
    for step in candidate.case.steps:
        period = step.excluded_period or ""
        if period in LENGTHS and candidate.roles[step.no] is not OfficerRole.DESK:
            said = {"pause": {"step_no": step.no, "period": period}}
            yield Turn(step.no, "forward", _reached_after(candidate.case, step), LENGTHS[period], said)


def _return(candidate: Candidate) -> Iterator[Turn]:
    """Whoever works after somebody else, and before the signature, sends it back to him."""
    steps = candidate.case.steps
    for before, step in pairwise(steps):
        if step.move is StepMove.SIGN:
            return
        if before.move is step.move is StepMove.WORK and before.parallel_group is step.parallel_group is None:
            said = {"return_step": {"step_no": step.no, "to_step": before.no, "reason": "incomplete"}}
            yield Turn(step.no, "forward", 0, (), said)


def _withdrawn(candidate: Candidate) -> Iterator[Turn]:
    """It waits for somebody to be assigned when its applicant wants it back."""
    yield Turn(candidate.case.steps[0].no, "", 0, range(1, WISHES_WITHIN + 1))


def _stopped(candidate: Candidate) -> Iterator[Turn]:
    """Its first step is done when its applicant wants it back."""
    step = candidate.case.steps[1]
    if step.move is not StepMove.SIGN:
        yield Turn(step.no, "", _reached_after(candidate.case, step), range(1, WISHES_WITHIN + 1))


TURNS: Mapping[Detour, Turns] = {
    Detour.SUPPLEMENT: _papers,
    Detour.PAYMENT: _payment,
    Detour.PERIOD: _period,
    Detour.RETURN: _return,
    Detour.WITHDRAWN: _withdrawn,
    Detour.STOPPED: _stopped,
    Detour.UNPAID: _payment,
    Detour.REFUSED: _papers,
}
"""Detour → where a case may take it."""


class Map:
    """The courses that arrivals may take, by the calendar and the `mornings` of the year's working days."""

    def __init__(self, calendar: Calendar, mornings: Sequence[datetime]) -> None:
        self._calendar = calendar
        self._mornings = mornings

    def courses(self, candidate: Candidate, detour: Detour) -> list[Course]:
        """List the courses of one detour that an arrival may take: none where its case or its limits have no place."""
        if WAYS[detour].ends and not candidate.may_close:
            return []
        turns = (turn for turn in TURNS[detour](candidate) if turn.step_no <= candidate.halts_after)
        return [course for turn in turns for course in self._at(candidate, detour, turn)]

    def _at(self, candidate: Candidate, detour: Detour, turn: Turn) -> Iterator[Course]:
        way, begins = WAYS[detour], bisect_right(self._mornings, candidate.accepted_at) - 1 + turn.after
        if begins >= len(self._mornings):
            return
        begins_by = self._mornings[begins]
        for until in self._untils(candidate, way, turn, begins):
            if not (way.filed and way.ends) or until <= candidate.due_at:
                yield Course(detour, turn.step_no, turn.instead_of, begins_by, until, turn.said)
        if detour is Detour.RETURN:
            yield Course(detour, turn.step_no, turn.instead_of, begins_by, None, turn.said)

    def _untils(self, candidate: Candidate, way: Way, turn: Turn, begins: int) -> Sequence[datetime]:
        """List the mornings on which the waiting may be over: of silence the first after the limit (C13)."""
        if way.act and way.ends:
            limit = Limit(LimitKind.WORKING_DAYS, candidate.case.supplement_limit_days)
            missed = due(self._calendar, limit, self._mornings[begins])
            return self._mornings[bisect_right(self._mornings, missed) :][:1]
        return [self._mornings[begins + days] for days in turn.days if begins + days < len(self._mornings)]


RAREST = (
    *(Detour.STOPPED, Detour.RETURN, Detour.PERIOD, Detour.UNPAID, Detour.PAYMENT),
    *(Detour.WITHDRAWN, Detour.REFUSED, Detour.SUPPLEMENT),
)
"""Which detour chooses first: the one that fewest cases may take."""


def choose_courses(
    found: Map, candidates: Mapping[int, Candidate], wanted: Mapping[Detour, int], shuffle: random.Random
) -> dict[int, Course]:
    """Course by position of arrival, as many of each detour as are wanted, drawn among those that may take it.

    Raises `Impossible` where fewer may.
    """
    chosen: dict[int, Course] = {}
    for detour, number in sorted(wanted.items(), key=lambda each: RAREST.index(each[0])):
        for position in _draw(found, candidates, detour, number, shuffle, taken=chosen):
            chosen[position] = shuffle.choice(found.courses(candidates[position], detour))
    return chosen


def _draw(
    found: Map,
    candidates: Mapping[int, Candidate],
    detour: Detour,
    number: int,
    shuffle: random.Random,
    *,
    taken: Collection[int],
) -> list[int]:
    """Try arrivals in a drawn order until so many are found."""
    if not number:
        return []
    order = (position for position in shuffle.sample(sorted(candidates), len(candidates)) if position not in taken)
    able = list(islice((each for each in order if found.courses(candidates[each], detour)), number))
    if len(able) < number:
        option = "share-closed" if WAYS[detour].ends else "share-detours"
        raise Impossible(option, f"({number} {detour})", len(able))
    return able
