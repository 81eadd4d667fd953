"""Why a dossier is due when it is, as data: both limits, every date and stretch, every pause with who, why, on what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from services.processing.api.named import Named, agency_named
from services.processing.api.step_views import LatenessTold, StepTimed, lateness_told, steps_timed
from services.processing.api.views import View, shown
from services.processing.domain.cases import Case
from services.processing.domain.deadlines import Deadline, Explained
from services.processing.domain.halts import Halt
from services.processing.domain.step_times import StepTimes
from shared.contracts.facts import Evidence
from shared.rulebook.agencies import Agencies
from shared.rulebook.backdating import EVIDENCE
from shared.rulebook.bases import BASES
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.explanation_data import explanation_data
from shared.rulebook.limits import as_appointed


class BackdatingTold(View):
    """The dossier counts from before it was recorded (C14): on what evidence, and which agency's leader approved it.

    Who the leader is stands there for officers alone.
    """

    recorded_at: dt.datetime
    evidence: Named
    agency: Named
    officer: str | None


class PauseTold(View):
    """A pause as it happened. It counts in a limit as that limit's own `pauses` of the same `number` say.

    `agency` began it, on the article that `basis` cites, for want of `papers` or of `amount_vnd`, or for the period
    that `step` is. The officers who began and ended it are named to officers alone. Where a calendar
    has moved the applicant's own limit (C13), `first_limit_at` is the one that was asked with, and
    `limit_calendar_version` is what moved it.
    """

    number: int
    kind: str
    began_at: dt.datetime
    ended_at: dt.datetime | None
    agency: Named
    officer: str | None
    basis: Named
    papers: list[Named]
    amount_vnd: int | None
    step: Named | None
    limit_at: dt.datetime | None
    first_limit_at: dt.datetime | None
    limit_calendar_version: str | None
    ended_by: str | None


class LimitAsked(View):
    """How a limit is counted: `n` units, none for the same day or no appointment; `cutoff` where one is named."""

    unit: str
    n: int | None
    cutoff: str | None


class PauseWeighed(View):
    """What a pause does to a limit (C6–C8), and from when the limit goes on after it (C3)."""

    number: int
    kind: str
    began_at: dt.datetime
    ended_at: dt.datetime | None
    goes_on_at: dt.datetime | None
    effect: str


class CountedLine(View):
    """A date, or from `from` to `to` a stretch of its working time: counted or not, by which rule.

    Names and source are those of a day off or a worked Saturday; `pauses` are the numbers of those that stopped it.
    """

    date: dt.date
    working: bool
    kind: str
    name_vi: str = ""
    name_en: str = ""
    source: str = ""
    begins_at: dt.datetime | None = Field(alias="from")
    ends_at: dt.datetime | None = Field(alias="to")
    verdict: str
    rule: str
    pauses: list[int]
    counted: int
    total: int


class Run(View):
    """One counting of the whole limit; the last one is in force, what one before had counted was given up (C8)."""

    begins_at: dt.datetime
    counts_from: dt.datetime
    total: int
    lines: list[CountedLine]


class LimitExplained(View):
    """One limit: `total` of its last run reaches `wanted` at `due_at`, in days or in seconds of working time.

    `online`: it is another than at the desk, for the dossier was filed online. `calendar_followed`: the version that
    the dossier follows now; where it is not the one by which the limit is counted, working days have changed since, and
    the date that was told is kept, for it is no earlier than they give.
    """

    limit: LimitAsked
    online: bool
    calendar_version: str
    calendar_followed: str
    counted_in: str
    wanted: int
    due_at: dt.datetime | None
    half_time_at: dt.datetime | None
    apology_draft_at: dt.datetime | None
    paused_since: dt.datetime | None
    pauses: list[PauseWeighed]
    runs: list[Run]


class DeadlineView(View):
    """Why a dossier is due when it is. By `promised` it is judged; an apology moves neither limit (C11).

    `lateness` is what it is late by, and which agencies by how much (C10); `steps` stand there for officers alone.
    """

    code: str
    state: int
    procedure: Named
    case: Named
    received_by: Named
    accepted_at: dt.datetime
    backdating: BackdatingTold | None
    catalogue_version: str
    supplement_policy: str
    promised: LimitExplained
    statutory: LimitExplained
    pauses: list[PauseTold]
    steps: list[StepTimed] | None
    lateness: LatenessTold | None
    reappointed_to: dt.datetime | None
    finished_at: dt.datetime | None
    closed_at: dt.datetime | None


def deadline_view(
    case: Case, rules: tuple[Kind, Agencies], deadline: Deadline, times: StepTimes, *, officers: bool
) -> DeadlineView:
    """Show an explanation; who an officer is, and every step, only where the reader is one."""
    kind, agencies = rules
    return DeadlineView(
        code=case.code,
        state=case.state,
        procedure=Named(code=kind.procedure_code, name_vi=kind.name_vi, name_en=kind.name_en),
        case=Named(code=kind.case_code, name_vi=kind.case_name_vi, name_en=kind.case_name_en),
        received_by=agency_named(agencies, case.received_by),
        accepted_at=case.accepted_at,
        backdating=_backdating(case, agencies, officers=officers),
        catalogue_version=case.catalogue_version,
        supplement_policy=kind.supplement_policy,
        promised=_limit(deadline.promised),
        statutory=_limit(deadline.statutory),
        pauses=[
            _pause(number, halt, kind, agencies, officers=officers) for number, halt in enumerate(deadline.halts, 1)
        ],
        steps=steps_timed(case, kind, agencies, times) if officers else None,
        lateness=lateness_told(case, agencies, times),
        reappointed_to=shown(case.reappointed_to),
        finished_at=shown(case.finished_at),
        closed_at=shown(case.closed_at),
    )


def _backdating(case: Case, agencies: Agencies, *, officers: bool) -> BackdatingTold | None:
    if case.recorded_at is None or case.evidence is None or case.approving_agency is None:
        return None
    evidence = EVIDENCE[Evidence(case.evidence)]
    return BackdatingTold(
        recorded_at=shown(case.recorded_at),
        evidence=Named(code=case.evidence, name_vi=evidence.vi, name_en=evidence.en),
        agency=agency_named(agencies, case.approving_agency),
        officer=case.approved_by if officers else None,
    )


def _limit(explained: Explained) -> LimitExplained:
    found = explained.explanation.reckoning
    stands: Mapping[str, Any] = {
        "online": explained.online,
        "calendar_version": explained.calendar_version,
        "calendar_followed": explained.calendar_followed,
        "due_at": as_appointed(found.due_at),
        "half_time_at": found.half_time_at,
        "apology_draft_at": found.apology_draft_at,
        "paused_since": found.paused_since,
    }
    return LimitExplained.model_validate({**explanation_data(explained.explanation), **stands})


def _pause(number: int, halt: Halt, kind: Kind, agencies: Agencies, *, officers: bool) -> PauseTold:
    basis, papers = BASES[halt.basis], {paper.code: paper for paper in kind.papers}
    step = kind.step(halt.step_no) if halt.step_no else None
    return PauseTold(
        number=number,
        kind=halt.kind,
        began_at=shown(halt.begins_at),
        ended_at=shown(halt.ends_at),
        agency=agency_named(agencies, halt.agency),
        officer=halt.officer if officers else None,
        basis=Named(code=basis.code, name_vi=basis.vi, name_en=basis.en),
        papers=[Named(code=code, name_vi=papers[code].name_vi, name_en=papers[code].name_en) for code in halt.papers],
        amount_vnd=halt.amount_vnd,
        step=None if step is None else Named(code=step.code, name_vi=step.name_vi, name_en=step.name_en),
        limit_at=shown(halt.limit_at),
        first_limit_at=shown(halt.first_limit_at),
        limit_calendar_version=halt.limit_calendar,
        ended_by=halt.ended_by if officers and halt.ended_by else None,
    )
