"""Whether a dossier may be accepted at a desk now, and by when whatever is accepted must be decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.attempts import Rules, attempt, channels_of, known_area, people_of
from services.intake.domain.filing import Filing, People
from shared.contracts.facts import Backdating, Channel
from shared.rulebook.agencies import Agency
from shared.rulebook.catalogue import Case
from shared.rulebook.limits import due
from shared.rulebook.steps import assign_steps, competent_agency


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A dossier as it is accepted, but for its code. Moments are legal; `backdating`: why it is before its record.

    `filed_online`: it was registered online before, and `case` has the limits for that.
    """

    case: Case
    rules: Rules
    place: Agency
    area_code: str
    competent: Agency
    step_paths: tuple[str, ...]
    accepted_at: datetime
    statutory_due: datetime
    promised_due: datetime
    backdating: Backdating | None = None
    filed_online: bool = False


@dataclass(frozen=True, slots=True)
class AcceptedFiling:
    """What was accepted at a desk, with the people who handed it in."""

    acceptance: Acceptance
    people: People
    channels: tuple[Channel, ...]


def accept(filing: Filing, place_code: str, rules: Rules, at: datetime) -> AcceptedFiling:
    """Decide about a filing at a place at a legal moment. Raises Refused, CalendarYearMissing."""
    tried = attempt("accept_at_desk", filing, place_code, rules, at)
    known_area(tried)
    people = people_of(filing, at.date())
    acceptance = acceptance_of(tried.case, place_code, filing.area_code, rules, at)
    return AcceptedFiling(acceptance, people, channels_of(filing, people.applicant))


def acceptance_of(case: Case, place_code: str, area_code: str, rules: Rules, at: datetime) -> Acceptance:
    """Say who decides a case and by when: limits count from this moment (C1–C5, C9), in the calendar of its place.

    Raises CalendarYearMissing.
    """
    agencies, day, calendar = rules.agencies, at.date(), rules.calendar.of(place_code)
    steps = assign_steps(case, place_code, area_code, agencies, day)
    return Acceptance(
        case=case,
        rules=rules,
        place=agencies.get(place_code),
        area_code=area_code,
        competent=competent_agency(case, place_code, area_code, agencies, day),
        step_paths=tuple(sorted({step.agency_path for step in steps if step.agency_path})),
        accepted_at=at,
        statutory_due=due(calendar, case.statutory_limit, at),
        promised_due=due(calendar, case.promised_limit, at),
    )
