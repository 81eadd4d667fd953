"""How long each step took, and whose lateness is whose (C10), as data: to officers step by step, to all by agency."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from datetime import timedelta

from services.processing.api.named import Named, agency_named
from services.processing.api.views import View
from services.processing.domain.cases import Case, Step
from services.processing.domain.step_times import StepTimes
from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import local
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.step_clock import StepClock


class StepStay(View):
    """A span in which the dossier stood at a step, `to` empty while it still does."""

    begins_at: dt.datetime
    ended_at: dt.datetime | None


class StepTimed(View):
    """A step in seconds of its agency's working time, pauses left out; `runs_out_at` tells of an open step.

    `lateness_seconds` is its part of what the dossier is late by; `agency` is empty where another commune does it that
    is not named yet.
    """

    step_no: int
    step: Named
    agency: Named | None
    status: str
    stays: list[StepStay]
    allowance_seconds: int
    used_seconds: int
    left_seconds: int
    overrun_seconds: int
    runs_out_at: dt.datetime | None
    lateness_seconds: int


class AgencysLateness(View):
    """What an agency's steps overran, and its part of the lateness; without any overrun it is the desk's.

    A step that overran is whose it was when its allowance ran out: its agency's, or whoever's the work was by then.
    """

    agency: Named
    overrun_seconds: int
    lateness_seconds: int


class LatenessTold(View):
    """What a dossier is late by, so far or in the end, in working time of its place; `by_agency` adds up to it."""

    seconds: int
    by_agency: list[AgencysLateness]


def steps_timed(case: Case, kind: Kind, agencies: Agencies, times: StepTimes) -> list[StepTimed]:
    """Show every step."""
    parts = times.lateness.parts if times.lateness else (timedelta(),) * len(times.clocks)
    return [
        _timed(step, clock, part, kind, agencies)
        for step, clock, part in zip(case.steps, times.clocks, parts, strict=True)
    ]


def _timed(step: Step, clock: StepClock, part: timedelta, kind: Kind, agencies: Agencies) -> StepTimed:
    named = kind.step(step.no)
    return StepTimed(
        step_no=step.no,
        step=Named(code=step.code, name_vi=named.name_vi, name_en=named.name_en),
        agency=agency_named(agencies, step.agency) if step.agency else None,
        status=step.status,
        stays=[StepStay(begins_at=stay.begins, ended_at=stay.ends) for stay in clock.step.stays],
        allowance_seconds=_seconds(clock.step.allowance),
        used_seconds=_seconds(clock.used),
        left_seconds=_seconds(clock.left),
        overrun_seconds=_seconds(clock.overrun),
        runs_out_at=clock.runs_out_at,
        lateness_seconds=_seconds(part),
    )


def lateness_told(case: Case, agencies: Agencies, times: StepTimes) -> LatenessTold | None:
    """Say by agency what a dossier is late by; nothing where it is not late."""
    found = times.lateness
    if found is None:
        return None
    overran, late = defaultdict[str, timedelta](timedelta), defaultdict[str, timedelta](timedelta)
    for clock, part in zip(times.clocks, found.parts, strict=True):
        if clock.overran_at is not None:
            whose = agencies.answering_code(clock.step.agency, case.area_code, local(clock.overran_at).date())
            overran[whose] += clock.overrun
            late[whose] += part
    if not overran:
        late[case.received_by] = found.desk
    return LatenessTold(
        seconds=_seconds(found.total),
        by_agency=[
            AgencysLateness(
                agency=agency_named(agencies, agency),
                overrun_seconds=_seconds(overran[agency]),
                lateness_seconds=_seconds(part),
            )
            for agency, part in late.items()
        ],
    )


def _seconds(amount: timedelta) -> int:
    return int(amount.total_seconds())
