"""Who decides a case and which agency and officer each of its steps belongs to, by date (`law/roles.csv`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from shared.rulebook.agencies import Agencies, Agency, AgencyKind
from shared.rulebook.catalogue import Case, Step, StepMove
from shared.rulebook.seats import ACCEPTANCE, DISTRICT_ENDS, HANDING_OVER, OfficerRole, RoleRule, Seat, SeatKind


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of one dossier with its agency and the role of the officer who acts on it.

    Code and path of the agency are empty where the commune is named only when the step opens (`commune_other`).
    """

    no: int
    code: str
    move: StepMove
    agency_code: str
    agency_path: str
    officer_role: OfficerRole
    parallel_group: str | None


@dataclass(frozen=True, slots=True)
class _Dossier:
    """What of a dossier decides where its steps sit."""

    case: Case
    place: str
    area_code: str
    agencies: Agencies
    day: date


def _place(dossier: _Dossier, _seat: Seat) -> Agency:
    """The place of reception, or who answers for it on the day; where nobody does, the commune of the area."""
    place = dossier.agencies.answering(dossier.place, dossier.area_code, dossier.day)
    return place or dossier.agencies.commune_of_area(dossier.area_code, dossier.day)


def _commune_of_place(dossier: _Dossier, seat: Seat) -> Agency:
    place = _place(dossier, seat)
    return place if place.kind is AgencyKind.COMMUNE else _commune_of_area(dossier, seat)


def _commune_of_area(dossier: _Dossier, _seat: Seat) -> Agency:
    return dossier.agencies.commune_of_area(dossier.area_code, dossier.day)


def _office_of_case(dossier: _Dossier, _seat: Seat) -> Agency:
    role = dossier.case.decided_by.partition(":")[2]
    return dossier.agencies.the(role, dossier.day, AgencyKind.DISTRICT_OFFICE)


def _of_kind(kind: AgencyKind | None) -> Callable[[_Dossier, Seat], Agency]:
    def find(dossier: _Dossier, seat: Seat) -> Agency:
        return dossier.agencies.the(seat.role or "", dossier.day, kind)

    return find


def _same_as(dossier: _Dossier, seat: Seat) -> Agency | None:
    return _agency_of(dossier, _role_rule(dossier, seat.role or ""))


_FINDERS: dict[SeatKind, Callable[[_Dossier, Seat], Agency | None]] = {
    SeatKind.PLACE: _place,
    SeatKind.COMMUNE_OF_PLACE: _commune_of_place,
    SeatKind.COMMUNE_OF_AREA: _commune_of_area,
    SeatKind.COMMUNE_NAMED: lambda _dossier, _seat: None,
    SeatKind.OFFICE_OF_CASE: _office_of_case,
    SeatKind.DISTRICT_OFFICE: _of_kind(AgencyKind.DISTRICT_OFFICE),
    SeatKind.DISTRICT: _of_kind(AgencyKind.DISTRICT),
    SeatKind.DEPARTMENT: _of_kind(AgencyKind.DEPARTMENT),
    SeatKind.ROLE_IN_FORCE: _of_kind(None),
    SeatKind.SAME_AS: _same_as,
}


def _agency_of(dossier: _Dossier, rule: RoleRule) -> Agency | None:
    seat = rule.seat(dossier.day)
    return _FINDERS[seat.kind](dossier, seat)


def _role_rule(dossier: _Dossier, agency_role: str) -> RoleRule:
    for rule in dossier.agencies.roles:
        if rule.agency_role == agency_role and rule.covers(dossier.case.decided_by):
            return rule
    raise LookupError(f"no rule says where {agency_role} sits in cases decided by {dossier.case.decided_by}")


_WHATEVER_ROLE = {StepMove.ACCEPT: ACCEPTANCE, StepMove.HAND_OVER: HANDING_OVER}


def _plan(dossier: _Dossier, step: Step) -> PlannedStep:
    rule = _role_rule(dossier, _WHATEVER_ROLE.get(step.move, step.agency_role))
    agency = _agency_of(dossier, rule)
    officer = OfficerRole.LEADER if step.move is StepMove.SIGN else rule.officer_role
    code, path = (agency.code, agency.path) if agency is not None else ("", "")
    return PlannedStep(step.no, step.code, step.move, code, path, officer, step.parallel_group)


def assign_steps(case: Case, place: str, area_code: str, agencies: Agencies, day: date) -> tuple[PlannedStep, ...]:
    """Every step of a case with its agency and officer's role on a date, in order.

    `place` is the code of the place of reception, `area_code` that of the applicant's or the parcel's commune.
    A `sign` step is always the leader's of its agency.
    Where no step numbers, the case says so (`numbering_follows_sign`). Raises UnknownAgency.
    """
    dossier = _Dossier(case, place, area_code, agencies, day)
    return tuple(_plan(dossier, step) for step in case.steps)


def competent_agency(case: Case, place: str, area_code: str, agencies: Agencies, day: date) -> Agency:
    """Who decides a case on a date, after its `decided_by`. Raises UnknownAgency.

    The commune of the place of reception; the district's office, from 2025-07-01 the commune of the dossier's area; the
    province's department; the land registry branch.
    """
    dossier = _Dossier(case, place, area_code, agencies, day)
    kind, _, role = case.decided_by.partition(":")
    match kind:
        case "commune":
            return _commune_of_place(dossier, Seat(kind=SeatKind.COMMUNE_OF_PLACE))
        case "district" if day > DISTRICT_ENDS:
            return _commune_of_area(dossier, Seat(kind=SeatKind.COMMUNE_OF_AREA))
        case "district":
            return agencies.the(role, day, AgencyKind.DISTRICT_OFFICE)
        case "province":
            return agencies.the(role, day, AgencyKind.DEPARTMENT)
        case _:
            return agencies.the(kind, day)
