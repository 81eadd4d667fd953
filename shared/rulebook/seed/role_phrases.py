"""`roles.csv` says in words which agency a step belongs to; each phrase has one meaning."""

from __future__ import annotations

import re

from shared.rulebook.seats import ACCEPTANCE, HANDING_OVER, OfficerRole, RoleRule, Seat, SeatKind
from shared.rulebook.seed.tables import Fault, Row

PHRASES: tuple[tuple[str, SeatKind], ...] = (
    (r"the place of reception", SeatKind.PLACE),
    (r"the commune of the place of reception", SeatKind.COMMUNE_OF_PLACE),
    (r"the commune of the dossier's area", SeatKind.COMMUNE_OF_AREA),
    (r"the commune named when the step is opened", SeatKind.COMMUNE_NAMED),
    (r"the district's office with role X", SeatKind.OFFICE_OF_CASE),
    (r"the district's office with role ([a-z]+)", SeatKind.DISTRICT_OFFICE),
    (r"agency with role ([a-z]+) of the district", SeatKind.DISTRICT_OFFICE),
    (r"the district \(role ([a-z]+) of kind district\)", SeatKind.DISTRICT),
    (r"the province's department with role ([a-z]+) in force", SeatKind.DEPARTMENT),
    (r"agency with role ([a-z]+) in force", SeatKind.ROLE_IN_FORCE),
    (r"the agency of the case's ([a-z]+)", SeatKind.SAME_AS),
)
SAME = "the same"

SPECIAL_ROLES = {"(first step: accept)": ACCEPTANCE, "(last step: hand_over)": HANDING_OVER}


def seat(phrase: str) -> Seat | None:
    """The seat that a phrase means, None if no phrase like it is known."""
    for pattern, kind in PHRASES:
        found = re.fullmatch(pattern, phrase)
        if found:
            return Seat(kind=kind, role=found.group(1) if found.groups() else None)
    return None


def role_rule(row: Row) -> RoleRule | list[Fault]:
    """The rule of a row, or what is wrong with it."""
    cells = row.cells
    before = seat(cells["until_2025_06_30"])
    after = before if cells["from_2025_07_01"] == SAME else seat(cells["from_2025_07_01"])
    faults = []
    if before is None:
        faults.append(row.fault("until_2025_06_30: no such phrase is known"))
    if after is None and cells["from_2025_07_01"] != SAME:
        faults.append(row.fault("from_2025_07_01: no such phrase is known"))
    if cells["officer_role"] not in set(OfficerRole):
        faults.append(row.fault("officer_role: is not desk, specialist or leader"))
    if faults or before is None or after is None:
        return faults
    return RoleRule(
        agency_role=SPECIAL_ROLES.get(cells["agency_role"], cells["agency_role"]),
        decided_by=tuple(cells["decided_by"].replace("district:X", "district:*").split("|")),
        before=before,
        after=after,
        officer_role=OfficerRole(cells["officer_role"]),
    )
