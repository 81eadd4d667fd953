"""An attempt to file a dossier, and the conditions of the moves that begin one.

The conditions stand in the move table, in the order of the law; each has one function here. A refusal names the
condition by its code. Time and rules are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from services.intake.domain.filing import Applicant, Filing, PaperHandedIn, People, Person
from services.intake.domain.refusals import Fault, Refused
from shared.contracts.facts import Channel
from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case, Catalogue, Paper, UnknownCase
from shared.rulebook.identifiers import InvalidCitizenNumber, InvalidPhone, citizen_number, normalise_phone
from shared.rulebook.moves import moves_for
from shared.rulebook.refusals import REASONS


@dataclass(frozen=True, slots=True)
class Rules:
    """The versions of the rules that a dossier is taken in under."""

    catalogue: Catalogue
    calendar: Calendar
    agencies: Agencies


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the conditions look at: an action that begins a dossier, at a place and a legal moment."""

    action: str
    case: Case
    filing: Filing
    place_code: str
    rules: Rules
    at: datetime
    reason: str | None = None


def attempt(
    action: str, filing: Filing, place_code: str, rules: Rules, at: datetime, *, reason: str | None = None
) -> Attempt:
    """Find the case of a filing, and hold it against the conditions of its action. Raises Refused."""
    tried = Attempt(action, _case(filing, rules.catalogue), filing, place_code, rules, at, reason)
    (move,) = moves_for(None, action)
    for condition in move.conditions:
        faults = list(CONDITIONS[condition](tried))
        if faults:
            raise Refused(condition, *faults)
    return tried


def known_area(tried: Attempt) -> None:
    """Refuse an area code that no commune in force has. Raises Refused."""
    if not tried.rules.agencies.is_area(tried.filing.area_code, tried.at.date()):
        raise Refused("area_unknown", Fault("/area_code", "No commune in force today has this area code."))


def _case(filing: Filing, catalogue: Catalogue) -> Case:
    try:
        return catalogue.case(filing.procedure_code, filing.case_code)
    except UnknownCase:
        known = catalogue.has_procedure(filing.procedure_code)
        pointer = "/case_code" if known else "/procedure_code"
        raise Refused("unknown_procedure", Fault(pointer, "The catalogue in force has no such entry.")) from None


def _procedure_in_force(tried: Attempt) -> Iterator[Fault]:
    if not tried.case.in_force(tried.at.date()):
        yield Fault("/procedure_code", "This case of the procedure is not in force today.")


def _agency_receives(tried: Attempt) -> Iterator[Fault]:
    if not tried.rules.agencies.in_force(tried.place_code, tried.at.date()):
        yield Fault("/procedure_code", "The agency is not in force today.")
    elif not tried.rules.agencies.may_receive(tried.case, tried.place_code, tried.at.date()):
        yield Fault("/procedure_code", "The place may not receive this procedure today.")


def _online_offered(tried: Attempt) -> Iterator[Fault]:
    if not tried.case.online_offered:
        yield Fault("/procedure_code", "This procedure is handed in at a desk only.")


def _reason_listed(tried: Attempt) -> Iterator[Fault]:
    if tried.reason not in REASONS[tried.action]:
        yield Fault("/reason", "Give one of: {reasons}.", {"reasons": ", ".join(REASONS[tried.action])})


def _papers_complete(tried: Attempt) -> Iterator[Fault]:
    """Every required paper in the counts asked for; none that the list does not know; none twice."""
    yield from not_of_list(tried.case, tried.filing.papers)
    for paper in missing(tried.case, {paper.paper_code: paper for paper in tried.filing.papers}):
        asked = "{name_en} ({code}): asked for are {originals} originals, {certified} certified, {photocopies} copied."
        yield Fault("/papers", asked, paper.model_dump())


def not_of_list(case: Case, papers: tuple[PaperHandedIn, ...]) -> Iterator[Fault]:
    """Find the papers that the case's list does not know, and those that are named twice."""
    listed = {paper.code for paper in case.papers}
    seen: set[str] = set()
    for place, paper in enumerate(papers):
        if paper.paper_code not in listed:
            yield Fault(f"/papers/{place}/paper_code", "The case's list has no such paper.")
        if paper.paper_code in seen:
            yield Fault(f"/papers/{place}/paper_code", "This paper is named twice.")
        seen.add(paper.paper_code)


def missing(case: Case, papers: Mapping[str, PaperHandedIn]) -> Iterator[Paper]:
    """Find the required papers of a case that are not there in the counts asked for."""
    return (paper for paper in case.papers if paper.required and not enough(paper, papers.get(paper.code)))


def enough(asked: Paper, given: PaperHandedIn | None) -> bool:
    """Tell whether a paper is there in the counts of its list."""
    return given is not None and (
        given.originals >= asked.originals
        and given.certified >= asked.certified
        and given.photocopies >= asked.photocopies
    )


CONDITIONS: Mapping[str, Callable[[Attempt], Iterator[Fault]]] = {
    "procedure_in_force": _procedure_in_force,
    "agency_receives": _agency_receives,
    "online_offered": _online_offered,
    "papers_complete": _papers_complete,
    "reason_listed": _reason_listed,
}
"""Condition → the faults that it finds; it holds when there is none."""


def people_of(filing: Filing, today: date) -> People:
    """Check and normalise what a filing says about people. Raises Refused."""
    return People(applicant=_person(filing.applicant, today), content=filing.content, note=filing.note)


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


ON_REQUEST = frozenset({Channel.ZALO})
"""Channels of another company: only for whoever chose them."""


def channels_of(filing: Filing, person: Person) -> tuple[Channel, ...]:
    """Say how the applicant is told: as he wants, else by whatever address he gave. Raises Refused."""
    addresses = {Channel.SMS: person.phone, Channel.EMAIL: person.email, Channel.ZALO: person.phone}
    reachable = [channel for channel, address in addresses.items() if address is not None]
    if filing.channels is None:
        return tuple(channel for channel in reachable if channel not in ON_REQUEST)
    if any(channel not in reachable for channel in filing.channels):
        raise Refused("channel_without_address", Fault("/channel_preferences", "A channel named has no address."))
    return tuple(dict.fromkeys(filing.channels))
