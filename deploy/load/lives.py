"""The life of loaded dossiers, decided by the services' own pure parts: handed in, worked on, perhaps handed over.

Dossiers of the same matter, handed in at the same place and moment, have one life; each lives it under its own code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from deploy.demo.offices import Officer as Office
from deploy.demo.people import person
from services.intake.domain.acceptance import Acceptance, accept
from services.intake.domain.attempts import Rules
from services.intake.domain.filing import Applicant, Filing, PaperHandedIn
from services.intake.handlers.accepting import accepted_fact
from services.processing.domain import opening
from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.changing import Drafted, Means
from services.processing.domain.duties import Duty, duties
from services.processing.domain.timers import Timer, alarms_of
from services.processing.domain.workflow import Decision, decide
from shared.contracts.facts import DossierAccepted, Handover, Language, Receiver, State
from shared.rulebook.agencies import Agency
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.identifiers import DossierCode
from shared.rulebook.seats import OfficerRole

FACTS = 10
"""Facts of each dossier's lifecycle: intake's acceptance, and nine of processing."""
_APART = timedelta(minutes=1)
_NO_HASH = "0" * 64
_NEXT = "-2"
"""What the name of the other officer of an office ends in."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What is handed in, where, about which area."""

    kind: Kind
    place: Agency
    area_code: str

    def filing(self, number: int) -> Filing:
        """Fill in the form for one of the year's made-up citizens."""
        applicant = person(number, self.place.name_vi)
        return Filing(
            procedure_code=self.kind.procedure_code,
            case_code=self.kind.case_code,
            area_code=self.area_code,
            applicant=Applicant(
                name=applicant.name,
                citizen_number=applicant.citizen_number,
                birth_date=applicant.birth_date,
                address=applicant.address,
                phone=applicant.phone,
                email=applicant.email,
            ),
            content=f"{applicant.name} đề nghị: {self.kind.name_vi}",
            note=f"Người nộp: {applicant.name}, {applicant.phone}",
            language=Language(applicant.language),
            channels=None,
            papers=tuple(
                PaperHandedIn(paper.code, paper.originals, paper.certified, paper.photocopies)
                for paper in self.kind.papers
                if paper.required
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Life:
    """What becomes of a matter: as it was accepted and opened, processing's facts, the case and the timers after them.

    The case bears a code and a number of nobody.
    """

    matter: Matter
    acceptance: Acceptance
    accepted: DossierAccepted
    facts: tuple[Drafted, ...]
    case: Case
    timers: tuple[Timer, ...]

    @property
    def is_over(self) -> bool:
        """Whether the result is handed over."""
        return self.case.state is State.HANDED_OVER


def live(matter: Matter, rules: Rules, at: datetime) -> Life:
    """Let a matter be handed in at a legal moment, and officers act a minute after each other until it has its facts.

    One that would be handed over sooner is reassigned meanwhile. Raises Refused, CalendarYearMissing.
    """
    acceptance = accept(matter.filing(1), matter.place.code, rules, at).acceptance
    code = str(DossierCode(matter.place.code, at.date(), 1))
    fact = accepted_fact(code, acceptance, _NO_HASH, "").fact
    if not isinstance(fact, DossierAccepted):
        raise TypeError(f"{fact.TYPE} accepts nothing")
    opened = opening.open_case(code, fact, at, opening.Rules(rules.catalogue, rules.calendar, rules.agencies))
    means = Means(rules.calendar.of(matter.place.code), rules.agencies, rules.catalogue, next_number=1)
    acts = list(islice(_acts(opened.case, means, changes=0), FACTS - 1))
    if missing := FACTS - 1 - len(acts):
        acts = list(_acts(opened.case, means, changes=missing))
    facts = tuple(drafted for act in acts for drafted in act.facts)
    return Life(matter, acceptance, fact, facts, acts[-1].after, _timers(opened.timers, acts, means))


def _acts(case: Case, means: Means, *, changes: int) -> Iterator[Decision]:
    """Do what is owed first, one after the other; so many times a leader names another officer first."""
    now = case.accepted_at
    while owed := duties(case):
        now += _APART
        change = changes > 0 and case.state is State.PROCESSING
        changes -= change
        officer, act = _change(case, owed[0]) if change else _owed(owed[0])
        decision = decide(case, act, officer, now, seen_version=case.version, means=means)
        yield decision
        case = decision.after


def _owed(duty: Duty) -> tuple[Officer, Act]:
    officer = Officer(duty.holder or Office(duty.agency, duty.role).subject, duty.role, duty.agency)
    named = Office(duty.step_agency, duty.step_role).subject if duty.action == "assign" else None
    return officer, Act(
        duty.action,
        step_no=duty.step_no,
        officer=named,
        agency=duty.step_agency if named else None,
        receiver=Receiver.APPLICANT,
        handover=Handover.DESK,
    )


def _change(case: Case, duty: Duty) -> tuple[Officer, Act]:
    step = case.step(duty.step_no)
    usual = Office(duty.step_agency, duty.step_role).subject
    other = usual + _NEXT if step is not None and step.holder == usual else usual
    leader = Office(duty.step_agency, OfficerRole.LEADER)
    act = Act("reassign", step_no=duty.step_no, officer=other, agency=duty.step_agency)
    return Officer(leader.subject, leader.role, leader.agency), act


def _timers(first: tuple[Timer, ...], acts: list[Decision], means: Means) -> tuple[Timer, ...]:
    """Say which timers are left after these acts."""
    left = {timer.kind: timer for timer in first}
    for act in acts:
        alarms = alarms_of(act.before, act.after, means, act.facts[-1].legal_time)
        left = {kind: timer for kind, timer in left.items() if kind not in alarms.dropped}
        left |= {timer.kind: timer for timer in alarms.set}
    return tuple(left.values())
