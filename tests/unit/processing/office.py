"""What the tests of the workflow share: the seed's rules, cases opened from facts, and an officer for every act."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.changing import Means
from services.processing.domain.duties import Duty, duties
from services.processing.domain.opening import Opened, Rules, open_case
from services.processing.domain.reasons import ApologyReason
from services.processing.domain.workflow import Decision, decide
from shared.contracts.facts import DossierAccepted, Handover, Receiver
from shared.rulebook.calendar import ZONE
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.limits import due
from shared.rulebook.loader import load_seed, parse_agencies, parse_calendar, parse_catalogue
from shared.rulebook.officers import NOBODY_SAID, Register
from shared.rulebook.pauses import PauseKind
from shared.rulebook.steps import competent_agency

DESK, TOWNSHIP = "H56.97.01", "H56.97.21"
AREA, OTHER_COMMUNE = "16093", "H56.97.22"
MONDAY = datetime(2020, 3, 2, 9, 0, tzinfo=ZONE)
CODE = "H56.97.21-200302-0001"


@cache
def rules() -> Rules:
    seed = load_seed()
    return Rules(
        parse_catalogue("catalogue-1-aaaaaaaaaaaa", seed.catalogue),
        parse_calendar("calendar-1-aaaaaaaaaaaa", seed.calendar),
        parse_agencies("agencies-1-aaaaaaaaaaaa", seed.agencies),
    )


def kinds() -> list[Kind]:
    """Every case of the catalogue that is in force in 2020."""
    return list(rules().catalogue.cases_in_force(MONDAY.date()))


def place_of(kind: Kind) -> str:
    agencies = rules().agencies
    return next(place for place in (TOWNSHIP, DESK) if agencies.may_receive(kind, place, MONDAY.date()))


def accepted(kind: Kind, at: datetime = MONDAY) -> DossierAccepted:
    calendar, agencies = rules().calendar, rules().agencies
    place = agencies.get(place_of(kind))
    competent = competent_agency(kind, place.code, AREA, agencies, at.date())
    return DossierAccepted(
        catalogue_version=rules().catalogue.version,
        calendar_version=calendar.version,
        agencies_version=agencies.version,
        procedure_code=kind.procedure_code,
        case_code=kind.case_code,
        field=kind.field,
        received_by=place.code,
        received_path=place.path,
        competent_agency=competent.code,
        competent_path=competent.path,
        area_code=AREA,
        limit_kind=kind.limit_kind,
        statutory_due=due(calendar, kind.statutory_limit, at),
        promised_due=due(calendar, kind.promised_limit, at),
        tracking_secret_hash="ab" * 32,
    )


def opened(kind: Kind, at: datetime = MONDAY) -> Opened:
    return open_case(CODE, accepted(kind, at), at, rules())


def kind_of(procedure_code: str, case_code: str = "default") -> Kind:
    return rules().catalogue.case(procedure_code, case_code)


def officer_for(duty: Duty) -> Officer:
    return Officer(duty.holder or f"{duty.role}.{duty.agency}", duty.role, duty.agency)


def act_for(duty: Duty, case: Case) -> Act:
    """The act that a duty asks for, with all that it has to say."""
    named = OTHER_COMMUNE if opens_another_commune(case, duty) else None
    return Act(
        duty.action,
        step_no=duty.step_no or None,
        officer=f"{duty.step_role}.{duty.step_agency}" if duty.action == "assign" else None,
        agency=duty.step_agency if duty.action == "assign" else None,
        other_communes=(named,) * opens_another_commune(case, duty) if named else (),
        receiver=Receiver.APPLICANT,
        handover=Handover.DESK,
        reason=ApologyReason.OFFICER_ABSENT,
        amount_vnd=demanded.amount_vnd if (demanded := case.last_halt(PauseKind.PAYMENT)) else None,
    )


def opens_another_commune(case: Case, duty: Duty) -> int:
    """How many steps of another commune open when this duty is done."""
    if duty.action not in {"forward", "sign", "number"} or len(list(case.open_steps())) > 1:
        return 0
    waiting = [step for step in case.steps if step.no > duty.step_no]
    first = waiting[0] if waiting else None
    return sum(
        not step.agency for step in waiting if step is first or (first and first.group and step.group == first.group)
    )


def means(number: int | None = 7, officers: Register = NOBODY_SAID) -> Means:
    return Means(rules().calendar, rules().agencies, rules().catalogue, number, officers=officers)


def do(case: Case, duty: Duty, now: datetime = MONDAY) -> Decision:
    return decide(case, act_for(duty, case), officer_for(duty), now, seen_version=case.version, means=means())


def walk(case: Case, now: datetime = MONDAY) -> Iterator[tuple[Case, Duty, Decision]]:
    """Do whatever is owed first, a minute after each other, until nothing is owed."""
    while owed := duties(case):
        now += timedelta(minutes=1)
        decision = do(case, owed[0], now)
        yield case, owed[0], decision
        case = decision.after
