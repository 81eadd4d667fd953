"""Checks of the steps: order, moves, allowances, parallel groups, excluded periods, roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from shared.rulebook.catalogue import Case, Step, StepMove
from shared.rulebook.limits import LimitKind
from shared.rulebook.seed.records import Law, Lined
from shared.rulebook.seed.tables import Fault

Steps = list[Lined[Step]]


def _by_case(law: Law) -> dict[tuple[str, str], Steps]:
    found: dict[tuple[str, str], Steps] = {}
    for step in law.steps:
        found.setdefault(step.case_key, []).append(step)
    return found


def _cases(law: Law) -> Mapping[tuple[str, str], Lined[Case]]:
    return {case.case_key: case for case in law.cases}


def references(law: Law) -> Iterator[Fault]:
    """Every step has its case and every case its steps."""
    cases, steps = _cases(law), _by_case(law)
    for key in steps.keys() - cases.keys():
        yield steps[key][0].row.fault("case_code: no such case in the catalogue")
    for key in cases.keys() - steps.keys():
        yield cases[key].row.fault("case_code: the case has no steps")


def order(law: Law) -> Iterator[Fault]:
    """Numbers run from 1; one accept, first; one sign; one hand_over, last; at most one number, after the sign."""
    for steps in _by_case(law).values():
        for expected, step in enumerate(steps, 1):
            if step.value.no != expected:
                yield step.row.fault(f"step_no: {expected} is due here")
        moves = [step.value.move for step in steps]
        if moves.count(StepMove.ACCEPT) != 1 or moves[0] is not StepMove.ACCEPT:
            yield steps[0].row.fault("move: a case has exactly one accept, first")
        if moves.count(StepMove.HAND_OVER) != 1 or moves[-1] is not StepMove.HAND_OVER:
            yield steps[-1].row.fault("move: a case has exactly one hand_over, last")
        if moves.count(StepMove.SIGN) != 1:
            yield steps[-1].row.fault("move: a case has exactly one sign")
        yield from _numbering(steps, moves)


def _numbering(steps: Steps, moves: list[StepMove]) -> Iterator[Fault]:
    numbering = [index for index, move in enumerate(moves) if move is StepMove.NUMBER]
    for index in numbering[1:]:
        yield steps[index].row.fault("move: a case has at most one number")
    if numbering and StepMove.SIGN not in moves[: numbering[0]]:
        yield steps[numbering[0]].row.fault("move: number comes after sign")


def allowances(law: Law) -> Iterator[Fault]:
    """The allowances of a case sum up to no more than its promise, in working hours."""
    cases = _cases(law)
    for key, steps in _by_case(law).items():
        if key not in cases:
            continue
        if cases[key].value.limit_kind is LimitKind.NONE:
            continue
        most = _most_hours(cases[key].value)
        total = sum(step.value.allowance_hours for step in steps)
        if total > most:
            yield steps[-1].row.fault(f"allowance_working_hours: the case's sum is {total}, at most {most}")


def _most_hours(case: Case) -> int:
    promised = case.promised or 0
    return {
        LimitKind.SAME_DAY: 8,
        LimitKind.WORKING_DAYS: promised * 8,
        LimitKind.CALENDAR_DAYS: promised * 5 // 7 * 8,
        LimitKind.WORKING_HOURS: promised,
        LimitKind.WORKING_MINUTES: promised // 60,
    }[case.limit_kind]


def periods(law: Law) -> Iterator[Fault]:
    """A period step names its excluded period and takes no hours; each period of a case has exactly one step."""
    cases = _cases(law)
    for key, steps in _by_case(law).items():
        for step in steps:
            is_period = step.value.move is StepMove.PERIOD
            if is_period != (step.value.excluded_period is not None):
                yield step.row.fault("excluded_period: stands in period steps and only there")
            if is_period != (step.value.allowance_hours == 0):
                yield step.row.fault("allowance_working_hours: is 0 in period steps and only there")
        found = sorted(step.value.excluded_period for step in steps if step.value.excluded_period)
        if key in cases and found != sorted(cases[key].value.excluded_periods):
            yield cases[key].row.fault("excluded_periods: each has exactly one step, and no other step is one")


def parallel_groups(law: Law) -> Iterator[Fault]:
    """The steps of a parallel group stand together, at least two of them."""
    for steps in _by_case(law).values():
        seen = set()
        for group, members in groupby(steps, key=lambda step: step.value.parallel_group):
            found = list(members)
            if group is not None and (len(found) == 1 or group in seen):
                yield found[0].row.fault("parallel_group: its steps do not stand together")
            seen.add(group)


def roles(law: Law) -> Iterator[Fault]:
    """`roles.csv` says for every step where it sits."""
    cases = _cases(law)
    for step in law.steps:
        case = cases.get(step.case_key)
        if case is None or step.value.move in (StepMove.ACCEPT, StepMove.HAND_OVER):
            continue
        role = step.value.agency_role
        if not any(r.value.agency_role == role and r.value.covers(case.value.decided_by) for r in law.roles):
            yield step.row.fault(f"agency_role: roles.csv has no {role} for {case.value.decided_by}")


CHECKS = (references, order, allowances, periods, parallel_groups, roles)
