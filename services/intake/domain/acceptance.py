"""Whether a dossier may be accepted at a desk now, and by when it must be decided.

The conditions stand in the move table (`accept_at_desk`), in the order of the law; each has one function here. A
refusal names the condition by its code. Time and rules are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from services.intake.domain.filing import Applicant, Filing, PaperHandedIn, People, Person
from shared.contracts.facts import Channel
from shared.rulebook.agencies import Agencies, Agency
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case, Catalogue, Paper, UnknownCase
from shared.rulebook.identifiers import InvalidCitizenNumber, InvalidPhone, citizen_number, normalise_phone
from shared.rulebook.limits import due
from shared.rulebook.moves import moves_for
from shared.rulebook.steps import assign_steps, competent_agency

ACTION = "accept_at_desk"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a filing: where it is (JSON pointer), and in words; nothing of what was sent."""

    pointer: str
    message: str


class Refused(Exception):
    """The dossier is not accepted; `code` says why: a condition's code, or what is wrong with the filing."""

    def __init__(self, code: str, *faults: Fault) -> None:
        super().__init__(code)
        self.code = code
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Rules:
    """The versions of the rules that a dossier is accepted under."""

    catalogue: Catalogue
    calendar: Calendar
    agencies: Agencies


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A dossier as it is accepted, but for its code. Moments are legal."""

    case: Case
    rules: Rules
    place: Agency
    competent: Agency
    step_paths: tuple[str, ...]
    accepted_at: datetime
    statutory_due: datetime
    promised_due: datetime
    people: People
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the conditions look at."""

    case: Case
    filing: Filing
    place_code: str
    rules: Rules
    at: datetime
    papers: Mapping[str, PaperHandedIn] = field(default_factory=dict)


def accept(filing: Filing, place_code: str, rules: Rules, at: datetime) -> Acceptance:
    """Decide about a filing at a place at a legal moment. Raises Refused, CalendarYearMissing."""
    case = _case(filing, rules.catalogue)
    papers = {paper.paper_code: paper for paper in filing.papers}
    attempt = Attempt(case, filing, place_code, rules, at, papers)
    (move,) = moves_for(None, ACTION)
    for condition in move.conditions:
        faults = list(CONDITIONS[condition](attempt))
        if faults:
            raise Refused(condition, *faults)
    if not rules.agencies.is_area(filing.area_code, at.date()):
        raise Refused("area_unknown", Fault("/area_code", "No commune in force today has this area code."))
    person = _person(filing.applicant, at.date())
    return _accepted(attempt, People(applicant=person, content=filing.content, note=filing.note))


def _case(filing: Filing, catalogue: Catalogue) -> Case:
    try:
        return catalogue.case(filing.procedure_code, filing.case_code)
    except UnknownCase:
        known = catalogue.has_procedure(filing.procedure_code)
        pointer = "/case_code" if known else "/procedure_code"
        raise Refused("unknown_procedure", Fault(pointer, "The catalogue in force has no such entry.")) from None


def _procedure_in_force(attempt: Attempt) -> Iterator[Fault]:
    if not attempt.case.in_force(attempt.at.date()):
        yield Fault("/procedure_code", "This case of the procedure is not in force today.")


def _agency_receives(attempt: Attempt) -> Iterator[Fault]:
    if not attempt.rules.agencies.in_force(attempt.place_code, attempt.at.date()):
        yield Fault("/procedure_code", "Your agency is not in force today.")
    elif not attempt.rules.agencies.may_receive(attempt.case, attempt.place_code, attempt.at.date()):
        yield Fault("/procedure_code", "Your place may not receive this procedure today.")


def _papers_complete(attempt: Attempt) -> Iterator[Fault]:
    """Every required paper in the counts asked for; none that the list does not know; none twice."""
    listed = {paper.code for paper in attempt.case.papers}
    seen: set[str] = set()
    for place, paper in enumerate(attempt.filing.papers):
        if paper.paper_code not in listed:
            yield Fault(f"/papers/{place}/paper_code", "The case's list has no such paper.")
        if paper.paper_code in seen:
            yield Fault(f"/papers/{place}/paper_code", "This paper is named twice.")
        seen.add(paper.paper_code)
    for required in attempt.case.papers:
        if required.required and not _enough(required, attempt.papers.get(required.code)):
            yield Fault("/papers", f"{required.code}: {_counts(required)} are asked for.")


def _enough(asked: Paper, given: PaperHandedIn | None) -> bool:
    return given is not None and (
        given.originals >= asked.originals
        and given.certified >= asked.certified
        and given.photocopies >= asked.photocopies
    )


def _counts(paper: Paper) -> str:
    return f"{paper.originals} originals, {paper.certified} certified copies, {paper.photocopies} photocopies"


CONDITIONS: Mapping[str, Callable[[Attempt], Iterator[Fault]]] = {
    "procedure_in_force": _procedure_in_force,
    "agency_receives": _agency_receives,
    "papers_complete": _papers_complete,
}
"""Condition → the faults that it finds; it holds when there is none."""


def _person(applicant: Applicant, today: date) -> Person:
    if applicant.birth_date is not None and applicant.birth_date > today:
        raise Refused("birth_date_invalid", Fault("/applicant/birth_date", "The date of birth lies after today."))
    try:
        number = citizen_number(applicant.citizen_number)
    except InvalidCitizenNumber as error:
        raise Refused("citizen_number_invalid", Fault("/applicant/citizen_number", str(error))) from None
    try:
        phone = normalise_phone(applicant.phone) if applicant.phone is not None else None
    except InvalidPhone as error:
        raise Refused("phone_invalid", Fault("/applicant/phone", str(error))) from None
    return Person(
        name=applicant.name,
        citizen_number=number,
        birth_date=applicant.birth_date,
        address=applicant.address,
        phone=phone,
        email=applicant.email,
    )


def _channels(wanted: tuple[Channel, ...] | None, person: Person) -> tuple[Channel, ...]:
    """How the applicant is told: as he wants, else by whatever address he gave."""
    reachable = [
        channel
        for channel, address in ((Channel.SMS, person.phone), (Channel.EMAIL, person.email))
        if address is not None
    ]
    if wanted is None:
        return tuple(reachable)
    if any(channel not in reachable for channel in wanted):
        raise Refused("channel_without_address", Fault("/channel_preferences", "A channel named has no address."))
    return tuple(dict.fromkeys(wanted))


def _accepted(attempt: Attempt, people: People) -> Acceptance:
    case, filing, rules, at = attempt.case, attempt.filing, attempt.rules, attempt.at
    agencies, day = rules.agencies, at.date()
    steps = assign_steps(case, attempt.place_code, filing.area_code, agencies, day)
    return Acceptance(
        case=case,
        rules=rules,
        place=agencies.get(attempt.place_code),
        competent=competent_agency(case, attempt.place_code, filing.area_code, agencies, day),
        step_paths=tuple(sorted({step.agency_path for step in steps if step.agency_path})),
        accepted_at=at,
        statutory_due=due(rules.calendar, case.statutory_limit, at),
        promised_due=due(rules.calendar, case.promised_limit, at),
        people=people,
        channels=_channels(filing.channels, people.applicant),
    )
